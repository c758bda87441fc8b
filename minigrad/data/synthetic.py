"""Small problems in the plane that need no file."""

from __future__ import annotations

import numpy as np

from minigrad.data.dataset import DataError, Dataset, Examples, Targets, class_targets, split
from minigrad.engine import random


class XOR(Dataset):
    """The truth table of the exclusive or: four points (2,), two classes that no straight line separates.

    The table is the whole of the data, so training, validation and test are all of it.

    Args:
        targets: the form of the classes (see `minigrad.data.Targets`).
    """

    _num_classes = 2

    def __init__(self, targets: Targets = "index") -> None:
        inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
        labels = np.array([0, 1, 1, 0])
        self.train = self.val = self.test = Examples(inputs, class_targets(labels, self.num_classes, targets))


class Moons(Dataset):
    """Two interleaved half circles of radius 1, a class each: points (2,), as in scikit-learn's `make_moons`.

    The upper moon is centred at (0, 0), the lower at (1, 0.5); before the noise, the points
    lie at even angles.

    Args:
        n_samples: points of both moons together; an odd one goes to the lower.
        noise: the standard deviation of the Gaussian noise on each coordinate.
        val_fraction: the share of the points for validation.
        test_fraction: the share for the test.
        targets: the form of the classes (see `minigrad.data.Targets`).

    Raises: DataError for a negative noise, and if a part is left without a point.
    """

    _num_classes = 2

    def __init__(
        self,
        n_samples: int = 1000,
        noise: float = 0.1,
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
    ) -> None:
        labels = (np.arange(n_samples) >= n_samples // 2).astype(np.int64)
        angle = np.concatenate([np.linspace(0, np.pi, np.count_nonzero(labels == moon)) for moon in range(2)])
        upper = np.column_stack([np.cos(angle), np.sin(angle)])
        points = np.where(labels[:, np.newaxis] == 0, upper, [1, 0.5] - upper)
        parts = split(len(labels), val_fraction, test_fraction, labels)
        self.train, self.val, self.test = _examples(points, noise, class_targets(labels, 2, targets), parts)


class Spirals(Dataset):
    """Interleaved Archimedean spirals from the origin to the unit circle, a class each: points (2,).

    Args:
        n_samples: points of all arms together.
        arms: the number of spirals, which is the number of classes.
        turns: how often an arm goes around the origin; more turns are harder.
        noise: the standard deviation of the Gaussian noise on each coordinate.
        val_fraction: the share of the points for validation.
        test_fraction: the share for the test.
        targets: the form of the classes (see `minigrad.data.Targets`).

    Raises: DataError for fewer than 2 arms or a negative noise, and if a part is left without a point.
    """

    def __init__(
        self,
        n_samples: int = 1000,
        arms: int = 2,
        turns: float = 1.0,
        noise: float = 0.02,
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
    ) -> None:
        if arms < 2:
            raise DataError(f"arms is at least 2, since each arm is a class; got {arms}")
        self._num_classes = arms
        labels = np.arange(n_samples) % arms
        radius = (np.arange(n_samples) // arms + 1) / -(-n_samples // arms)
        angle = 2 * np.pi * (turns * radius + labels / arms)
        points = radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
        parts = split(len(labels), val_fraction, test_fraction, labels)
        self.train, self.val, self.test = _examples(points, noise, class_targets(labels, arms, targets), parts)


def _examples(
    points: np.ndarray, noise: float, targets: np.ndarray, parts: tuple[np.ndarray, ...]
) -> tuple[Examples, ...]:
    if not 0 <= noise < np.inf:
        raise DataError(f"noise is a standard deviation, 0 or larger; got {noise}")
    noisy = points + random.stream("data").normal(scale=noise, size=points.shape)
    inputs = noisy.astype(np.float32)
    return tuple(Examples(inputs[rows], targets[rows]) for rows in parts)
