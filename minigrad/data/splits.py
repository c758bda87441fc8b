"""Splits into training, validation and test parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.data.errors import DataError, Findings
from minigrad.data.folds import current, fold_bounds, take_fold
from minigrad.engine import random

Parts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""The indices of the training, the validation and the test part, each in ascending order."""

_LATER = 3  # of what comes after the validation part of a fold in time: in no part
_EXPECTED = 8  # expected examples of a class in a part: none is no coincidence (e^-8)


def split(
    n: int,
    val_fraction: float = 0.2,
    test_fraction: float = 0.2,
    classes: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> Parts:
    """Split `n` examples at random.

    Returns the indices of the training, validation and test part, each in ascending order.

    The parts are drawn by the seed. With `classes`, the labels (n,), they are stratified: each class has its
    share in every part, up to rounding. `names` are what the classes are called.

    Raises:
        DataError: if a part is left without an example.
    """
    _check_shares(val_fraction, test_fraction)
    order = random.stream("split").permutation(n)
    rest, test = hold_out(order, n * test_fraction, "test", classes)
    train, val = hold_out_validation(rest, n * val_fraction, classes, names)
    return np.sort(train), np.sort(val), np.sort(test)


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

    Some are for training, and other parts may be given.

    Args:
        n: the first `n` examples are those for training, from which the parts are drawn that are not given.
        val: the indices of the validation part; None where it is drawn.
        test: those of the test part.
        val_fraction: the share of the `n` examples for validation, where it is drawn.
        test_fraction: the share for the test.
        classes: the labels of at least the `n` examples, of which each part then has its share.
        names: what each class is called.

    Raises:
        DataError: if a part is left without an example.
    """
    _check_shares(val_fraction, test_fraction)
    train = random.stream("split").permutation(n)
    if test is None:
        train, test = hold_out(train, n * test_fraction, "test", classes)
    if val is None:
        train, val = hold_out_validation(train, n * val_fraction, classes, names)
    return np.sort(train), np.sort(val), np.sort(test)


def _check_shares(val_fraction: float, test_fraction: float) -> None:
    """Refuse fractions that are not numbers."""
    for name, share in (("val_fraction", val_fraction), ("test_fraction", test_fraction)):
        if not isinstance(share, float | int):
            raise DataError(f"{name} is a share of all examples, such as 0.2; got {share!r}")


def hold_out(
    order: np.ndarray, count: float, part: str, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out `count` (rounded) of the indices `order`.

    Returns which stay, and which are for `part`.

    Held out is every (len(order) / count)-th, after sorting by class where `classes` are given: systematic
    sampling, which gives each class its share to within one. Whether it is random is a matter of `order`
    alone, which both results keep within a class.

    Raises:
        DataError: if either is left without an example.
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

    These are `count` of them, or those of a fold.

    Errors are those of `hold_out`, and `take_fold`.
    """
    fold = current()
    return hold_out(order, count, "validation", classes) if fold is None else take_fold(fold, order, classes, names)


def split_groups(groups: np.ndarray, val_fraction: float = 0.2, test_fraction: float = 0.2) -> Parts:
    """Split by groups: examples of one stay together.

    The groups are drawn by the seed.

    Args:
        groups: the group of each example, integers (n,).
        val_fraction: the share of the examples for validation, reached to within one group.
        test_fraction: the share for the test.

    Raises:
        DataError: if a part is left without an example.
    """
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = random.stream("split").permutation(len(names))
    return _cut(members, order, sizes[order], val_fraction, test_fraction, "groups")


def split_in_time(times: np.ndarray, val_fraction: float = 0.2, test_fraction: float = 0.2) -> Parts:
    """Split in order of time: the last for the test.

    Those before are for validation.

    Args:
        times: the time of each example, numbers (n,); those of one time stay together.
        val_fraction: the share of the examples for validation.
        test_fraction: the share for the test.

    Raises:
        DataError: if a part is left without an example.
    """
    moments, members, sizes = np.unique(times, return_inverse=True, return_counts=True)
    return _cut(members, np.arange(len(moments)), sizes, val_fraction, test_fraction, "times")


def check_classes(path: str, classes: Sequence[np.ndarray], names: Sequence[str], remedy: str) -> None:
    """Check that all classes occur in training.

    Raises:
        DataError: if one does not.

    Args:
        path: the file that has the classes.
        classes: those of the training, the validation and the test part, integers from 0.
        names: what each class is called.
        remedy: the end of the sentence.
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

    Raises:
        DataError: for those that are only in validation.

    Args:
        path: the file that has the classes.
        classes: those of the training, the validation and the test part, integers from 0.
        names: what each class is called.
        findings: gets the notes.
    """
    train, val, test = classes
    strays = np.setdiff1d(test, train)
    if len(strays):
        findings.note(f"class {names[strays[0]]!r} is in the test part alone: the model cannot have learned it")
    check_classes(path, [train, val, train], names, "put examples of it among those of the training part")


def check_order(path: str, classes: Sequence[np.ndarray], names: Sequence[str], remedy: str) -> None:
    """Check that each part has all classes.

    Raises:
        DataError: if a part lacks one, since examples split in order lie in that of their classes.

    Args:
        path: the file that has the classes.
        classes: those of the training, the validation and the test part, integers from 0.
        names: what each class is called.
        remedy: the end of the sentence.
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
    """Return the parts that whole groups make, the first in `order` for training, the last for the test.

    Args:
        members: which group each example is in (n,).
        order: the groups.
        sizes: the number of examples of each group in `order`.
        val_fraction: the share of the examples for validation.
        test_fraction: the share for the test.
        what: what the groups are.
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
