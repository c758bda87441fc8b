"""The state of a training, for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.metrics import MetricCollection
from minigrad.nn import Module
from minigrad.nn.lora import BaseDigests, load_saved_state, saved_state
from minigrad.optim import Optimizer, Schedule
from minigrad.parallel import Ranks
from minigrad.runs.state import saved_attributes
from minigrad.targets import Target
from minigrad.training.callback import Callback
from minigrad.training.callbacks import BestWeights, EarlyStopper
from minigrad.training.ema import EMA
from minigrad.training.preflight import Preflight


class TrainingState:
    """What changes during a training, except the weights.

    Attributes:
        step: optimizer steps done.
        steps: optimizer steps of the whole training.
        epoch_steps: optimizer steps per epoch.
        skipped: steps whose update was skipped.
        lr: learning rate of the first parameter group in the last step.
        stopped: whether a callback has ended the training.
        options: the options of the optimizer's parameter groups, as given by the experiment.
        metrics: loss and metrics since the last record.
        best: the best weights so far.
        stopper: early stopping; None without it.
        seed: the seed of the experiment.
        stopped_by: the class of the callback that ended the training.
        interrupted: whether the training ends after the current step, to be resumed later.
        ranks: the processes that train the model together.
        limit: the setting that limits the length of the training, such as `trainer.max_epochs=10`.
        named_callbacks: the callbacks that the experiment names; their states are saved.
        average: the average of the weights; None without one.
        base: the digests of the weights that checkpoints leave out.
        preflight: the checks before the first update.
    """

    model: Module
    optimizer: Optimizer
    schedule: Schedule | None
    options: list[dict[str, Any]]
    metrics: MetricCollection
    best: BestWeights
    stopper: EarlyStopper | None
    step: int
    steps: int
    epoch_steps: int
    skipped: int
    lr: float
    stopped: bool
    seed: int
    stopped_by: str
    interrupted: bool
    ranks: Ranks
    _asked_to_end: bool
    limit: str
    named_callbacks: list[Callback]
    preflight: Preflight
    average: EMA | None
    base: BaseDigests

    @property
    def target(self) -> Target | None:
        """The kind of targets; None before the first step."""
        return self.preflight.target

    def interrupt(self) -> None:
        """Interrupt the training after this step, with a checkpoint.

        A signal handler may call it. With several ranks, the training ends after the step in which all know of it.
        """
        self._asked_to_end = True
        self.interrupted = self.ranks.size == 1

    def stop(self) -> None:
        """End the training after this step.

        The step is validated, and the run gets the status `done`.
        """
        self.stopped = True

    @property
    def ended(self) -> bool:
        """Whether a callback or early stopping has ended the training."""
        return self.stopped or (self.stopper is not None and self.stopper.out_of_patience)

    @property
    def reason(self) -> str:
        """Why the training ends: callback, early stopping, or limit."""
        if self.stopped:
            return f"stopped by {self.stopped_by or 'a callback'}"
        if self.stopper is not None and self.stopper.out_of_patience:
            return self.stopper.reason
        return f"reached {self.limit}"

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights that `best` gets, not copied.

        These are the averages, if weights are averaged. With adapters, the base weights are left out.
        """
        return {**saved_state(self.model), **(self.average.arrays() if self.average is not None else {})}

    def state(self) -> dict[str, Any]:
        """Return the training's state, except the weights.

        It is in checkpoint format 1.
        """
        epoch, done = divmod(self.step, self.epoch_steps)
        base = self.base()
        return {
            "step": self.step,
            "steps": self.steps,
            "epoch": epoch,
            "step_in_epoch": done,
            "seed": self.seed,
            "skipped": self.skipped,
            "lr": self.lr,
            "stopped": self.stopped,
            "optimizer": self.optimizer.state_dict(),
            "options": self.options,
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "tally": {"loss": self.metrics.loss, "count": self.metrics.count},
            "metrics": {metric.name: saved_attributes(metric) for metric in self.metrics.metrics},
            "callbacks": [[type(callback).__name__, callback.state_dict()] for callback in self.named_callbacks],
            "best": self.best.state_dict(),
            "early_stopping": self.stopper.state_dict() if self.stopper is not None else None,
            **({"ema": self.average.state_dict()} if self.average is not None else {}),
            **({"base": base} if base else {}),
        }

    def load_state(self, weights: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Restore the weights and state of another training.

        If the experiment has changed since, its own options apply, and parts that only one of the two has are ignored.

        Args:
            weights: returned by `nn.lora.saved_state(model)` in that training.
            state: returned by `state()`.

        Raises:
            ValueError: if the model or the optimizer has other parameters, or the adapters have another base.
        """
        load_saved_state(self.model, weights, state.get("base"))
        if self.average is not None:
            self.average.load_state_dict(state.get("ema", {}))
        self.optimizer.load_state_dict(state["optimizer"])
        for group, now, before in zip(self.optimizer.param_groups, self.options, state["options"], strict=True):
            group |= {name: value for name, value in now.items() if before.get(name) != value}
        if self.schedule is not None and state["schedule"] is not None:
            self.schedule.load_state_dict(state["schedule"])
        for name in ("step", "skipped", "lr", "stopped"):
            setattr(self, name, state[name])
        self.metrics.loss, self.metrics.count = state["tally"]["loss"], state["tally"]["count"]
        for metric in self.metrics.metrics:
            vars(metric).update(state["metrics"].get(metric.name, {}))
        for callback, (name, saved) in zip(self.named_callbacks, state["callbacks"], strict=False):
            if type(callback).__name__ == name:
                callback.load_state_dict(saved)
        self.best.load_state_dict(state["best"])
        if self.stopper is not None and state["early_stopping"] is not None:
            self.stopper.load_state_dict(state["early_stopping"])
