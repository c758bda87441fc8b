"""How the outputs of a model read as answers: as classes with a score each, or as amounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad import ops
from minigrad.data import DataError
from minigrad.nn import BCEWithLogitsLoss, CrossEntropyLoss
from minigrad.training import Experiment


@dataclass(frozen=True)
class Classes:
    """Answers that are classes.

    Args:
        names: what each class is called.
        rows: which examples they answer, (N,).
        truth: the right class of each, (N,).
        said: the class that the model answers with, (N,).
        scores: how much speaks for each class, (N, len(names)).
    """

    names: tuple[str, ...]
    rows: np.ndarray
    truth: np.ndarray
    said: np.ndarray
    scores: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Which answers are right, (N,)."""
        return self.said == self.truth

    @property
    def lead(self) -> np.ndarray:
        """By how much the right class is ahead of the strongest other one, (N,): below 0 where the answer is wrong."""
        each = np.arange(len(self.truth))
        others = self.scores.copy()
        others[each, self.truth] = -np.inf
        return self.scores[each, self.truth] - others.max(axis=1)


@dataclass(frozen=True)
class Amounts:
    """Answers that are amounts, (N, k), beside the right ones."""

    truth: np.ndarray
    said: np.ndarray


def read_answers(experiment: Experiment, outputs: np.ndarray) -> Classes | Amounts | None:
    """Returns what the `outputs` for the validation examples mean; None if they are neither classes nor amounts."""
    targets = experiment.data.val.targets
    if outputs.ndim > 2 or targets.ndim > 2 or len(outputs) != len(targets):
        return None
    if targets.ndim == 1 and targets.dtype.kind in "iu":
        truth = targets
    elif not answers_with_classes(experiment):
        return Amounts(targets.reshape(len(targets), -1), outputs.reshape(len(outputs), -1))
    else:
        truth = targets.argmax(axis=1) if targets.ndim == 2 and targets.shape[1] > 1 else targets.reshape(-1) > 0.5
    rows = np.flatnonzero(truth >= 0)  # below 0: told to be ignored
    said, scores = read_classes(experiment, outputs[rows])
    names = experiment.data.class_names or tuple(map(str, range(scores.shape[1])))
    return Classes(names, rows, truth[rows].astype(np.intp), said, scores)


def read_classes(experiment: Experiment, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the class (N,) that each of the outputs (N, C), (N, 1) or (N,) means, and the scores of all (N, classes).

    The scores are probabilities if the loss makes them so, and else the outputs themselves.
    """
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        said = outputs.argmax(axis=1)
        return said, ops.softmax(outputs) if isinstance(experiment.loss, CrossEntropyLoss) else outputs
    outputs = outputs.reshape(-1)
    thresholds = [getattr(metric, "threshold") for metric in experiment.metrics if hasattr(metric, "threshold")]  # noqa: B009
    said = (outputs > (thresholds or [0.0])[0]).astype(np.intp)
    yes = ops.sigmoid(outputs) if isinstance(experiment.loss, BCEWithLogitsLoss) else outputs
    return said, np.stack([1 - yes, yes], axis=1)


def score_word(experiment: Experiment) -> str:
    """Returns what a score of a class is."""
    return "probability" if isinstance(experiment.loss, (CrossEntropyLoss, BCEWithLogitsLoss)) else "output"


def answers_with_classes(experiment: Experiment) -> bool:
    """Tells whether the targets are classes."""
    try:
        return experiment.data.num_classes > 0
    except DataError:
        return False
