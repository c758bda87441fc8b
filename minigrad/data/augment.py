"""Augmentation of training images.

Each augmentation is a pure function of the seed, the epoch and the example.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minigrad.data.errors import DataError
from minigrad.data.examples import Examples
from minigrad.engine import random

_CACHED = 2**16
"""Elements of the images that are rotated together, which then stay in a cache."""


class Augmentation(ABC):
    """The base of random changes that keep an image's class.

    A subclass sets `numbers`, the number of random numbers per image, and is a pure function of images and random
    numbers.
    """

    numbers: ClassVar[int] = 1

    @abstractmethod
    def __call__(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return changed images of the same shape.

        Args:
            images: float32 (N, channels, height, width), from 0 to 1; must not be written to.
            numbers: float32 (N, self.numbers), uniform in [0, 1).
        """


class Flip(Augmentation):
    """Random horizontal flips.

    Args:
        probability: the probability of a flip.
        vertical: whether to flip top to bottom instead of left to right.

    Raises:
        DataError: for a probability outside [0, 1].
    """

    def __init__(self, probability: float = 0.5, vertical: bool = False) -> None:
        if not 0 <= probability <= 1:
            raise DataError(f"probability is from 0 to 1, got {probability:g}")
        self.probability = probability
        self.vertical = vertical

    def __call__(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return the images, some of them flipped."""
        mirrored = images[:, :, ::-1] if self.vertical else images[..., ::-1]
        return np.where(numbers[:, :, None, None] < self.probability, mirrored, images)


class Crop(Augmentation):
    """Random shifts by up to `padding` pixels each way.

    An image gets a black border, and is cropped to its original size.

    Args:
        padding: the width of the border.

    Raises:
        DataError: for a padding below 1.
    """

    numbers = 2

    def __init__(self, padding: int) -> None:
        if padding < 1:
            raise DataError(f"padding is at least 1 pixel, got {padding}")
        self.padding = padding

    def __call__(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return shifted images."""
        border = (self.padding, self.padding)
        crops = sliding_window_view(np.pad(images, ((0, 0), (0, 0), border, border)), images.shape[2:], (2, 3))
        y, x = (numbers.T * (2 * self.padding + 1)).astype(np.intp)
        return crops[np.arange(len(images)), :, y, x]


class Rotate(Augmentation):
    """Random rotations around the center.

    Uncovered areas become black. Pixels are interpolated linearly.

    Args:
        degrees: the largest angle, in either direction.

    Raises:
        DataError: for an angle outside (0, 180].
    """

    def __init__(self, degrees: float) -> None:
        if not 0 < degrees <= 180:
            raise DataError(f"degrees is more than 0 and at most 180, got {degrees:g}")
        self.degrees = degrees

    def __call__(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return rotated images."""
        angles = np.deg2rad(self.degrees * (2 * numbers[:, :, None] - 1), dtype=np.float32)
        turned = np.empty_like(images)
        step = max(1, _CACHED // images[:1].size)
        for i in range(0, len(images), step):
            _rotate(images[i : i + step], angles[i : i + step], turned[i : i + step])
        return turned


def _rotate(images: np.ndarray, angles: np.ndarray, turned: np.ndarray) -> None:
    """Write images (N, channels, height, width), rotated by angles (N, 1, 1), to `turned`."""
    height, width = images.shape[2:]
    y, x = np.ogrid[:height, :width]
    y, x = (axis.astype(np.float32) - (axis.size - 1) / 2 for axis in (y, x))
    sin, cos = np.sin(angles), np.cos(angles)
    top, below = _between(cos * y + sin * x + (height - 1) / 2, height)
    left, beside = _between(cos * x - sin * y + (width - 1) / 2, width)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))  # black around the image
    planes = np.arange(len(images) * images.shape[1]).reshape(*images.shape[:2], 1, 1) * padded[0, 0].size
    corner = planes + (top * np.int32(width + 2) + left)[:, None]
    flat, down, right = padded.reshape(-1), below[:, None], beside[:, None]
    a, b, c, d = (flat[place:].take(corner) for place in (0, 1, width + 2, width + 3))
    upper, lower = a + (b - a) * right, c + (d - c) * right
    np.add(upper, (lower - upper) * down, out=turned)


class Jitter(Augmentation):
    """Random brightness, contrast and, for colour images, saturation.

    Each is multiplied by a factor from 1 - strength to 1 + strength.

    Args:
        strength: the largest difference of the factors from 1.

    Raises:
        DataError: for a strength outside (0, 1].
    """

    numbers = 3

    def __init__(self, strength: float) -> None:
        if not 0 < strength <= 1:
            raise DataError(f"strength is more than 0 and at most 1, got {strength:g}")
        self.strength = strength

    def __call__(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return the changed images, clipped to [0, 1]."""
        brightness, contrast, saturation = (1 + self.strength * (2 * numbers.T - 1))[..., None, None, None]
        images = images * brightness
        for factor, axes in ((contrast, (1, 2, 3)), (saturation, 1)):
            mean = images.mean(axis=axes, keepdims=True)  # the mean over the channels of a gray image is the image
            images = mean + (images - mean) * factor
        return images.clip(0, 1)


class Cutout(Augmentation):
    """Random square cutouts, filled with black.

    DeVries and Taylor, arXiv:1708.04552.

    Args:
        size: the side of the square, in pixels; it may extend beyond the image.

    Raises:
        DataError: for a size below 1.
    """

    numbers = 2

    def __init__(self, size: int) -> None:
        if size < 1:
            raise DataError(f"size is at least 1 pixel, got {size}")
        self.size = size

    def __call__(self, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return images with a black square each."""
        inside = []
        for number, length in zip(numbers.T, images.shape[2:], strict=True):
            start = np.floor(number * length) - self.size // 2
            place = np.arange(length) - start[:, None]
            inside.append((place >= 0) & (place < self.size))
        rows, columns = inside
        return np.where((rows[:, :, None] & columns[:, None])[:, None], np.float32(0), images)


class Augmented(Examples):
    """Examples with images that are augmented differently each epoch.

    Without an epoch, they are unchanged. The random numbers of an image depend only on the seed, the epoch and its
    index, so they are the same for any number of threads and ranks, and when a run is resumed.

    Args:
        examples: images with values from 0 to 1, in any layout.
        shape: the shape of an image, (channels, height, width).
        augment: the augmentations, in order.
        epoch: the epoch, or None.
    """

    is_computed = True

    def __init__(
        self,
        examples: Examples,
        shape: tuple[int, ...],
        augment: Sequence[Augmentation],
        epoch: int | None = None,
    ) -> None:
        super().__init__(examples.inputs, examples.targets, examples.weights)
        self._examples = examples
        self._shape = shape
        self._augment = augment
        self._numbers = [
            random.stream(f"augment {i}", step=epoch).random((len(examples), change.numbers), np.float32)
            for i, change in enumerate(augment)
            if epoch is not None
        ]

    def epoch(self, n: int) -> Examples:
        """Return the images of epoch `n`."""
        return Augmented(self._examples, self._shape, self._augment, n)

    def batch(self, indices: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs and targets at `indices`."""
        inputs, targets = self._examples.batch(indices)
        images = inputs.reshape(-1, *self._shape)
        for change, numbers in zip(self._augment, self._numbers, strict=False):  # there are no numbers without an epoch
            images = change(images, numbers[indices])
        return images.reshape(inputs.shape).astype(np.float32, copy=False), targets


def _between(places: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return, for positions along an axis, the pixel before each in a padded image, and the distance from it."""
    places = np.clip(places + 1, 0, length + 1)
    first = np.minimum(places.astype(np.int32), length)
    return first, places - first.astype(np.float32)
