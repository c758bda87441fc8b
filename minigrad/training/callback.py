"""Callbacks, and their view of the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from minigrad.data import DataLoader, Dataset
from minigrad.metrics import Metric
from minigrad.nn import Loss, Module, Parameter
from minigrad.optim import Optimizer, Schedule
from minigrad.runs.directory import RunDirectory
from minigrad.runs.state import kept
from minigrad.targets import Target
from minigrad.training.monitor import Mode


class ExperimentView(Protocol):
    """The parts of an experiment that a callback may read.

    Attributes:
        facts: what its config refers to of the data, by name, as `num_features`.
    """

    name: str
    data: Dataset
    model: Module
    loss: Loss
    seed: int
    metrics: list[Metric]
    facts: dict[str, Any]

    @property
    def measured(self) -> Mapping[str, Mode]:
        """The names that can be monitored, with their better direction."""


class TrainingView(Protocol):
    """The parts of a training that a callback may use.

    Attributes:
        model: in training mode, except in `on_train_end`.
        parameters: of the model, those without gradients included.
        optimizer: whose `param_groups` hold the learning rates.
        schedule: sets the learning rate after each step, if the experiment has one.
        loader: of the training examples.
        step: optimizer steps done.
        steps: optimizer steps of the whole training.
        epoch_steps: optimizer steps of an epoch.
        lr: learning rate of the last step, of the first parameter group.
        directory: where records and checkpoints are written; None if they are not, as in `Experiment.fit`.
    """

    model: Module
    parameters: list[Parameter]
    optimizer: Optimizer
    schedule: Schedule | None
    loader: DataLoader
    step: int
    steps: int
    epoch_steps: int
    lr: float
    directory: RunDirectory | None

    @property
    def experiment(self) -> ExperimentView:
        """The experiment."""

    @property
    def target(self) -> Target | None:
        """The kind of targets; None before the first step."""

    def stop(self) -> None:
        """End the training after this step.

        The step is validated; the run is then done.
        """

    def interrupt(self) -> None:
        """Interrupt the training after this step, with a checkpoint.

        The run can be resumed from it.
        """

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return the validated weights by name, not copied.

        They are those of the model, or the averages of `trainer.ema`.
        """

    def state(self) -> dict[str, Any]:
        """Return everything that changes during the training, except the weights."""


class Callback:
    """Code that runs at certain points of a training.

    Override the methods of the moments you want. Each receives the training (see `TrainingView`). The attributes of a
    callback are part of the checkpoints, so that a resumed run finds them as they were.
    """

    def on_train_start(self, training: TrainingView) -> None:
        """Before the first step, also after a resume."""

    def on_before_optimizer_step(self, training: TrainingView) -> None:
        """After the backward pass, before the update.

        The gradients are finite and clipped; the weights have not changed yet.
        """

    def on_step_end(self, training: TrainingView) -> None:
        """After each optimizer step, which `training.step` already counts."""

    def on_epoch_end(self, training: TrainingView) -> None:
        """After the last step of each epoch, before its validation."""

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """After each record, with its values by name.

        Those of a validation are among them if there was one.
        """

    def on_validation_end(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """After each validation, with its values by name.

        Those of training since the last record are among them.
        """

    def on_train_end(self, training: TrainingView, results: Mapping[str, Any]) -> None:
        """After the last step and the test, with the results.

        It is not called if the training was interrupted.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return the attributes for a checkpoint, without constructor arguments.

        Override it, and leave out every attribute that is not a number, a text, an array, or a list or dict of those.
        """
        return kept(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        vars(self).update(state_dict)


Hooks = dict[str, list[Callable[..., None]]]


def hooks_of(callbacks: Sequence[Callback]) -> Hooks:
    """Return the overridden methods of callbacks by event.

    A step then has no overhead for others.
    """
    events = [name for name in vars(Callback) if name.startswith("on_")]
    return {event: [getattr(c, event) for c in callbacks if _overrides(c, event)] for event in events}


def _overrides(callback: Callback, event: str) -> bool:
    return getattr(getattr(callback, event), "__func__", None) is not getattr(Callback, event)
