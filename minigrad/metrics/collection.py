"""A collection of a split's loss and metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.metrics.classes import ClassMetric
from minigrad.metrics.metric import Metric
from minigrad.targets import Target


class MetricCollection:
    """The average loss and the metrics since `reset`.

    Args:
        metrics: the metrics to compute besides the loss.
        reduction: whether a batch's loss is the "mean" or "sum" over its examples.
        target: returns the kind of targets for a shape of outputs; by default each metric infers it from the values.
        in_units: converts real numbers to the units of the data, for regression metrics; default: no conversion.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        reduction: str = "mean",
        target: Callable[[tuple[int, ...]], Target] | None = None,
        in_units: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.metrics = metrics
        self.reduction = reduction
        self._target_of = target
        self._in_units = in_units
        self._target: Target | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self.loss = 0.0
        self.count = 0.0
        for metric in self.metrics:
            metric.reset()

    def add(self, loss: float, count: float, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Add one batch.

        Args:
            loss: the loss of the batch.
            count: the weight of the loss (`Loss.count`).
            outputs: the outputs of the model.
            targets: the targets of the examples.
        """
        self.loss += loss if self.reduction == "sum" else loss * count
        self.count += count
        for metric in self.metrics:
            self.update(metric, outputs, targets)

    def update(self, metric: Metric, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Add one batch to one metric.

        Raises:
            ValueError: if the metric refuses it.
        """
        if self._target is None and self._target_of is not None:
            self._target = self._target_of(outputs.shape)
        if self._target is not None and isinstance(metric, ClassMetric) and metric.takes_target:
            metric.add(outputs, targets, self._target)
        elif self._in_units is not None and self._are_amounts(outputs, targets):
            # in float64, since the mean may be much larger than the scale
            metric.update(*(self._in_units(amounts.astype(np.float64)) for amounts in (outputs, targets)))
        else:
            metric.update(outputs, targets)

    def _are_amounts(self, outputs: np.ndarray, targets: np.ndarray) -> bool:
        return self._target is not None and self._target.kind == "amounts" and outputs.shape == targets.shape

    def compute(self, part: str) -> dict[str, Any]:
        """Return `<part>/loss` and `<part>/<metric>` since `reset`.

        Metrics that are not a number are included only for the part "test".
        """
        shown = [metric for metric in self.metrics if metric.is_number or part == "test"]
        loss = self.loss / self.count if self.count else float("nan")
        return {f"{part}/loss": loss} | {f"{part}/{metric.name}": metric.compute() for metric in shown}
