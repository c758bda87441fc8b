"""The learning rate range test of Smith (2015), "Cyclical Learning Rates for Training Neural Networks",
arXiv:1506.01186: train for some steps while the rate grows, and see where the loss falls and where it explodes.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from minigrad.training.experiment import Experiment
from minigrad.training.guard import TrainingError
from minigrad.training.settings import Trainer
from minigrad.training.trainer import Training

SMOOTHING = 0.9
"""How much of the smoothed loss each step keeps."""

EXPLODED = 4.0
"""The sweep ends where the smoothed loss is so many times the smallest."""


@dataclass(frozen=True)
class Sweep:
    """What a sweep of learning rates saw.

    Args:
        rates: the learning rate of each step, growing by a constant factor.
        losses: the training loss of each step.
        smoothed: the mean of the losses so far, in which older ones count less and less.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def suggestion(self) -> float | None:
        """A tenth of the rate where the smoothed loss was smallest, which leaves a margin to where it explodes; None
        where the loss never fell."""
        best = int(self.smoothed.argmin()) if self.smoothed.size else 0
        return float(f"{self.rates[best] / 10:.1g}") if best else None

    def table(self, rows: int = 20) -> str:
        """Returns the rates with their losses, about `rows` of them, and the suggestion."""
        lines = [f"{'lr':>10}  {'loss':>10}  {'smoothed':>10}"]
        for i in sorted(set(np.linspace(0, len(self.rates) - 1, rows).astype(int))) if self.rates.size else []:
            lines.append(f"{self.rates[i]:>10.2e}  {self.losses[i]:>10.4g}  {self.smoothed[i]:>10.4g}")
        if self.suggestion is None:
            return "\n".join([*lines, "the loss never fell: try other rates, or look at the data and the model"])
        return "\n".join([*lines, f"try optimizer.lr={self.suggestion:g}"])


def find_lr(experiment: Experiment, low: float = 1e-6, high: float = 10.0, steps: int = 100) -> Sweep:
    """Trains a copy of the model while the learning rate grows from `low` to `high`; the experiment stays as it is.

    The rate of each group of parameters keeps its ratio to that of the first. A schedule has no say.

    Raises: ValueError unless 0 < low < high and there are 2 steps or more.
    """
    if not 0 < low < high or steps < 2:
        raise ValueError(f"expected 0 < low < high and at least 2 steps, got {low}, {high} and {steps}")
    kept = {name: getattr(experiment.trainer, name) for name in ("grad_clip", "accumulate", "shards", "blas_threads")}
    settings = Trainer(max_steps=steps, **kept)
    model = deepcopy(experiment.model).train()
    training = Training(replace(experiment, model=model, metrics=[], callbacks=[], schedule=None, trainer=settings))
    groups = training.optimizer.param_groups
    ratios = [group["lr"] / groups[0]["lr"] if groups[0]["lr"] else 1.0 for group in groups]
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    rates = np.geomspace(low, high, steps)
    with threadpool_limits(training.blas_threads, "blas"), np.errstate(all="ignore"):
        for rate, batches in zip(rates, islice(training.batches(), steps), strict=True):
            for group, ratio in zip(groups, ratios, strict=True):
                group["lr"] = rate * ratio
            training.tally.reset()
            try:
                training.train_step(batches)
            except TrainingError:
                break
            losses.append(training.tally.compute("train")["train/loss"])
            average = SMOOTHING * average + (1 - SMOOTHING) * losses[-1]
            smoothed.append(average / (1 - SMOOTHING ** len(losses)))
            if smoothed[-1] > EXPLODED * min(smoothed):
                break
    return Sweep(rates[: len(losses)], np.array(losses), np.array(smoothed))
