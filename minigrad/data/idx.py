"""Images and their classes in the format of MNIST, IDX, from files that may be larger than memory."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

import numpy as np

from minigrad.data.dataset import DataError, Dataset, Examples, Targets, class_targets, find, reading
from minigrad.data.mapped import file_of, give_back

WHITE = 255
"""The largest value of a pixel, which a model sees as 1."""


class Images(Examples):
    """Images of bytes, of which a batch takes its own, as fractions: float32 from 0 to 1.

    Raises: as `Examples`.
    """

    def __init__(self, pixels: np.ndarray, targets: np.ndarray) -> None:
        super().__init__(pixels, targets)
        self._file = file_of(pixels)

    def batch(self, indices: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Returns copies of the inputs at `indices`, and the targets; what of a mapped file was read stays the
        system's.
        """
        pixels, targets = super().batch(indices)
        inputs = fractions(pixels)
        give_back(self._file)
        return inputs, targets


class IDX(Dataset):
    """Images and their classes from files as those of MNIST, such as Fashion-MNIST, Kuzushiji-MNIST or one's own.

    Pixels are scaled to [0, 1]. A file that is not compressed is mapped into memory: only the images of a batch are
    read. Those for validation are the last of the training images, and so are those for the test where there are no
    files for it: their order has to be a random one.

    Args:
        images: the file of the training images, bytes (N, height, width) or (N, channels, height, width); if relative,
            it may also be in $MINIGRAD_DATA.
        labels: the file of their classes, bytes (N,), counted from 0.
        test_images: the file of the images for the test.
        test_labels: the file of their classes.
        val_fraction: the share of the training images for validation.
        test_fraction: the share for the test, where there are no files for it.
        flatten: whether an input is a row of pixels or an image (channels, height, width).
        targets: the form of the classes (see `minigrad.data.Targets`).

    Raises: DataError if a file is missing, truncated or in another format, if files do not belong together, if a part
        would be empty, or if a class is not among those to train on.
    """

    _pixel_max = WHITE

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
        self._num_classes = int(known[-1]) + 1
        self._image = pixels.shape[1:] if pixels.ndim == 4 else (1, *pixels.shape[1:])
        shape = (math.prod(self._image),) if flatten else self._image
        self.train, self.val, self.test = (
            Images(part.reshape(-1, *shape), class_targets(answers, self._num_classes, targets))
            for part, answers in parts
        )

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """One input as an image, (channels, height, width); None where these are no colours."""
        return self._image if self._image[0] in (1, 3) else None


def fractions(pixels: np.ndarray) -> np.ndarray:
    """Returns bytes as float32 from 0 to 1."""
    return np.divide(pixels, WHITE, dtype=np.float32)


def read_idx(path: Path, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Returns the bytes (uint8) of an IDX file: mapped into memory, or unpacked where it is compressed by gzip.

    The format, as the page of MNIST describes it: the magic number 0x0000 08 (bytes) and the number of axes, the length
    of each, the bytes; the integers are big-endian, of 32 bits.

    Args:
        path: the file.
        shape: the shape that it should hold, where that is known.

    Raises: DataError that names the file, what was expected, and what was found.
    """
    with reading(path):
        content = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
    if content[:2].tobytes() == b"\x1f\x8b":
        content = np.frombuffer(_unpacked(path, content, shape), np.uint8)
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
    """Returns what stands before the bytes of an array of this shape."""
    return struct.pack(f">{1 + len(shape)}I", 0x0800 + len(shape), *shape)


def unexpected(path: Path, expected: str, found: str) -> DataError:
    """The error of a file that holds something else."""
    return DataError(f"{path}: expected {expected}, found {found}")


def _shape_of(path: Path, content: np.ndarray) -> tuple[int, ...]:
    """The shape that the header tells of."""
    start = content[:4].tobytes()
    if start[:3] != b"\0\0\x08" or start[3:] == b"\0":
        found = f"0x{start.hex()}" if start else "an empty file"
        raise unexpected(path, "an IDX file of bytes, whose magic number is 0x000008 and the number of axes", found)
    lengths = content[4 : 4 + 4 * start[3]].tobytes()
    if len(lengths) < 4 * start[3]:
        raise unexpected(path, f"the lengths of {start[3]} axes", "the end of the file: it is truncated")
    return struct.unpack(f">{start[3]}I", lengths)


def _unpacked(path: Path, content: np.ndarray, shape: tuple[int, ...] | None) -> bytes:
    """What was compressed; where the shape is known, one byte more than that at most."""
    most = 0 if shape is None else len(idx_header(shape)) + math.prod(shape) + 1
    try:
        return zlib.decompressobj(wbits=31).decompress(content.data, most)
    except zlib.error as error:
        raise unexpected(path, "a gzip file", f"damage ({error})") from error


def _pair(images: str, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and their labels, which are read."""
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
