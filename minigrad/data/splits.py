"""Splits into training, validation and test parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.data.errors import DataError, Findings
from minigrad.data.folds import current, fold_bounds, take_fold
from minigrad.engine import random

Parts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""The indices of the training, validation and test part, each in ascending order."""

_LATER = 3  # the part of examples after a fold's validation part in time, which are left out
_EXPECTED = 8  # expected examples of a class in a part, of which none would be no coincidence (probability e^-8)


def split(
    n: int,
    val_fraction: float = 0.2,
    test_fraction: float = 0.2,
    classes: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> Parts:
    """Split `n` examples at random.

    Args:
        n: the number of examples.
        val_fraction: the fraction for validation.
        test_fraction: the fraction for the test part.
        classes: the labels, (n,). If given, the split is stratified: each class is divided by these fractions, up to
            rounding.
        names: the names of the classes.

    Returns:
        The indices of the training, validation and test part, each in ascending order.

    Raises:
        DataError: if a part would be empty.
    """
    return complete(n, None, None, val_fraction, test_fraction, classes, names)


def complete(
    n: int,
    val: np.ndarray | None,
    test: np.ndarray | None,
    val_fraction: float,
    test_fraction: float,
    classes: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> Parts:
    """Complete the parts of examples, of which some are given.

    Parts that are not given are drawn from the training examples.

    Args:
        n: the number of training examples, which come first.
        val: the indices of the validation part; None to draw it.
        test: the indices of the test part; None to draw it.
        val_fraction: the fraction of the `n` examples for validation, if it is drawn.
        test_fraction: the fraction for the test part, if it is drawn.
        classes: the labels of at least the `n` examples. If given, the drawn parts are stratified.
        names: the names of the classes.

    Raises:
        DataError: if a part would be empty.
    """
    _check_shares(val_fraction, test_fraction)
    train = random.stream("split").permutation(n)
    if test is None:
        train, test = hold_out(train, n * test_fraction, "test", classes)
    if val is None:
        train, val = hold_out_validation(train, n * val_fraction, classes, names)
    return np.sort(train), np.sort(val), np.sort(test)


def _check_shares(val_fraction: float, test_fraction: float) -> None:
    """Raise DataError for a fraction that is not a number."""
    for name, share in (("val_fraction", val_fraction), ("test_fraction", test_fraction)):
        if not isinstance(share, float | int):
            raise DataError(f"{name} is a share of all examples, such as 0.2; got {share!r}")


def hold_out(
    order: np.ndarray, count: float, part: str, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out `count` (rounded) of the indices `order`.

    Every (len(order) / count)-th index is held out, after sorting by class if `classes` are given. This systematic
    sampling gives each class its share to within one. It is random only if `order` is, which both results preserve
    within a class.

    Returns:
        The indices that stay, and those for `part`.

    Raises:
        DataError: if either would be empty.
    """
    if not 0.5 < count < len(order) - 0.5:
        raise DataError(
            f"{count:g} of {len(order)} examples for the {part} part would leave it or the training part empty: "
            f"the fractions are shares of all examples, more than 0 and together less than 1"
        )
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    size = round(count)
    held = np.zeros(len(order), dtype=bool)
    held[(2 * np.arange(size) + 1) * len(order) // (2 * size)] = True
    return order[~held], order[held]


def hold_out_validation(
    order: np.ndarray, count: float, classes: np.ndarray | None = None, names: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return which indices of `order` stay, and which validate.

    `count` of them validate, or those of the current fold.

    Raises:
        DataError: as `hold_out` and `take_fold`.
    """
    fold = current()
    return hold_out(order, count, "validation", classes) if fold is None else take_fold(fold, order, classes, names)


def split_groups(groups: np.ndarray, val_fraction: float = 0.2, test_fraction: float = 0.2) -> Parts:
    """Split by groups: examples of one stay together.

    The groups are drawn at random.

    Args:
        groups: the group of each example, integers (n,).
        val_fraction: the fraction of the examples for validation, approximated to within one group.
        test_fraction: the fraction for the test part, in the same way.

    Raises:
        DataError: if a part would be empty.
    """
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = random.stream("split").permutation(len(names))
    return _cut(members, order, sizes[order], val_fraction, test_fraction, "groups")


def split_in_time(times: np.ndarray, val_fraction: float = 0.2, test_fraction: float = 0.2) -> Parts:
    """Split in order of time: the last for the test.

    The examples before the test part are for validation, and the first ones for training.

    Args:
        times: the time of each example, numbers (n,). Examples of the same time stay together.
        val_fraction: the fraction of the examples for validation.
        test_fraction: the fraction for the test part.

    Raises:
        DataError: if a part would be empty.
    """
    moments, members, sizes = np.unique(times, return_inverse=True, return_counts=True)
    return _cut(members, np.arange(len(moments)), sizes, val_fraction, test_fraction, "times")


def check_classes(path: str, classes: Sequence[np.ndarray], names: Sequence[str], remedy: str) -> None:
    """Check that all classes occur in training.

    Args:
        path: the file that has the classes.
        classes: the labels of the training, validation and test part, integers from 0.
        names: the names of the classes.
        remedy: the end of the error message.

    Raises:
        DataError: if one does not.
    """
    train, *others = (np.bincount(part, minlength=len(names)) for part in classes)
    for part, counts in zip(("validation", "test"), others, strict=True):
        if len(strays := np.flatnonzero((train == 0) & (counts > 0))):
            raise DataError(
                f"{path}: class {names[strays[0]]!r} is in the {part} part and not among the {train.sum()} examples "
                f"to train on; {remedy}"
            )


def doubt_classes(path: str, classes: Sequence[np.ndarray], names: Sequence[str], findings: Findings) -> None:
    """Note classes that occur in the test part alone.

    Args:
        path: the file that has the classes.
        classes: the labels of the training, validation and test part, integers from 0.
        names: the names of the classes.
        findings: collects the notes.

    Raises:
        DataError: for classes that occur only in validation.
    """
    train, val, test = classes
    strays = np.setdiff1d(test, train)
    if len(strays):
        findings.note(f"class {names[strays[0]]!r} is in the test part alone: the model cannot have learned it")
    check_classes(path, [train, val, train], names, "put examples of it among those of the training part")


def check_order(path: str, classes: Sequence[np.ndarray], names: Sequence[str], remedy: str) -> None:
    """Check that each part has all classes.

    If one lacks a class, the examples are probably sorted by class, and must not be split in order.

    Args:
        path: the file that has the classes.
        classes: the labels of the training, validation and test part, integers from 0.
        names: the names of the classes.
        remedy: the end of the error message.

    Raises:
        DataError: if a part lacks a class.
    """
    train, *others = (np.bincount(part, minlength=len(names)) for part in classes)
    steps = np.diff(np.concatenate(classes))
    is_sorted = (steps >= 0).all() or (steps <= 0).all()
    for part, counts in zip(("validation", "test"), others, strict=True):
        lacking = np.flatnonzero((counts == 0) & (train > 0))
        expected = train[lacking] / train.sum() * counts.sum()
        if len(lacking) and ((expected > _EXPECTED).any() or is_sorted):
            worst = lacking[expected.argmax()]
            raise DataError(
                f"{path}: the {part} part, {counts.sum()} examples, has none of class {names[worst]!r}, of which the "
                f"training part has {train[worst]} of {train.sum()}: they lie in the order of their classes; {remedy}"
            )


def _cut(
    members: np.ndarray, order: np.ndarray, sizes: np.ndarray, val_fraction: float, test_fraction: float, what: str
) -> Parts:
    """Return parts made of whole groups, the first in `order` for training, the last for the test.

    Args:
        members: the group of each example, (n,).
        order: the groups, in order.
        sizes: the number of examples of each group in `order`.
        val_fraction: the fraction of the examples for validation.
        test_fraction: the fraction for the test part.
        what: the word for the groups in error messages.
    """
    _check_shares(val_fraction, test_fraction)
    if val_fraction <= 0 or test_fraction <= 0 or val_fraction + test_fraction >= 1:
        raise DataError(
            "val_fraction and test_fraction are shares of all examples, more than 0 and together less than 1, "
            f"got {val_fraction:g} and {test_fraction:g}"
        )
    ends = np.cumsum(sizes)
    bounds = ends[-1] * np.array([1 - val_fraction - test_fraction, 1 - test_fraction])
    cuts = [int(np.abs(ends - bound).argmin()) + 1 for bound in bounds]
    part_of = np.empty(len(order), np.intp)
    part_of[order] = np.searchsorted(cuts, np.arange(len(order)), side="right")
    if fold := current():
        in_time = what == "times"
        start, stop = fold_bounds(fold, sizes[: cuts[1]], in_time, f"different {what}")
        part_of[order[: cuts[1]]] = 0
        part_of[order[start:stop]] = 1
        if in_time:
            part_of[order[stop : cuts[1]]] = _LATER
    parts = part_of[members]
    train, val, test = (np.flatnonzero(parts == part) for part in range(3))
    if not (len(train) and len(val) and len(test)):
        raise DataError(
            f"{len(members)} examples of {len(order)} different {what} do not make three parts of these fractions"
        )
    return train, val, test
