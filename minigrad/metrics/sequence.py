"""Exact-match metrics of sequences and label sets."""

from __future__ import annotations

import numpy as np

from minigrad.metrics.classes import Hits
from minigrad.targets import Target


class ExactMatch(Hits):
    """The fraction of entirely correct sequences or label sets.

    It is from 0 to 1. For sequences, outputs are scores (N, T, C), of which the largest is the prediction, and targets
    are tokens (N, T). With teacher forcing, a sequence is entirely correct exactly if greedy decoding would produce it.
    Sequences whose targets are all ignored are left out.

    Args:
        ignore_index: a token to ignore, in addition to that of the loss (or -100).
        threshold: the output above which a label is predicted; default: the loss's decision boundary.
    """

    kinds = ("index", "labels")

    def __init__(self, ignore_index: int | None = None, threshold: float | None = None) -> None:
        super().__init__(threshold, ignore_index)

    def add(self, outputs: np.ndarray, targets: np.ndarray, target: Target) -> None:
        """Count one batch's correct sequences.

        Raises:
            ValueError: if the shapes do not match.
        """
        if outputs.ndim < 2 or (target.kind == "index" and outputs.ndim < 3) or not target.fits(outputs.shape, targets):
            raise ValueError(
                f"ExactMatch expected outputs (N, T, C) and targets (N, T), got {outputs.shape} and {targets.shape}; "
                f"labels are of the outputs' shape"
            )
        predicted, truth = self.predictions(outputs, target), target.truth(targets)
        right, counted = predicted == truth, target.counted(truth, self.ignore_index)
        if counted is not None:
            right = right | ~counted
            right = right[counted.reshape(len(counted), -1).any(axis=1)]
        self.hits += int(np.count_nonzero(right.reshape(len(right), -1).all(axis=1)))
        self.count += len(right)
