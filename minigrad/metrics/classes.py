"""Base of classification metrics."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from math import nan
from typing import ClassVar

import numpy as np

from minigrad.arguments import as_integer, as_number
from minigrad.metrics.metric import Metric
from minigrad.targets import Comparison, Kind, Target, target_of


class ClassMetric(Metric):
    """Base class of metrics of predicted classes or labels.

    Targets are class indices (...) with outputs (..., C), whose largest is the prediction; one-hot, of the outputs'
    shape; or binary, 0 and 1, with one output or several, predicted above a threshold. In an experiment the loss and
    the data determine which (`minigrad.targets`); a metric that is called directly infers it from the values. A
    subclass defines `add`.

    Args:
        threshold: the output above which a prediction is positive; None for the loss's decision boundary, or else 0.
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).

    Raises:
        ValueError: for a threshold that is not a finite number.
        TypeError: for an index that is not an integer.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("index", "one_hot", "binary", "labels")
    """The kinds of targets that it supports."""

    _as_labels: ClassMetric | None = None
    _are_labels: bool = False

    def __init__(self, threshold: float | None = None, ignore_index: int | None = None) -> None:
        self.threshold = None if threshold is None else as_number("threshold", threshold)
        self.ignore_index = None if ignore_index is None else as_integer("ignore_index", ignore_index)
        self.reset()

    @property
    def takes_target(self) -> bool:
        """Whether `add` may be called instead of `update`.

        It may not for a class that overrides `update`.
        """
        return type(self).update is ClassMetric.update

    def reset(self) -> None:
        """Forget all batches; a subclass calls this."""
        for name in ("_as_labels", "_are_labels"):
            vars(self).pop(name, None)

    def add(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Add one batch whose kind of targets is known.

        Raises:
            ValueError: if the shapes do not match.
        """
        raise NotImplementedError(f"{type(self).__name__} must define add(outputs, targets, target)")

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Add one batch, inferring the kind of targets.

        Rows with a single 1 are one-hot, unless another row, in any batch, has none or several: then all are
        multi-label. Until that is known, both are counted.

        Raises:
            ValueError: if the shapes do not match.
        """
        target = target_of(Comparison(), outputs.shape, [targets])
        if self._are_labels:
            self.add(outputs, targets, replace(target, kind="labels"))
            return
        if target.kind in ("one_hot", "labels") and "labels" in self.kinds:
            if self._as_labels is None:
                self._as_labels = copy(self)
                self._as_labels.reset()
            self._as_labels.add(outputs, targets, replace(target, kind="labels"))
        if target.kind == "labels" and self._as_labels is not None:
            vars(self).update(vars(self._as_labels), _are_labels=True)
        else:
            self.add(outputs, targets, target)

    def answers(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> tuple[np.ndarray, np.ndarray, int]:
        """Return predictions, true classes and the number of classes.

        Ignored targets are left out.

        Returns:
            Classes (M,), or labels (M, C), bool; the same for the truth; the number of classes.

        Raises:
            ValueError: if the shapes do not match, a class index is out of range, or an output is NaN.
        """
        if target.kind in ("index", "one_hot"):
            scores, truth = self.scores(outputs, targets, target)
            self._refuse_nan(scores)
            return scores.argmax(-1), truth, scores.shape[-1]
        self._check(outputs, targets, target)
        predicted, truth = self.predictions(outputs, target), target.truth(targets)
        if target.kind == "labels":
            classes = predicted.shape[-1]
            return predicted.reshape(-1, classes), truth.reshape(-1, classes), classes
        predicted, truth = predicted.reshape(-1), truth.reshape(-1)
        if (counted := target.counted(truth, self.ignore_index)) is not None:
            predicted, truth = predicted[counted], truth[counted]
        return predicted, truth, 2

    def predictions(self, outputs: np.ndarray, target: Target) -> np.ndarray:
        """Return the predictions: classes, or bool for binary targets.

        Raises:
            ValueError: if an output is NaN.
        """
        self._refuse_nan(outputs)
        return target.predictions(outputs, self.threshold)

    def _refuse_nan(self, outputs: np.ndarray) -> None:
        """Refuse NaN outputs, whose argmax would be the NaN."""
        if np.isnan(outputs).any():
            raise ValueError(f"{type(self).__name__} cannot predict from outputs that are NaN")

    def scores(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> tuple[np.ndarray, np.ndarray]:
        """Return scores (M, C) and true classes (M,).

        Ignored targets are left out.

        Raises:
            ValueError: if the shapes do not match, or a class index is out of range.
        """
        self._check(outputs, targets, target)
        truth, scores = target.truth(targets), target.scores(outputs)
        classes = scores.shape[-1]
        counted = target.counted(truth, self.ignore_index)
        if counted is None or counted.all():
            scores, truth = scores.reshape(-1, classes), truth.reshape(-1)
        else:
            scores, truth = scores[counted], truth[counted]
        if target.kind == "index" and truth.size and not 0 <= truth.min() <= truth.max() < classes:
            stray = truth[(truth < 0) | (truth >= classes)][0]
            message = f"class index {stray} is out of range for {classes} classes, 0 to {classes - 1}"
            raise ValueError(
                message + ("; if it marks targets to ignore, pass it as ignore_index" if stray < 0 else "")
            )
        return scores, truth

    def _check(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Check the kind of targets and the shapes."""
        name, shape = type(self).__name__, outputs.shape
        if target.kind == "amounts" and targets.shape == shape:
            raise ValueError(f"{name} compares classes, but the targets are real numbers: use MeanAbsoluteError or R2")
        if not target.fits(shape, targets):
            raise ValueError(
                f"{name} expected targets of shape {target.places(shape)} (class indices) or {shape} (one-hot) "
                f"with outputs of shape {shape}, got {targets.shape} of {targets.dtype}"
            )
        if target.kind not in self.kinds:
            raise ValueError(f"{name} needs targets of one class each, but these are {_KINDS[target.kind]}")


class Hits(ClassMetric):
    """Base class of fractions of correct predictions.

    A subclass's `add` counts `hits` and `count`.
    """

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        self.hits = 0
        self.count = 0

    def compute(self) -> float:
        """Return the fraction of correct predictions."""
        return self.hits / self.count if self.count else nan


_KINDS: dict[str, str] = {"binary": "binary", "labels": "multi-label"}
"""The names of other kinds of targets."""
