"""Kinds of targets, and predictions from outputs.

A loss declares what it compares (`Comparison`), and the data has the values. `target_of` decides from both, for
metrics, predictions and figures alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

IGNORED = -100
"""The default class index to ignore, as in PyTorch."""


@dataclass(frozen=True)
class Comparison:
    """The kind of targets that a loss compares outputs with.

    Args:
        of: `classes`: class indices, or class probabilities; `yes_no`: a probability of yes for each output; `numbers`:
            values in the outputs' shape, which may encode classes; `amounts`: values that do not; `anything`: any.
        axis: the axis of the classes in the outputs.
        ignore_index: the class index to ignore.
        middle: the output at the boundary between no and yes; None to infer it from the values of the targets.
        least: the smallest target.
        most: the largest target.
    """

    of: Literal["classes", "yes_no", "numbers", "amounts", "anything"] = "anything"
    axis: int = -1
    ignore_index: int = IGNORED
    middle: float | None = None
    least: float = -inf
    most: float = inf


Kind = Literal["index", "one_hot", "binary", "labels", "amounts"]
"""`index`: class indices (...), for outputs (..., C). `one_hot`: a number per class, the largest for the true class.
`binary`: yes or no, (N,) or (N, 1), for outputs of this shape. `labels`: yes or no for each of several outputs
(multi-label). `amounts`: real values in the outputs' shape."""


@dataclass(frozen=True)
class Target:
    """The targets of a task.

    Args:
        kind: the kind of targets; see `Kind`.
        axis: the axis of the classes in the outputs.
        ignore_index: the class index to ignore.
        middle: the output at the boundary between no and yes.
        truth_middle: the target value between no and yes.
    """

    kind: Kind
    axis: int = -1
    ignore_index: int = IGNORED
    middle: float = 0.0
    truth_middle: float = 0.5

    def places(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the predicted classes.

        It is the outputs' `shape` without the class axis.
        """
        axis = self.axis % max(len(shape), 1)
        return shape[:axis] + shape[axis + 1 :]

    def fits(self, shape: tuple[int, ...], targets: Array) -> bool:
        """Whether targets match outputs of a shape."""
        if self.kind == "index":
            return targets.shape == self.places(shape) and targets.dtype.kind in "iu"
        if self.kind == "binary":
            return len(targets) == shape[0] and targets.size == prod(shape)
        return self.kind != "amounts" and targets.shape == shape

    def scores(self, outputs: Array) -> Array:
        """Return outputs with the class axis last: (..., C)."""
        return outputs if self.axis in (-1, outputs.ndim - 1) else np.moveaxis(outputs, self.axis, -1)

    def predictions(self, outputs: Array, threshold: float | None = None) -> Array:
        """Return the predictions: classes, or yes and no.

        Args:
            outputs: the outputs of a model.
            threshold: the output above which the prediction is yes; None for `middle`.

        Raises:
            ValueError: for amounts, which are not classes.
        """
        if self.kind in ("binary", "labels"):
            predicted: Array = outputs > (self.middle if threshold is None else threshold)
            return predicted
        self._require_answers()
        return outputs.argmax(self.axis)

    def truth(self, targets: Array) -> Array:
        """Return the true classes, or yes and no.

        Raises:
            ValueError: for amounts, which are not classes.
        """
        self._require_answers()
        if self.kind == "index":
            return targets
        return targets.argmax(self.axis) if self.kind == "one_hot" else targets > self.truth_middle

    def counted(self, truth: Array, also_ignored: int | None = None) -> Array | None:
        """Return which targets count; None for all of them.

        Args:
            truth: the true classes.
            also_ignored: another class index to ignore.
        """
        if self.kind == "labels" or (self.kind != "index" and also_ignored is None):
            return None
        counted: Array = truth != (self.ignore_index if self.kind == "index" else also_ignored)
        return counted if also_ignored is None else counted & (truth != also_ignored)

    def _require_answers(self) -> None:
        if self.kind == "amounts":
            raise ValueError("the targets are real numbers, which are neither classes nor yes and no")


def target_of(
    comparison: Comparison, shape: tuple[int, ...], targets: Sequence[Array], num_classes: int | None = None
) -> Target:
    """Decide which kind of targets a task has.

    If the loss does not distinguish classes from numbers, the values do: rows of zeros and a single one are one-hot;
    zeros and ones, or ones and minus ones, are yes and no; all others are amounts.

    Args:
        comparison: what the loss compares.
        shape: the shape of the outputs for some examples.
        targets: the targets of all parts of the data.
        num_classes: the number of classes, if the data defines it.
    """
    axis, first = comparison.axis, targets[0]
    classes = shape[axis] if len(shape) > 1 else 1
    if comparison.of == "amounts":
        return Target("amounts", axis)
    is_index = first.dtype.kind in "iu" and first.ndim == len(shape) - 1 and (classes > 1 or comparison.of == "classes")
    if is_index and comparison.of != "yes_no":
        return Target("index", axis, comparison.ignore_index)
    if comparison.of == "classes":
        return Target("one_hot", axis)
    if classes > 1 and _all(targets, lambda part: _is_one_hot(part, axis)):
        return Target("one_hot", axis)
    if classes > 1 and (first.ndim != len(shape) or first.shape[axis] != classes):
        return Target("one_hot" if num_classes == classes else "amounts", axis)
    several: Kind = "labels" if classes > 1 else "binary"
    if comparison.of == "yes_no":
        truth_middle = (comparison.least + comparison.most) / 2
        return Target(several, axis, middle=comparison.middle or 0.0, truth_middle=truth_middle)
    of_numbers = comparison.of == "numbers"
    if _all(targets, _is_flag):
        return Target(several, axis, middle=0.5 if of_numbers else 0.0)
    if _all(targets, _is_sign):
        return Target(several, axis, truth_middle=0.0)
    if num_classes and classes == num_classes:
        return Target("one_hot", axis)
    return Target("amounts", axis)


def _all(targets: Sequence[Array], rule: Callable[[Array], bool]) -> bool:
    return all(rule(part) for part in targets)


def _is_one_hot(targets: Array, axis: int) -> bool:
    """Whether one value of each row is 1, and all others are 0, or all others are -1."""
    if targets.ndim < 2:
        return False
    ones = targets == 1
    rest = _is_flag(targets) or _is_sign(targets)
    return rest and bool((ones.sum(axis) == 1).all())


def _is_flag(targets: Array) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())


def _is_sign(targets: Array) -> bool:
    return bool((np.abs(targets) == 1).all())
