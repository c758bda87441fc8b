"""Predictions from a model's outputs, with their scores."""

from __future__ import annotations

import numpy as np

from minigrad.targets import Target
from minigrad.training.experiment import Experiment


def read(experiment: Experiment, outputs: np.ndarray, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and scores for a model's outputs.

    Scores are probabilities if the loss defines them, else the outputs. The positive class starts at the threshold of
    the experiment's metrics or, without one, at the loss's decision boundary.

    Args:
        experiment: a trained experiment.
        outputs: (N, C), (N, 1) or (N,).
        target: the kind of targets.

    Returns:
        Classes (N,) with scores (N, classes); for multi-label targets, bool (N, k) with scores (N, k).

    Raises:
        ValueError: for regression targets.
    """
    probabilities = experiment.loss.probabilities(outputs)
    scores = outputs if probabilities is None else probabilities
    thresholds = [getattr(metric, "threshold", None) for metric in experiment.metrics]
    predicted = target.predictions(outputs, next((number for number in thresholds if number is not None), None))
    if target.kind != "binary":
        return predicted, scores
    yes = scores.reshape(-1)
    return predicted.reshape(-1).astype(np.intp), np.stack([1 - yes, yes], axis=1)


def names(experiment: Experiment, count: int) -> tuple[str, ...]:
    """Return the names of `count` classes or labels.

    If the data has no names, they are numbers.
    """
    for known in (experiment.data.class_names, experiment.data.target_names):
        if len(known) == count and known:
            return known
    return tuple(map(str, range(count)))
