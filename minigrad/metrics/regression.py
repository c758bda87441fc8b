"""Regression metrics. Outputs and targets have the same shape."""

from __future__ import annotations

from math import nan

import numpy as np

from minigrad.metrics.metric import Metric


class MeanAbsoluteError(Metric):
    """The mean absolute error, in the targets' unit."""

    higher_is_better = False

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self.error = 0.0
        self.count = 0

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Add one batch's errors.

        Raises:
            ValueError: if the shapes differ.
        """
        self.error += float(np.abs(_difference(self, outputs, targets)).sum())
        self.count += targets.size

    def compute(self) -> float:
        """Return the sum of absolute errors / their number."""
        return self.error / self.count if self.count else nan


class R2(Metric):
    """The coefficient of determination R².

    The fraction of the targets' variance explained by the outputs: 1 - Σ (target - output)² / Σ (target - mean)². It is
    1 for a perfect prediction, 0 for one as good as the mean, and negative for a worse one. With several outputs it is
    the mean over them. For constant targets it is 1 if all outputs are exact, else 0, as in scikit-learn.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self.count = 0
        self.mean = np.zeros(0)  # of the targets, (k,)
        self.spread = np.zeros(0)  # Σ (target - mean)², (k,)
        self.error = np.zeros(0)  # Σ (target - output)², (k,)

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Add one batch (N, ...).

        Mean and variance of two parts are combined as in Chan, Golub and LeVeque, "Updating formulae and a pairwise
        algorithm for computing sample variances" (1979), without cancellation for a large mean.

        Raises:
            ValueError: if the shapes differ.
        """
        difference = _difference(self, outputs, targets).reshape(len(targets), -1)
        values = targets.reshape(len(targets), -1).astype(np.float64)
        if not self.count:
            self.mean = self.spread = self.error = np.zeros(values.shape[1])
        mean = values.mean(axis=0)
        step, total = mean - self.mean, self.count + len(values)
        self.spread = self.spread + ((values - mean) ** 2).sum(axis=0) + step**2 * (self.count * len(values) / total)
        self.mean = self.mean + step * (len(values) / total)
        self.error = self.error + (difference**2).sum(axis=0)
        self.count = total

    def compute(self) -> float:
        """Return the mean over the outputs.

        It is NaN for fewer than two examples, whose variance is undefined.
        """
        if self.count < 2:
            return nan
        varied = self.spread > 0
        explained = 1 - self.error / np.where(varied, self.spread, 1)
        return float(np.where(varied, explained, self.error == 0).mean())


def _difference(metric: Metric, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return outputs - targets in float64."""
    if outputs.shape != targets.shape:
        raise ValueError(
            f"{type(metric).__name__} expected targets of the outputs' shape {outputs.shape}, got {targets.shape}"
        )
    return np.subtract(outputs, targets, dtype=np.float64)
