"""IDX files, MNIST's format of images and classes.

The files may be larger than memory.
"""

from __future__ import annotations

import functools
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.augment import Augmentation, Augmented
from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.errors import DataError, naming
from minigrad.data.examples import Examples
from minigrad.data.files import digest_of, find, reading
from minigrad.data.learned import NAMES
from minigrad.data.mapped import file_of, give_back, map_file, require_whole
from minigrad.data.npy import check_ratio
from minigrad.data.pictures import SUFFIXES
from minigrad.data.splits import check_order

WHITE = 255
"""The largest value of a pixel, which is scaled to 1."""


class Images(Examples):
    """Images of bytes, read batch by batch as fractions.

    A batch is float32, from 0 to 1.

    Errors are those of `Examples`.
    """

    def __init__(self, pixels: np.ndarray, targets: np.ndarray) -> None:
        super().__init__(pixels, targets)
        self._file = file_of(pixels)

    def batch(self, indices: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the inputs and targets at `indices`.

        Pages that were read from a mapped file are released.
        """
        require_whole(self._file, self.inputs)
        pixels, targets = super().batch(indices)
        inputs = fractions(pixels)
        give_back(self._file)
        return inputs, targets


class IDX(Dataset):
    """Images and classes from IDX files, as MNIST's.

    Examples are Fashion-MNIST, Kuzushiji-MNIST or your own images. Pixels are scaled to [0, 1]. Uncompressed files are
    mapped into memory, so only the images of a batch are read. The last of the training images are for validation and,
    if there are no test files, for the test, so their order must be random.

    Args:
        images: the file of the training images, bytes (N, height, width) or (N, channels, height, width); a relative
            path may also be in $MINIGRAD_DATA.
        labels: the file of their classes, bytes (N,), counted from 0.
        test_images: the file of the test images.
        test_labels: the file of their classes.
        val_fraction: the fraction of the training images for validation.
        test_fraction: the fraction for the test part, if there are no test files.
        flatten: whether an input is a vector of pixels; if False, it is an image (channels, height, width).
        targets: the form of class targets (see `minigrad.data.Targets`).
        augment: augmentations of the training images, applied in order, with new random numbers in each epoch.

    Raises:
        DataError: if a file is missing, truncated or in another format, if files do not belong together, if a part
            would be empty, or if a class does not occur in training.
    """

    _learned = NAMES
    _pixel_max = WHITE
    _files: Sequence[Path] = ()

    def __init__(
        self,
        images: str,
        labels: str,
        test_images: str | None = None,
        test_labels: str | None = None,
        val_fraction: float = 0.1,
        test_fraction: float = 0.1,
        flatten: bool = True,
        targets: Targets = "index",
        augment: Sequence[Augmentation] = (),
    ) -> None:
        if (test_images is None) != (test_labels is None):
            raise DataError("test_images and test_labels belong together: give both, or leave out both")
        pixels, classes = _pair(images, labels)
        n = end = len(pixels)
        if test_images is not None and test_labels is not None:
            test = _pair(test_images, test_labels)
            if test[0].shape[1:] != pixels.shape[1:]:
                expected, found = pixels.shape[1:], test[0].shape[1:]
                raise DataError(f"{test_images}: expected images of shape {expected} as in {images}, found {found}")
        else:
            end -= round(n * test_fraction)
            test = pixels[end:], classes[end:]
        start = end - round(n * val_fraction)
        if not (0 < start < end <= n and len(test[0])):
            raise DataError(f"{images}: holds {n} images, and these fractions leave a part empty")
        parts = (pixels[:start], classes[:start]), (pixels[start:end], classes[start:end]), test
        known, *others = (np.unique(answers) for _, answers in parts)
        if unseen := set(np.concatenate(others).tolist()) - set(known.tolist()):
            raise DataError(
                f"{labels}: class {min(unseen)} is not among the first {start} images, which are to train on: "
                "the images have to be in a random order"
            )
        if len(known) == 1:
            raise DataError(f"{labels}: all images are of class {known[0]}: there is nothing to learn")
        self._num_classes = int(known[-1]) + 1
        self._files = [find(name) for name in (images, labels, test_images, test_labels) if name is not None]
        drawn = [answers for _, answers in (parts if test_images is None else (*parts[:2], parts[0]))]
        names = [str(i) for i in range(self._num_classes)]
        check_order(labels, drawn, names, "the images have to be in a random order")
        self._image = pixels.shape[1:] if pixels.ndim == 4 else (1, *pixels.shape[1:])
        shape = (math.prod(self._image),) if flatten else self._image
        self.train, self.val, self.test = (
            Images(part.reshape(-1, *shape), class_targets(answers, self._num_classes, targets))
            for part, answers in parts
        )
        if augment:
            self.train = Augmented(self.train, self._image, augment)

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """The shape of an image, (channels, height, width), or None.

        It is None if the channels are not colours.
        """
        return self._image if self._image[0] in (1, 3) else None

    @functools.cached_property
    def digest(self) -> str | None:
        """The SHA-256 of the files, concatenated.

        It is None for a restored dataset.
        """
        return digest_of(*self._files) if self._files else None

    def read_inputs(self, path: str | Path) -> np.ndarray:
        """Read images from an IDX file, or other inputs.

        The IDX file may be compressed. Other inputs, (N, ...), are read from a .csv, .npy or image file.

        Raises:
            DataError: if the file cannot be read, or does not match the training inputs.
        """
        if Path(path).suffix.lower() in (".csv", ".npy", *SUFFIXES):
            return super().read_inputs(path)
        with naming(path):
            return self.prepare(read_idx(Path(path)))

    def state_dict(self) -> dict[str, Any]:
        """Return the images' sizes and the number of classes."""
        return {**self.sizes(), "image_shape": list(self._image)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: the size of images."""
        self._load_sizes(state_dict)
        self._image = tuple(state_dict["image_shape"])


def fractions(pixels: np.ndarray) -> np.ndarray:
    """Return bytes as float32 from 0 to 1."""
    return np.divide(pixels, WHITE, dtype=np.float32)


def read_idx(path: Path, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return the bytes (uint8) of an IDX file.

    The file is mapped into memory, or decompressed if it is gzip-compressed. The format, as described on the page of
    MNIST, is the magic number 0x0000 08 (for bytes) with the number of axes, the length of each axis, and the bytes.
    Integers are big-endian, with 32 bits.

    Args:
        path: the file.
        shape: the expected shape, if known.

    Raises:
        DataError: naming the file, what was expected, and what was found.
    """
    with reading(path):
        content = map_file(path, np.uint8) if path.stat().st_size else np.empty(0, np.uint8)
    if content[:2].tobytes() == b"\x1f\x8b":
        content = np.frombuffer(_decompress(path, content, shape), np.uint8)
    expected = _shape_of(path, content) if shape is None else shape
    header = idx_header(expected)
    start, size = content[: len(header)].tobytes(), len(header) + math.prod(expected)
    if len(start) >= 4 and start[:4] != header[:4]:
        raise unexpected(path, f"the magic number 0x{header[:4].hex()}", f"0x{start[:4].hex()}")
    if len(start) == len(header) and start != header:
        raise unexpected(path, f"the shape {expected}", f"{struct.unpack_from(f'>{len(expected)}I', start, 4)}")
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content):,}: it is truncated"
        raise unexpected(path, f"{size:,} bytes, uncompressed", found)
    return np.asarray(content[len(header) :]).reshape(expected)


def idx_header(shape: tuple[int, ...]) -> bytes:
    """Return the IDX header of an array of this shape."""
    return struct.pack(f">{1 + len(shape)}I", 0x0800 + len(shape), *shape)


def unexpected(path: Path, expected: str, found: str) -> DataError:
    """Return the error for a file with unexpected content."""
    return DataError(f"{path}: expected {expected}, found {found}")


def _shape_of(path: Path, content: np.ndarray) -> tuple[int, ...]:
    """Return the shape in the header."""
    start = content[:4].tobytes()
    if len(start) < 4 or start[:3] != b"\0\0\x08" or start[3] == 0:
        found = f"0x{start.hex()}" if start else "an empty file"
        raise unexpected(path, "an IDX file of bytes, whose magic number is 0x000008 and the number of axes", found)
    lengths = content[4 : 4 + 4 * start[3]].tobytes()
    if len(lengths) < 4 * start[3]:
        raise unexpected(path, f"the lengths of {start[3]} axes", "the end of the file: it is truncated")
    return struct.unpack(f">{start[3]}I", lengths)


def _decompress(path: Path, content: np.ndarray, shape: tuple[int, ...] | None) -> bytes:
    """Return the decompressed content; the header is read first, and limits it to one byte more than it should have."""
    try:
        if shape is None:
            head = np.frombuffer(zlib.decompressobj(wbits=31).decompress(content.data, 4 + 4 * 255), np.uint8)
            shape = _shape_of(path, head)
            check_ratio(path, math.prod(shape), len(content))
        size = len(idx_header(shape)) + math.prod(shape) + 1
        stream = zlib.decompressobj(wbits=31)
        unpacked = stream.decompress(content.data, size)
    except zlib.error as error:
        raise unexpected(path, "a gzip file", f"damage ({error})") from error
    if not stream.eof and len(unpacked) == size - 1:  # only the checksum is missing
        raise unexpected(path, "a whole gzip file", "no end of it: it is truncated")
    return unpacked


def _pair(images: str, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images, and their labels, which are read into memory."""
    pixels, classes = read_idx(find(images)), read_idx(find(labels))
    if pixels.ndim not in (3, 4) or 0 in pixels.shape:
        raise DataError(
            f"{images}: expected images, (N, height, width) or (N, channels, height, width), found {pixels.shape}"
        )
    if classes.ndim != 1:
        raise DataError(f"{labels}: expected the classes of images, (N,), found {classes.shape}")
    if len(pixels) != len(classes):
        raise DataError(f"{labels}: holds {len(classes)} labels, and {images} has {len(pixels)} images")
    return pixels, np.array(classes)
