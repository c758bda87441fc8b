"""Numbers about outputs and targets that are exact over a whole part of the data, however it was cut into batches."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np


class Metric:
    """Gathers what it needs batch by batch in `update`, and gives its value over all of them in `compute`.

    A subclass keeps in its attributes sums and counts, not means of batches (which are wrong when the last batch is
    smaller), as numbers or arrays, so that a checkpoint can hold them. One instance serves training, validation and
    test in turn, with a `reset` in between.
    """

    higher_is_better: bool = True
    """The direction that `monitor` takes where a config does not name a `mode`."""

    @property
    def name(self) -> str:
        """What stands behind `train/`, `val/` and `test/`: the class's name in lower case, `TopK` as `top_k`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    def reset(self) -> None:
        """Forgets all batches; called before the first one too."""
        raise NotImplementedError(f"{type(self).__name__} must define reset()")

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Adds one batch: the model's outputs and the targets, both with the examples along the first axis."""
        raise NotImplementedError(f"{type(self).__name__} must define update(outputs, targets)")

    def compute(self) -> float:
        """Returns the value over all batches since `reset`; NaN where there was none."""
        raise NotImplementedError(f"{type(self).__name__} must define compute()")


class Tally:
    """The loss of an example on average, and the metrics, over the batches since `reset`.

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
        self.count = 0
        for metric in self.metrics:
            metric.reset()

    def add(self, loss: float, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Adds one batch: its loss, the model's outputs and the targets."""
        self.loss += loss if self.reduction == "sum" else loss * len(outputs)
        self.count += len(outputs)
        for metric in self.metrics:
            metric.update(outputs, targets)

    def compute(self, part: str) -> dict[str, float]:
        """Returns `<part>/loss` and `<part>/<metric>` over all batches since `reset`."""
        loss = self.loss / self.count if self.count else float("nan")
        return {f"{part}/loss": loss} | {f"{part}/{metric.name}": metric.compute() for metric in self.metrics}


class Accuracy(Metric):
    """The share of right answers, from 0 to 1.

    Targets are class indices (...,) beside outputs (..., C), or one-hot (..., C); the largest output is the answer.
    Outputs of one number (N,) or (N, 1) answer with class 1 above `threshold`, and targets are 0 or 1.

    Args:
        threshold: 0 suits logits, as `BCEWithLogitsLoss` takes them; 0.5 suits the output of a sigmoid.
    """

    def __init__(self, threshold: float = 0.0) -> None:
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self.hits = 0
        self.count = 0

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Counts the right answers of one batch.

        Raises: ValueError if the shapes are none of those above.
        """
        if outputs.ndim > 1 and targets.shape == outputs.shape[:-1] and outputs.shape[-1] > 1:
            right = outputs.argmax(axis=-1) == targets
        elif outputs.size == targets.size and (outputs.ndim == 1 or outputs.shape[-1] == 1):
            right = (outputs.reshape(-1) > self.threshold) == (targets.reshape(-1) > 0.5)
        elif targets.shape == outputs.shape:
            right = outputs.argmax(axis=-1) == targets.argmax(axis=-1)
        else:
            raise ValueError(
                f"Accuracy expected targets of shape {outputs.shape[:-1]} (class indices) or {outputs.shape} (one-hot) "
                f"beside outputs of shape {outputs.shape}, got {targets.shape}"
            )
        self.hits += int(np.count_nonzero(right))
        self.count += right.size

    def compute(self) -> float:
        """Returns hits / answers."""
        return self.hits / self.count if self.count else float("nan")
