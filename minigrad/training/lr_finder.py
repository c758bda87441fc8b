"""The learning rate range test.

Smith (2015), "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186: train for some steps with a
growing learning rate, and see where the loss falls and where it diverges.
"""

from __future__ import annotations

from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from math import inf, isnan
from typing import Any

import numpy as np

from minigrad.parallel import blas_threads
from minigrad.training.divergence import TrainingError
from minigrad.training.experiment import Experiment
from minigrad.training.trainer import Trainer, Training

SMOOTHING = 0.9
"""The weight of the previous smoothed loss in the next one."""

EXPLODED = 4.0
"""The test ends when the smoothed loss is this many times its smallest value."""


@dataclass(frozen=True)
class Sweep:
    """The result of a learning rate range test.

    Args:
        rates: the learning rate of each step, growing by a constant factor.
        losses: the training loss of each step.
        smoothed: the exponential moving average of the losses.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def suggestion(self) -> float | None:
        """The suggested learning rate; None if the loss never fell.

        It is a tenth of the rate with the smallest smoothed loss, a safe margin below divergence.
        """
        best = int(self.smoothed.argmin()) if self.smoothed.size else 0
        return float(f"{self.rates[best] / 10:.1g}") if best else None

    def table(self, rows: int = 20) -> str:
        """Return a table of rates and losses, and the suggestion.

        It has about `rows` rows.
        """
        lines = [f"{'lr':>10}  {'loss':>10}  {'smoothed':>10}"]
        for i in sorted(set(np.linspace(0, len(self.rates) - 1, rows).astype(int))) if self.rates.size else []:
            lines.append(f"{self.rates[i]:>10.2e}  {self.losses[i]:>10.4g}  {self.smoothed[i]:>10.4g}")
        if self.suggestion is None:
            return "\n".join([*lines, "the loss never fell: try other rates, or look at the data and the model"])
        return "\n".join([*lines, f"try optimizer.lr={self.suggestion:g}"])


def find_lr(experiment: Experiment, low: float = 1e-6, high: float = 10.0, steps: int = 100) -> Sweep:
    """Run a learning rate range test on a copy.

    The experiment is not changed. The rate of the first parameter group grows from `low` to `high`; the other groups
    keep their ratio to it. A schedule is ignored.

    Raises:
        ValueError: unless 0 < low < high and there are 2 steps or more.
    """
    if not 0 < low < high < inf or steps < 2:
        raise ValueError(f"expected 0 < low < high and at least 2 steps, got {low}, {high} and {steps}")
    same = {name: getattr(experiment.trainer, name) for name in ("grad_clip", "accumulate", "shards", "blas_threads")}
    settings = Trainer(max_steps=steps, **same)
    model = deepcopy(experiment.model).train()
    none: dict[str, Any] = {"metrics": [], "callbacks": [], "schedule": None}
    done: dict[str, Any] = {"weights": None, "freeze": [], "adapters": None}  # the copied model already has them
    training = Training(replace(experiment, model=model, trainer=settings, **none, **done))
    groups = training.optimizer.param_groups
    ratios = [group["lr"] / groups[0]["lr"] if groups[0]["lr"] else 1.0 for group in groups]
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    rates: list[float] = []
    with blas_threads(training.blas_threads), np.errstate(all="ignore"), closing(training.batches()) as feed:
        for rate, batches in zip(np.geomspace(low, high, steps), islice(feed, steps), strict=True):
            for group, ratio in zip(groups, ratios, strict=True):
                group["lr"] = rate * ratio
            training.metrics.reset()
            try:
                training.train_step(batches)
            except TrainingError:
                break
            loss = training.metrics.compute("train")["train/loss"]
            if isnan(loss):  # all targets are ignored: this step tests nothing
                continue
            rates.append(rate)
            losses.append(loss)
            average = SMOOTHING * average + (1 - SMOOTHING) * losses[-1]
            smoothed.append(average / (1 - SMOOTHING ** len(losses)))
            lowest = min(smoothed)  # negative for some losses
            if smoothed[-1] - lowest > (EXPLODED - 1) * abs(lowest):
                break
    return Sweep(np.array(rates), np.array(losses), np.array(smoothed))
