"""What a metric is, and the loss and metrics of one part of the data side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np


class Metric:
    """Gathers what it needs batch by batch in `update`, and gives its value over all of them in `compute`.

    A subclass keeps in its attributes sums and counts, not means of batches (which are wrong when the last batch is
    smaller), as numbers or arrays, so that a checkpoint can hold them. One instance serves training, validation and
    test in turn, with a `reset` in between.
    """

    higher_is_better: bool = True
    """The direction that `monitor` takes where a config does not name a `mode`."""

    is_number: bool = True
    """Whether `compute` gives one number, which every record has and `monitor` can name. What gives a table stands in
    the results of the test alone."""

    @property
    def name(self) -> str:
        """What stands behind `train/`, `val/` and `test/`: the class's name in lower case, `MyError` as `my_error`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    def reset(self) -> None:
        """Forgets all batches; called before the first one too."""
        raise NotImplementedError(f"{type(self).__name__} must define reset()")

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Adds one batch: the model's outputs and the targets, both with the examples along the first axis."""
        raise NotImplementedError(f"{type(self).__name__} must define update(outputs, targets)")

    def compute(self) -> float | list[Any]:
        """Returns the value over all batches since `reset`; NaN where there was none. A table is lists of numbers."""
        raise NotImplementedError(f"{type(self).__name__} must define compute()")


class Tally:
    """The loss on average, and the metrics, over the batches since `reset`.

    Args:
        metrics: what to measure besides the loss.
        reduction: whether the loss of a batch is the "mean" or the "sum" of those of its examples.
    """

    def __init__(self, metrics: Sequence[Metric], reduction: str = "mean") -> None:
        self.metrics = metrics
        self.reduction = reduction
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self.loss = 0.0
        self.count = 0.0
        for metric in self.metrics:
            metric.reset()

    def add(self, loss: float, count: float, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Adds one batch: its loss, how much it counts (`Loss.count`), the model's outputs and the targets."""
        self.loss += loss if self.reduction == "sum" else loss * count
        self.count += count
        for metric in self.metrics:
            metric.update(outputs, targets)

    def compute(self, part: str) -> dict[str, Any]:
        """Returns `<part>/loss` and `<part>/<metric>` over all batches since `reset`: of the metrics that are no
        number, only where `part` is "test"."""
        shown = [metric for metric in self.metrics if metric.is_number or part == "test"]
        loss = self.loss / self.count if self.count else float("nan")
        return {f"{part}/loss": loss} | {f"{part}/{metric.name}": metric.compute() for metric in shown}
