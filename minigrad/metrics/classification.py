"""Classification metrics."""

from __future__ import annotations

from math import nan, prod
from typing import Any, Literal

import numpy as np

from minigrad import ops
from minigrad.arguments import as_integer
from minigrad.metrics.classes import ClassMetric, Hits
from minigrad.targets import Target

Average = Literal["auto", "binary", "macro", "micro", "weighted"]
"""How class scores are averaged, as in scikit-learn: `binary` is the score of class 1 of two; `macro` the mean over the
classes that occur in targets or predictions, or over all labels; `weighted` the mean weighted by the number of targets;
`micro` pools all counts; `auto` is `binary` with two classes, else `macro`."""


class Accuracy(Hits):
    """Accuracy: the fraction of correct predictions.

    It is from 0 to 1. With several labels, each label counts as one prediction.

    Args:
        threshold: the output above which a prediction is positive; default: the loss's decision boundary, 0 for logits,
            0.5 for probabilities.
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).
    """

    def add(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Count one batch's correct predictions.

        Raises:
            ValueError: if the shapes do not match.
        """
        predicted, truth, _ = self.answers(outputs, targets, target)
        self.hits += int(np.count_nonzero(predicted == truth))
        self.count += truth.size


class TopK(Hits):
    """Top-k accuracy: the class is among the k largest outputs.

    It is the fraction of such examples. Among equal outputs, the first classes count as larger. Its name contains k, as
    in `val/top_5`, so that a run can have several.

    Args:
        k: number of predictions per example.
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).

    Raises:
        ValueError: if `k` is below 1.
    """

    kinds = ("index", "one_hot")

    def __init__(self, k: int = 5, ignore_index: int | None = None) -> None:
        self.k = as_integer("k", k, 1)
        super().__init__(None, ignore_index)

    @property
    def name(self) -> str:
        """`top_<k>`."""
        return f"top_{self.k}"

    def add(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Count one batch's correct predictions.

        Raises:
            ValueError: if the shapes do not match, or k is not below the number of classes.
        """
        scores, truth = self.scores(outputs, targets, target)
        if self.k >= scores.shape[-1]:
            raise ValueError(f"k={self.k} of {scores.shape[-1]} classes is always correct: use a smaller k")
        if np.isnan(scores).any():
            raise ValueError("TopK cannot order outputs that are NaN")
        first = np.argsort(-scores, axis=-1, kind="stable")[..., : self.k]
        self.hits += int(np.count_nonzero(first == truth[..., np.newaxis]))
        self.count += truth.size


class _Averaged(ClassMetric):
    """A ratio of counts per class or label, averaged."""

    def __init__(
        self, average: Average = "auto", threshold: float | None = None, ignore_index: int | None = None
    ) -> None:
        if average not in (known := ("auto", "binary", "macro", "micro", "weighted")):
            raise ValueError(f"average is one of {', '.join(known)}; got {average!r}")
        self.average = average
        super().__init__(threshold, ignore_index)

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        self.counts = np.zeros((3, 0), np.int64)  # per class: correct predictions, predictions, targets
        self.of_labels = False

    def add(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Count one batch.

        Raises:
            ValueError: if the shapes do not match, or `binary` is used without two classes.
        """
        predicted, truth, classes = self.answers(outputs, targets, target)
        self.of_labels = target.kind == "labels"
        if self.average == "binary" and (classes != 2 or self.of_labels):
            raise ValueError(
                f"average 'binary' needs two classes, but {type(self).__name__} got {classes}"
                f"{' labels' if self.of_labels else ''}: use 'macro', 'micro' or 'weighted'"
            )
        if self.of_labels:
            counts = np.stack([np.count_nonzero(kind, axis=0) for kind in (predicted & truth, predicted, truth)])
        else:
            kinds = (truth[predicted == truth], predicted, truth)
            counts = np.stack([np.bincount(kind.astype(np.intp), minlength=classes) for kind in kinds])
        self.counts = self.counts + counts if self.counts.size else counts

    def compute(self) -> float:
        """Return the averaged ratio, 0 where 0 / 0, or NaN.

        It is NaN if there are no counts.
        """
        counts = self.counts
        if not counts.size or (not self.of_labels and not counts.any()):
            return nan
        if self.average == "micro":
            counts = counts.sum(axis=1, keepdims=True)
        elif not self.of_labels:
            of_two = self.average == "binary" or (self.average == "auto" and counts.shape[1] == 2)
            counts = counts[:, 1:] if of_two else counts[:, counts.any(axis=0)]
        above, below = self._ratio(*counts)
        ratios = above / np.maximum(below, 1)
        if self.average == "weighted" and counts[2].any():
            return float(np.average(ratios, weights=counts[2]))
        return float(ratios.mean())

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return numerator and denominator per class."""
        raise NotImplementedError(f"{type(self).__name__} must define _ratio()")


class Precision(_Averaged):
    """Precision: the fraction of predicted positives that are correct.

    Args:
        average: how class scores are averaged (see `Average`).
        threshold: the output above which a prediction is positive; default: the loss's decision boundary, 0 for logits,
            0.5 for probabilities.
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).

    Raises:
        ValueError: if `average` is unknown.
    """

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return hits, answers


class Recall(_Averaged):
    """Recall: the fraction of positives that are found.

    Args:
        average: how class scores are averaged (see `Average`).
        threshold: the output above which a prediction is positive; default: the loss's decision boundary, 0 for logits,
            0.5 for probabilities.
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).

    Raises:
        ValueError: if `average` is unknown.
    """

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return hits, targets


class F1(_Averaged):
    """F1: the harmonic mean of precision and recall.

    It is 2 hits / (predictions + targets).

    Args:
        average: how class scores are averaged (see `Average`).
        threshold: the output above which a prediction is positive; default: the loss's decision boundary, 0 for logits,
            0.5 for probabilities.
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).

    Raises:
        ValueError: if `average` is unknown.
    """

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 2 * hits, answers + targets


class ConfusionMatrix(ClassMetric):
    """The confusion matrix: true classes (rows) by predicted (columns).

    Entries are numbers of examples. For multi-label targets there is a matrix for each label. As it is a table and not
    a number, it is only in the test results, and cannot be monitored.

    Args:
        threshold: the output above which a prediction is positive; default: the loss's decision boundary, 0 for logits,
            0.5 for probabilities.
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).
    """

    is_number = False

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        self.counts: np.ndarray = np.zeros((0, 0), np.int64)

    def add(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Count one batch.

        Raises:
            ValueError: if the shapes do not match.
        """
        predicted, truth, classes = self.answers(outputs, targets, target)
        if target.kind == "labels":
            cells = 4 * np.arange(classes) + 2 * truth + predicted
            shape: tuple[int, ...] = (classes, 2, 2)
        else:
            cells = truth.astype(np.intp) * classes + predicted
            shape = (classes, classes)
        counts = np.bincount(cells.reshape(-1), minlength=prod(shape)).reshape(shape)
        self.counts = self.counts + counts if self.counts.size else counts

    def compute(self) -> list[Any]:
        """Return the matrix (C, C), or matrices (C, 2, 2)."""
        rows: list[Any] = self.counts.tolist()
        return rows


class Perplexity(ClassMetric):
    """Perplexity: exp of the mean cross-entropy.

    The model is as uncertain as in a fair choice among this many classes. Outputs are logits, or log-probabilities.

    Args:
        ignore_index: a class index to ignore, in addition to that of the loss (or -100).
    """

    higher_is_better = False
    kinds = ("index", "one_hot")

    def __init__(self, ignore_index: int | None = None) -> None:
        super().__init__(None, ignore_index)

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        self.surprise = 0.0
        self.count = 0

    def add(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Add one batch's cross-entropies.

        Raises:
            ValueError: if the shapes do not match.
        """
        scores, truth = self.scores(outputs, targets, target)
        logs = ops.log_softmax(scores, -1)
        self.surprise -= float(np.take_along_axis(logs, truth[:, np.newaxis], -1).sum(dtype=np.float64))
        self.count += truth.size

    def compute(self) -> float:
        """Return the perplexity, which is infinite above float64's range."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.surprise / self.count)) if self.count else nan
