"""How often, and how, a model finds the right class.

Targets are class indices (...,) beside outputs (..., C), or one-hot (..., C); the largest output is the answer. Outputs
of one number (N,) or (N, 1) answer with class 1 above a threshold, and targets are 0 or 1.
"""

from __future__ import annotations

from math import nan
from typing import Any, Literal

import numpy as np

from minigrad import ops
from minigrad.training.metrics.metric import Metric

Average = Literal["auto", "binary", "macro", "micro", "weighted"]
"""How the scores of the classes become one, as in scikit-learn: `binary` is that of class 1 of two; `macro` their mean
over the classes that occur, in targets or answers; `weighted` their mean by the number of targets; `micro` counts all
classes together; `auto` is `binary` with two classes, and else `macro`."""


class _ClassMetric(Metric):
    """What tells a model's answers from its outputs."""

    def __init__(self, threshold: float = 0.0, ignore_index: int | None = None) -> None:
        self.threshold = threshold
        self.ignore_index = ignore_index
        self.reset()

    def _answers(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        """Returns the model's classes and the right ones, both (M,), and how many classes there are.

        Raises: ValueError if the shapes are none of those above.
        """
        shape = outputs.shape
        if len(shape) > 1 and targets.shape == shape[:-1] and shape[-1] > 1:
            answers, right, classes = outputs.argmax(-1), targets, shape[-1]
        elif outputs.size == targets.size and (len(shape) == 1 or shape[-1] == 1):
            answers, right, classes = outputs > self.threshold, targets > 0.5, 2
        elif targets.shape == shape:
            answers, right, classes = outputs.argmax(-1), targets.argmax(-1), shape[-1]
        else:
            raise _misfit(self, outputs, targets)
        if answers.ndim > 1 or right.ndim > 1:
            answers, right = answers.reshape(-1), right.reshape(-1)
        if self.ignore_index is not None:
            counted = right != self.ignore_index
            answers, right = answers[counted], right[counted]
        return answers, right, classes


class Accuracy(_ClassMetric):
    """The share of right answers, from 0 to 1.

    Args:
        threshold: where one output divides class 0 from 1: 0 suits logits, 0.5 the output of a sigmoid.
        ignore_index: a class index whose targets count for nothing, such as padding.
    """

    def reset(self) -> None:
        """Forgets all batches."""
        self.hits = 0
        self.count = 0

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Counts the right answers of one batch. Raises: ValueError if the shapes do not fit together."""
        answers, right, _ = self._answers(outputs, targets)
        self.hits += int(np.count_nonzero(answers == right))
        self.count += right.size

    def compute(self) -> float:
        """Returns hits / answers."""
        return self.hits / self.count if self.count else nan


class TopK(Metric):
    """The share of examples whose class is among the `k` largest outputs; among equals, the first classes win.

    It is named after its k, so that a run can have several: `val/top_5`.

    Args:
        k: how many answers the model has.

    Raises: ValueError if `k` is below 1.
    """

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"k counts answers and must be at least 1, got {k}")
        self.k = k
        self.reset()

    @property
    def name(self) -> str:
        """`top_<k>`."""
        return f"top_{self.k}"

    def reset(self) -> None:
        """Forgets all batches."""
        self.hits = 0
        self.count = 0

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Counts the right answers of outputs (..., C) with targets (...,) or, one-hot, (..., C).

        Raises: ValueError if the shapes do not fit together, or all classes would be among the first k.
        """
        if outputs.ndim < 2 or targets.shape not in (outputs.shape, outputs.shape[:-1]):
            raise _misfit(self, outputs, targets)
        if self.k >= outputs.shape[-1]:
            raise ValueError(f"the first {self.k} of {outputs.shape[-1]} classes are always right: use a smaller k")
        right = targets.argmax(axis=-1) if targets.shape == outputs.shape else targets
        first = np.argsort(-outputs, axis=-1, kind="stable")[..., : self.k]
        self.hits += int(np.count_nonzero(first == right[..., np.newaxis]))
        self.count += right.size

    def compute(self) -> float:
        """Returns hits / examples."""
        return self.hits / self.count if self.count else nan


class _Averaged(_ClassMetric):
    """A ratio of counts for each class, and their average."""

    def __init__(self, average: Average = "auto", threshold: float = 0.0, ignore_index: int | None = None) -> None:
        if average not in (known := ("auto", "binary", "macro", "micro", "weighted")):
            raise ValueError(f"average is one of {', '.join(known)}; got {average!r}")
        self.average = average
        super().__init__(threshold, ignore_index)

    def reset(self) -> None:
        """Forgets all batches."""
        self.counts = np.zeros((3, 0), np.int64)  # of each class: right answers, answers, targets

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Counts one batch. Raises: ValueError if the shapes do not fit together, or `binary` meets other than two
        classes."""
        answers, right, classes = self._answers(outputs, targets)
        if self.average == "binary" and classes != 2:
            raise ValueError(
                f"average 'binary' is for two classes, and {type(self).__name__} met {classes}: "
                f"use 'macro', 'micro' or 'weighted'"
            )
        kinds = (right[answers == right], answers, right)
        counts = np.stack([np.bincount(kind.astype(np.intp), minlength=classes) for kind in kinds])
        self.counts = self.counts + counts if self.counts.size else counts

    def compute(self) -> float:
        """Returns the averaged ratio, where 0 / 0 is 0."""
        counts = self.counts
        if not counts.any():
            return nan
        if self.average == "micro":
            counts = counts.sum(axis=1, keepdims=True)
        if self.average == "binary" or (self.average == "auto" and counts.shape[1] == 2):
            counts = counts[:, 1:]
        else:
            counts = counts[:, counts.any(axis=0)]
        above, below = self._ratio(*counts)
        ratios = above / np.maximum(below, 1)
        return float(np.average(ratios, weights=counts[2] if self.average == "weighted" else None))

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the two parts of the ratio of each class."""
        raise NotImplementedError(f"{type(self).__name__} must define _ratio()")


class Precision(_Averaged):
    """Of the answers that name a class, the share that is right.

    Args:
        average: how the ratios of the classes become one (see `Average`).
        threshold: where one output divides class 0 from 1: 0 suits logits, 0.5 the output of a sigmoid.
        ignore_index: a class index whose targets count for nothing, such as padding.

    Raises: ValueError if `average` is unknown.
    """

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return hits, answers


class Recall(_Averaged):
    """Of the examples of a class, the share that is found.

    Args:
        average: how the ratios of the classes become one (see `Average`).
        threshold: where one output divides class 0 from 1: 0 suits logits, 0.5 the output of a sigmoid.
        ignore_index: a class index whose targets count for nothing, such as padding.

    Raises: ValueError if `average` is unknown.
    """

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return hits, targets


class F1(_Averaged):
    """The harmonic mean of precision and recall: 2 hits / (answers + targets).

    Args:
        average: how the ratios of the classes become one (see `Average`).
        threshold: where one output divides class 0 from 1: 0 suits logits, 0.5 the output of a sigmoid.
        ignore_index: a class index whose targets count for nothing, such as padding.

    Raises: ValueError if `average` is unknown.
    """

    def _ratio(self, hits: np.ndarray, answers: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 2 * hits, answers + targets


class ConfusionMatrix(_ClassMetric):
    """How many examples of each class (rows) were taken for which (columns).

    A table and not a number, so it stands in the results of the test and cannot be monitored.

    Args:
        threshold: where one output divides class 0 from 1: 0 suits logits, 0.5 the output of a sigmoid.
        ignore_index: a class index whose targets count for nothing, such as padding.
    """

    is_number = False

    def reset(self) -> None:
        """Forgets all batches."""
        self.counts = np.zeros((0, 0), np.int64)

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Counts one batch. Raises: ValueError if the shapes do not fit together."""
        answers, right, classes = self._answers(outputs, targets)
        cells = right.astype(np.intp) * classes + answers
        counts = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
        self.counts = self.counts + counts if self.counts.size else counts

    def compute(self) -> list[Any]:
        """Returns the rows of the matrix."""
        rows: list[Any] = self.counts.tolist()
        return rows


class Perplexity(Metric):
    """e to the mean cross-entropy of the right class: as uncertain as a fair choice among so many.

    Outputs are scores (..., C), targets class indices (...,).

    Args:
        ignore_index: a class index whose targets count for nothing, such as padding.
    """

    higher_is_better = False

    def __init__(self, ignore_index: int = -100) -> None:
        self.ignore_index = ignore_index
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self.surprise = 0.0
        self.count = 0

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Adds the cross-entropies of one batch. Raises: ValueError if the shapes do not fit together."""
        if outputs.ndim < 2 or targets.shape != outputs.shape[:-1]:
            raise _misfit(self, outputs, targets)
        counted = targets != self.ignore_index
        scores, right = outputs[counted], targets[counted]
        logs = ops.log_softmax(scores, -1)
        self.surprise -= float(np.take_along_axis(logs, right[:, np.newaxis], -1).sum(dtype=np.float64))
        self.count += right.size

    def compute(self) -> float:
        """Returns the perplexity, which is infinite above float64's range."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.surprise / self.count)) if self.count else nan


def _misfit(metric: Metric, outputs: np.ndarray, targets: np.ndarray) -> ValueError:
    return ValueError(
        f"{type(metric).__name__} expected targets of shape {outputs.shape[:-1]} (class indices) or {outputs.shape} "
        f"(one-hot) beside outputs of shape {outputs.shape}, got {targets.shape}"
    )
