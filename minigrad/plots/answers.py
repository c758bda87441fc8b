"""Predictions of a model: classes, labels or real numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad.inference.answers import names, read
from minigrad.training import Experiment


@dataclass(frozen=True)
class Classes:
    """Predicted classes.

    Args:
        names: the name of each class.
        rows: the indices of the examples, (N,).
        truth: the true classes, (N,).
        said: the predicted classes, (N,).
        scores: the score of each class, (N, len(names)).
    """

    names: tuple[str, ...]
    rows: np.ndarray
    truth: np.ndarray
    said: np.ndarray
    scores: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Which predictions are correct, (N,)."""
        return self.said == self.truth

    @property
    def lead(self) -> np.ndarray:
        """The margin of the true class, (N,).

        It is the score of the true class minus the best other score, and negative if the prediction is wrong.
        """
        each = np.arange(len(self.truth))
        others = self.scores.copy()
        others[each, self.truth] = -np.inf
        return self.scores[each, self.truth] - others.max(axis=1)


@dataclass(frozen=True)
class Amounts:
    """Predicted real numbers, (N, k), and the true ones."""

    truth: np.ndarray
    said: np.ndarray


@dataclass(frozen=True)
class Labels:
    """Predictions of a multi-label task.

    Args:
        names: the name of each label.
        truth: which labels apply, bool (N, k).
        said: which labels are predicted, bool (N, k).
        scores: the score of each label, (N, k).
    """

    names: tuple[str, ...]
    truth: np.ndarray
    said: np.ndarray
    scores: np.ndarray


def read_answers(experiment: Experiment, outputs: np.ndarray) -> Classes | Labels | Amounts | None:
    """Interpret the validation outputs as predictions.

    The result is None if they are none of these kinds.
    """
    targets = experiment.data.val.targets
    if outputs.ndim > 2 or targets.ndim > 2 or len(outputs) != len(targets):
        return None
    target = experiment.data.target(experiment.loss.comparison, outputs.shape)
    if target.kind == "amounts":
        said, right = outputs.reshape(len(outputs), -1), targets.reshape(len(targets), -1)
        in_units = experiment.data.in_units if said.shape == right.shape else np.asarray
        return Amounts(in_units(right), in_units(said))
    truth = target.truth(targets)
    if target.kind == "labels":
        said, scores = read(experiment, outputs, target)
        return Labels(names(experiment, outputs.shape[1]), truth, said, scores)
    truth = truth.reshape(-1)
    counted = target.counted(truth)
    rows = np.arange(len(truth)) if counted is None else np.flatnonzero(counted)
    said, scores = read(experiment, outputs[rows], target)
    return Classes(names(experiment, scores.shape[1]), rows, truth[rows].astype(np.intp), said, scores)


def score_word(experiment: Experiment) -> str:
    """Return the word for a class's score."""
    return "output" if experiment.loss.probabilities(np.zeros((1, 1))) is None else "probability"
