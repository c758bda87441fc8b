"""Folds: each part of the examples validates in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from minigrad.data.errors import DataError


class FoldError(DataError):
    """A fold that does not exist."""


@dataclass
class Fold:
    """A division into training and validation, one of several.

    The test part is the same in all of them.

    Args:
        index: the number of the fold, from 1.
        count: the number of folds, at least 2.

    Attributes:
        used: whether any data was divided by this fold.

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

    The fold replaces the validation fraction.

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

    The fold is marked as used. The result is None outside of `folding`.
    """
    fold = _fold.get()
    if fold is not None:
        fold.used = True
    return fold


def take_fold(
    fold: Fold, order: np.ndarray, classes: np.ndarray | None = None, names: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return which indices of `order` train, and which validate.

    With `classes`, folds are stratified: each class is divided evenly among them, to within one example.

    Args:
        fold: the fold.
        order: the indices of the examples, in random order.
        classes: the label of each example, integers from 0.
        names: the names of the classes.

    Raises:
        DataError: if there are fewer examples, or fewer of a class, than folds.
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

    Pieces are not split.

    Args:
        fold: the fold.
        sizes: the number of examples of each piece.
        in_time: whether the pieces are in order of time. Each fold then validates on the pieces after its training
            part, which grows from fold to fold.
        what: the word for the pieces in error messages.

    Raises:
        DataError: if there are too few pieces.
    """
    parts = fold.count + in_time
    if len(sizes) < parts:
        raise DataError(f"{len(sizes)} {what} besides those for the test do not make {fold.count} folds")
    ends = np.cumsum(sizes)
    wanted = ends[-1] * np.arange(1, parts) / parts
    cuts = np.abs(ends[:, np.newaxis] - wanted).argmin(axis=0) + 1
    # each fold has at least one piece
    lowest = np.arange(1, parts)
    cuts = np.minimum(np.maximum.accumulate(np.maximum(cuts, lowest) - lowest) + lowest, len(sizes) - parts + lowest)
    bounds = [0, *map(int, cuts), len(sizes)]
    i = fold.index - 1 + in_time
    return bounds[i], bounds[i + 1]
