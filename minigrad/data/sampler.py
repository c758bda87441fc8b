"""Samplers: which examples an epoch has."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from minigrad.data.errors import DataError
from minigrad.data.examples import Examples
from minigrad.engine import random


class Sampler(ABC):
    """The base of samplers.

    A sampler is a pure function of the seed, the epoch and the targets.
    """

    @abstractmethod
    def order(self, examples: Examples, epoch: int) -> np.ndarray:
        """Return the indices of an epoch's examples, in order.

        Args:
            examples: the examples to draw from.
            epoch: the number of the epoch. For random numbers use `minigrad.engine.random.stream("sampler",
                step=epoch)`.

        Returns:
            Integers (N,), as many as there are examples.

        Raises:
            DataError: if the sampler does not support the examples.
        """


class Balanced(Sampler):
    """Draw equally many examples of each class, within one.

    An epoch has as many examples as the data. From a class with more examples than its share, an epoch draws without
    replacement. The examples of a class with fewer are all drawn equally often, to within one.
    """

    def order(self, examples: Examples, epoch: int) -> np.ndarray:
        """Return the order of an epoch.

        Raises:
            DataError: if the targets are not a single class each.
        """
        classes = _classes(examples.targets)
        names, members, counts = np.unique(classes, return_inverse=True, return_counts=True)
        n, generator = len(classes), random.stream("sampler", step=epoch)
        wanted = np.full(len(names), n // len(names))
        wanted[generator.permutation(len(names))[: n % len(names)]] += 1
        drawn = []
        by_class = np.split(np.argsort(members, kind="stable"), np.cumsum(counts)[:-1])
        for rows, count in zip(by_class, wanted, strict=True):
            whole, left = divmod(int(count), len(rows))
            drawn += [np.tile(rows, whole), generator.permutation(rows)[:left]]
        return generator.permutation(np.concatenate(drawn))


def _classes(targets: np.ndarray) -> np.ndarray:
    """Return the class of each example, (N,)."""
    if targets.ndim == 1 and targets.dtype.kind in "iub":
        return targets
    flat = targets.reshape(len(targets), -1)
    if flat.shape[1] == 1 and targets.dtype.kind in "iub":
        return flat[:, 0]
    if np.isin(flat, (-1, 0, 1)).all() and (flat.shape[1] == 1 or ((flat == 1).sum(axis=1) == 1).all()):
        return flat.argmax(axis=1) if flat.shape[1] > 1 else flat[:, 0]
    raise DataError(
        f"Balanced draws by class, and these targets, {targets.dtype} of shape {targets.shape}, are not one "
        f"class for each example: leave it out"
    )
