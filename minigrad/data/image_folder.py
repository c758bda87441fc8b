"""Images in one folder per class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.augment import Augmentation, Augmented
from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.errors import DataError, Findings
from minigrad.data.files import find, reading
from minigrad.data.idx import WHITE, Images, fractions
from minigrad.data.image_files import Picture, common_size, list_pictures, read_headers, read_pixels
from minigrad.data.learned import NAMES
from minigrad.data.pictures import SUFFIXES, decode, pillow
from minigrad.data.splits import complete, doubt_classes


class ImageFolder(Dataset):
    """Images in one folder per class.

    They are PNG, JPEG, BMP or WebP; pixels are scaled to [0, 1]. The folder holds the folders of the classes, or
    `train`, `val` and `test`, each of which does; parts without a folder are drawn by the seed from the training
    images, each class in proportion. Classes are in the order of their names: as numbers if all are numbers, else as
    texts. Hidden files are left out.

    Transparent places become white, and images that a camera held on its side are turned. Pixels of 1 GiB and more are
    kept in a temporary file, which leaves nothing behind. This needs Pillow.

    Args:
        path: the folder; if relative, it may also be in $MINIGRAD_DATA.
        size: of the model's images, as one number or [height, width]. An image is scaled until it covers this size,
            and cut in the middle. By default that of the files, which is the same for all.
        colour: whether inputs have three channels or are grey; by default colour, unless all files are grey.
        val_fraction: the share of the training images for validation, where there is no `val`.
        test_fraction: the share for the test, where there is no `test`.
        flatten: whether an input is a row of pixels or an image (channels, height, width).
        targets: the form of the classes (see `minigrad.data.Targets`).
        augment: random changes of the training images, one after the other, others in each epoch.

    Raises:
        DataError: that names all files that are broken or have other than 8 bits a channel; for images of several sizes
            without `size`; for a folder without classes or with one, and for a class that training does not have.
    """

    _learned = NAMES
    _pixel_max = WHITE
    _class_names: tuple[str, ...] = ()
    _digest: str | None = None

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
        """Take the names of the classes; returns the class of each image.

        Raises:
            DataError: if there is one.
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
        """The number of channels: 1 (grey) or 3 (colour)."""
        return self._image[0]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes and their folders."""
        return self._class_names

    @property
    def digest(self) -> str | None:
        """The SHA-256 of the names and contents of all images."""
        return self._digest

    def read_inputs(self, path: str | Path) -> np.ndarray:
        """Read an image, or prepared inputs, (N, ...).

        An image is read as those of the training part; other inputs are in a .csv or .npy file.

        Raises:
            DataError: if the file cannot be read or does not fit.
        """
        if Path(path).suffix.lower() not in SUFFIXES:
            return super().read_inputs(path)
        try:
            with reading(path), pillow():
                pixels = decode(Path(path).read_bytes(), self._image)
        except DataError as error:
            raise DataError(f"{path!s}: {str(error).removeprefix(f'{path}: ')}") from error
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
