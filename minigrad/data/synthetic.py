"""Synthetic datasets: points in the plane, and weather."""

from __future__ import annotations

import numpy as np

from minigrad.arguments import as_integer, as_number
from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.errors import DataError
from minigrad.data.examples import Examples
from minigrad.data.splits import split
from minigrad.engine import random


class XOR(Dataset):
    """The exclusive or: four points (2,), two classes.

    No straight line separates them.

    Training, validation and test part each contain all four points.

    Args:
        targets: the form of class targets (see `minigrad.data.Targets`).
    """

    _num_classes = 2

    def __init__(self, targets: Targets = "index") -> None:
        inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
        labels = np.array([0, 1, 1, 0])
        self.train = self.val = self.test = Examples(inputs, class_targets(labels, self.num_classes, targets))


class Moons(Dataset):
    """Two interleaved half circles, one class each.

    The inputs are points (2,) on half circles of radius 1, as in scikit-learn's `make_moons`. The upper moon is
    centered at (0, 0), the lower at (1, 0.5). Before noise is added, the points are evenly spaced.

    Args:
        n_samples: the number of points of both moons together; if it is odd, the lower moon has one more.
        noise: the standard deviation of the Gaussian noise on each coordinate.
        val_fraction: the fraction of the points for validation.
        test_fraction: the fraction for the test part.
        targets: the form of class targets (see `minigrad.data.Targets`).

    Raises:
        DataError: for a negative noise, or if a part would be empty.
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
        as_integer("n_samples", n_samples)
        labels = (np.arange(n_samples) >= n_samples // 2).astype(np.int64)
        angle = np.concatenate([np.linspace(0, np.pi, np.count_nonzero(labels == moon)) for moon in range(2)])
        upper = np.column_stack([np.cos(angle), np.sin(angle)])
        points = np.where(labels[:, np.newaxis] == 0, upper, [1, 0.5] - upper)
        shares = val_fraction, test_fraction
        self.train, self.val, self.test = _examples(_add_noise(points, noise), labels, 2, targets, shares)


class Circles(Dataset):
    """Two concentric circles, one class each.

    The inputs are points (2,) around the origin, as in scikit-learn's `make_circles`. The outer circle, class 0, has
    radius 1. Before noise is added, the points are evenly spaced.

    Args:
        n_samples: the number of points of both circles together; if it is odd, the inner circle has one more.
        factor: the radius of the inner circle.
        noise: the standard deviation of the Gaussian noise on each coordinate.
        val_fraction: the fraction of the points for validation.
        test_fraction: the fraction for the test part.
        targets: the form of class targets (see `minigrad.data.Targets`).

    Raises:
        DataError: for a factor that is not between 0 and 1, a negative noise, or if a part would be empty.
    """

    _num_classes = 2

    def __init__(
        self,
        n_samples: int = 1000,
        factor: float = 0.5,
        noise: float = 0.05,
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
    ) -> None:
        if not (isinstance(factor, float) and 0 < factor < 1):
            raise DataError(f"factor is the radius of the inner circle in one of 1, between 0 and 1; got {factor}")
        as_integer("n_samples", n_samples)
        labels = (np.arange(n_samples) >= n_samples // 2).astype(np.int64)
        counts = [np.count_nonzero(labels == circle) for circle in range(2)]
        angle = np.concatenate([np.linspace(0, 2 * np.pi, count, endpoint=False) for count in counts])
        radius = np.where(labels == 0, 1, factor)
        points = radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
        shares = val_fraction, test_fraction
        self.train, self.val, self.test = _examples(_add_noise(points, noise), labels, 2, targets, shares)


class Spirals(Dataset):
    """Interleaved Archimedean spirals, one class each.

    The inputs are points (2,), from the origin to the unit circle.

    Args:
        n_samples: the number of points of all arms together.
        arms: the number of spirals, which is the number of classes.
        turns: how often an arm goes around the origin; more turns are harder.
        noise: the standard deviation of the Gaussian noise on each coordinate.
        val_fraction: the fraction of the points for validation.
        test_fraction: the fraction for the test part.
        targets: the form of class targets (see `minigrad.data.Targets`).

    Raises:
        DataError: for fewer than 2 arms, a negative noise, or if a part would be empty.
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
        as_number("turns", turns)
        if as_integer("arms", arms) < 2:
            raise DataError(f"arms is at least 2, since each arm is a class; got {arms}")
        self._num_classes = arms
        labels = np.arange(as_integer("n_samples", n_samples)) % arms
        radius = (np.arange(n_samples) // arms + 1) / -(-n_samples // arms)
        angle = 2 * np.pi * (turns * radius + labels / arms)
        points = radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
        shares = val_fraction, test_fraction
        self.train, self.val, self.test = _examples(_add_noise(points, noise), labels, arms, targets, shares)


class Weather(Dataset):
    """Days with three measurements, sunny (1) or not (0).

    The inputs (3,) say how clear, warm and cloudy a day was, uniform from 0 to 1. A day is sunny if its score,
    0.6 clear + 0.3 warm - 0.4 cloudy + 0.2 plus noise, is above 0.5.

    Args:
        n_samples: the number of days.
        noise: the standard deviation of the Gaussian noise on the score.
        val_fraction: the fraction of the days for validation.
        test_fraction: the fraction for the test part.
        targets: the form of class targets (see `minigrad.data.Targets`).

    Raises:
        DataError: for a negative noise, or if a part would be empty.
    """

    _num_classes = 2

    def __init__(
        self,
        n_samples: int = 1000,
        noise: float = 0.02,
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
    ) -> None:
        size = max(as_integer("n_samples", n_samples), 0)
        days = random.stream("data", draw=1).random((size, 3))  # draw 0 is the noise
        score = _add_noise(days @ [0.6, 0.3, -0.4] + 0.2, noise)
        labels = (score > 0.5).astype(np.int64)
        shares = val_fraction, test_fraction
        self.train, self.val, self.test = _examples(days, labels, 2, targets, shares)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the three measurements."""
        return ("clear", "warm", "cloudy")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the two classes."""
        return ("No Sunny Day", "Sunny Day")


def _add_noise(values: np.ndarray, noise: float) -> np.ndarray:
    if not (isinstance(noise, float | int) and 0 <= noise < np.inf):
        raise DataError(f"noise is a standard deviation, 0 or larger; got {noise}")
    return values + random.stream("data").normal(scale=noise, size=values.shape)


def _examples(
    inputs: np.ndarray, labels: np.ndarray, num_classes: int, targets: Targets, shares: tuple[float, float]
) -> tuple[Examples, ...]:
    """Return the examples in stratified parts: training, validation and test, of which `shares` are the fractions."""
    parts = split(len(labels), *shares, labels)
    of_classes = class_targets(labels, num_classes, targets)
    inputs = inputs.astype(np.float32)
    return tuple(Examples(inputs[rows], of_classes[rows]) for rows in parts)
