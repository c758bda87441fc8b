"""Folds: each part of the examples validates in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from minigrad.data.errors import DataError


class FoldError(DataError):
    """A fold that there is not."""


@dataclass
class Fold:
    """A division into training and validation, one of several.

    What is for the test is left out.

    Args:
        index: which, from 1.
        count: how many there are, 2 or more.

    Attributes:
        used: whether data was divided by it.

    Raises:
        FoldError: if there is no such fold.
    """

    index: int
    count: int
    used: bool = False

    def __post_init__(self) -> None:
        if not (self.count >= 2 and 1 <= self.index <= self.count):
            raise FoldError(f"fold is [i, k], the i-th of k: 1 to k, of 2 or more; got [{self.index}, {self.count}]")


_fold: ContextVar[Fold | None] = ContextVar("fold", default=None)


@contextmanager
def folding(index: int, count: int) -> Iterator[Fold]:
    """Within the block, let datasets validate on one fold.

    It takes the place of a fraction.

    Errors are those of `Fold`.
    """
    fold = Fold(index, count)
    token = _fold.set(fold)
    try:
        yield fold
    finally:
        _fold.reset(token)


def current() -> Fold | None:
    """Return the fold by which data is to be divided.

    It then counts as used; None if there is none.
    """
    fold = _fold.get()
    if fold is not None:
        fold.used = True
    return fold


def take_fold(
    fold: Fold, order: np.ndarray, classes: np.ndarray | None = None, names: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return which indices of `order` train, and which validate.

    With `classes`, the labels of all examples, each class has its share in every fold, to within one.

    Args:
        fold: which is taken.
        order: the examples, in random order.
        classes: the label of each example, integers from 0.
        names: what each class is called.

    Raises:
        DataError: if a class, or the whole, has fewer examples than there are folds.
    """
    if len(order) < fold.count:
        raise DataError(f"{len(order)} examples besides those for the test do not make {fold.count} folds")
    if classes is not None:
        found, counts = np.unique(classes[order], return_counts=True)
        if len(few := np.flatnonzero(counts < fold.count)):
            worst = few[counts[few].argmin()]
            label, size = int(found[worst]), int(counts[worst])
            name = repr(names[label]) if len(names) else f"{label}"
            remedy = f"take at most {size} folds, or give it more examples" if size > 1 else "give it more examples"
            raise DataError(
                f"class {name} has {size} example{'s' if size > 1 else ''} besides those for the test, and each of "
                f"{fold.count} folds needs one: {remedy}"
            )
        order = order[np.argsort(classes[order], kind="stable")]
    held = np.arange(len(order)) % fold.count == fold.index - 1
    return order[~held], order[held]


def fold_bounds(fold: Fold, sizes: np.ndarray, in_time: bool, what: str) -> tuple[int, int]:
    """Return the bounds of a fold's pieces for validation.

    The pieces stay whole.

    Args:
        fold: which is taken.
        sizes: the number of examples of each piece.
        in_time: whether the pieces follow each other in time. A fold is then what follows its training part, which
            grows from fold to fold.
        what: what the pieces are.

    Raises:
        DataError: if there are too few of them.
    """
    parts = fold.count + in_time
    if len(sizes) < parts:
        raise DataError(f"{len(sizes)} {what} besides those for the test do not make {fold.count} folds")
    ends = np.cumsum(sizes)
    wanted = ends[-1] * np.arange(1, parts) / parts
    cuts = np.abs(ends[:, np.newaxis] - wanted).argmin(axis=0) + 1
    # each fold has a piece, whatever the sizes of the others
    lowest = np.arange(1, parts)
    cuts = np.minimum(np.maximum.accumulate(np.maximum(cuts, lowest) - lowest) + lowest, len(sizes) - parts + lowest)
    bounds = [0, *map(int, cuts), len(sizes)]
    i = fold.index - 1 + in_time
    return bounds[i], bounds[i + 1]
