"""Images in one folder per class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.augment import Augmentation, Augmented
from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.errors import DataError, Findings, naming
from minigrad.data.files import find, reading
from minigrad.data.idx import WHITE, Images, fractions
from minigrad.data.image_files import Picture, common_size, list_pictures, read_headers, read_pixels
from minigrad.data.learned import NAMES
from minigrad.data.pictures import SUFFIXES, decode, pillow
from minigrad.data.splits import complete, doubt_classes


class ImageFolder(Dataset):
    """Images in one folder per class.

    Images are PNG, JPEG, BMP or WebP files; pixels are scaled to [0, 1]. The folder contains one folder per class, or
    `train`, `val` and `test`, each of which does. Parts without a folder are drawn at random from the training images,
    stratified by class. Classes are sorted by name, as numbers if all are numbers. Hidden files are left out.

    Transparent areas become white, and images are rotated as their EXIF orientation says. Pixels of 1 GiB and more are
    stored in a temporary file, which is removed at the end. This needs Pillow.

    Args:
        path: the folder; a relative path may also be in $MINIGRAD_DATA.
        size: the size of the model's images, one number or [height, width]. Images are scaled to cover this size, and
            cropped at the center. By default it is the size of the files, which must all be equal.
        colour: whether inputs have three channels; if False, they are gray. By default they are gray only if all files
            are.
        val_fraction: the fraction of the training images for validation, if there is no `val` folder.
        test_fraction: the fraction for the test part, if there is no `test` folder.
        flatten: whether an input is a vector of pixels; if False, it is an image (channels, height, width).
        targets: the form of class targets (see `minigrad.data.Targets`).
        augment: augmentations of the training images, applied in order, with new random numbers in each epoch.

    Raises:
        DataError: naming all files that are broken or do not have 8 bits per channel; for images of different sizes
            without `size`; for fewer than two classes; and for a class that does not occur in training.
    """

    _learned = NAMES
    _pixel_max = WHITE
    _class_names: tuple[str, ...] = ()

    def __init__(
        self,
        path: str,
        size: int | tuple[int, int] | None = None,
        colour: bool | None = None,
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        flatten: bool = False,
        targets: Targets = "index",
        augment: Sequence[Augmentation] = (),
    ) -> None:
        area = (size, size) if isinstance(size, int) else size
        if area is not None and min(area) < 1:
            raise DataError(f"size is at least 1 pixel, got {size}")
        folder, findings = find(path), Findings(path)
        if not folder.is_dir():
            raise DataError(f"{path}: expected a folder with one folder for each class, found a file")
        listed = list_pictures(folder, findings)
        findings.check()
        pictures = [picture for part in ("train", "val", "test") for picture in listed.get(part, ())]
        classes = self._learn_classes(pictures, path)
        sizes = [len(listed.get(part, ())) for part in ("train", "val", "test")]
        train, val, test = np.split(np.arange(len(pictures)), np.cumsum(sizes)[:2])
        given = (val if len(val) else None, test if len(test) else None)
        parts = complete(len(train), *given, val_fraction, test_fraction, classes, self._class_names)
        doubt_classes(path, [classes[part] for part in parts], self._class_names, findings)
        headers, self._digest = read_headers(pictures, folder, findings)
        if not headers:
            findings.check()
        height, width = area or common_size(headers, findings)
        is_colour = any(header.is_colour for header in headers.values()) if colour is None else colour
        self._image = (3 if is_colour else 1, height, width)
        order = np.concatenate(parts)  # so that each part is a view
        ordered = [pictures[i] for i in order if pictures[i] in headers]
        pixels = read_pixels(ordered, self._image, folder, findings)
        findings.check()
        shape = (math.prod(self._image),) if flatten else self._image
        encoded = class_targets(classes[order], len(self._class_names), targets)
        cuts = np.cumsum([len(part) for part in parts])[:2]
        examples = map(Images, np.split(pixels.reshape(-1, *shape), cuts), np.split(encoded, cuts))
        self.train, self.val, self.test = examples
        if augment:
            self.train = Augmented(self.train, self._image, augment)
        findings.warn()

    def _learn_classes(self, pictures: Sequence[Picture], path: str) -> np.ndarray:
        """Learn the names of the classes, and return the class index of each image.

        Raises:
            DataError: if there is only one class.
        """
        names = {picture.label for picture in pictures}
        numeric = all(name.isdecimal() for name in names)
        self._class_names = tuple(sorted(names, key=lambda name: (int(name) if numeric else 0, name)))
        self._num_classes = len(names)
        if len(names) == 1:
            raise DataError(f"{path}: all images are of class {self._class_names[0]!r}: there is nothing to learn")
        place = {name: i for i, name in enumerate(self._class_names)}
        return np.array([place[picture.label] for picture in pictures])

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of an image, (channels, height, width)."""
        return self._image

    @property
    def num_channels(self) -> int:
        """The number of channels: 1 (gray) or 3 (colour)."""
        return self._image[0]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes and their folders."""
        return self._class_names

    def read_inputs(self, path: str | Path) -> np.ndarray:
        """Read an image, or prepared inputs, (N, ...).

        An image is read like those of the training part. Other inputs are read from a .csv or .npy file.

        Raises:
            DataError: if the file cannot be read, or does not match the training inputs.
        """
        if Path(path).suffix.lower() not in SUFFIXES:
            return super().read_inputs(path)
        with naming(path), reading(path), pillow():
            pixels = decode(Path(path).read_bytes(), self._image)
        return fractions(pixels).reshape(1, *self.input_shape)

    @property
    def input_suffixes(self) -> tuple[str, ...]:
        """The suffixes of the files that `read_inputs` takes."""
        return (".csv", ".npy", *SUFFIXES)

    def state_dict(self) -> dict[str, Any]:
        """Return the sizes, and the names of the classes."""
        return {**self.sizes(), "image_shape": list(self._image), "class_names": self._class_names}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: sizes and the names of classes."""
        self._load_sizes(state_dict)
        self._image = tuple(state_dict["image_shape"])
        self._class_names = tuple(state_dict["class_names"])
