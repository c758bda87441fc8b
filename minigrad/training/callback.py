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
from minigrad.runs.state import saved_attributes
from minigrad.targets import Target
from minigrad.training.monitor import Mode


class ExperimentView(Protocol):
    """The parts of an experiment that a callback may read.

    Attributes:
        facts: values of the data that the config refers to, by name, such as `num_features`.
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
        model: the model, in training mode except in `on_train_end`.
        parameters: all parameters of the model, including those without gradients.
        optimizer: its `param_groups` hold the learning rates.
        schedule: sets the learning rate after each step; None if the experiment has no schedule.
        loader: the batches of the training examples.
        step: optimizer steps done.
        steps: optimizer steps of the whole training.
        epoch_steps: optimizer steps per epoch.
        lr: learning rate of the first parameter group in the last step.
        directory: the run that gets records and checkpoints; None if nothing is written, as in `Experiment.fit`.
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

        The step is validated, and the run gets the status `done`.
        """

    def interrupt(self) -> None:
        """Interrupt the training after this step, with a checkpoint.

        The run can be resumed from it.
        """

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return the validated weights by name, not copied.

        These are the model's weights, or their averages if `trainer.ema` is set.
        """

    def state(self) -> dict[str, Any]:
        """Return everything that changes during the training, except the weights."""


class Callback:
    """Code that runs at certain points of a training.

    Override the methods you need. Each receives the training (see `TrainingView`). Checkpoints include the attributes
    of the callbacks, and a resumed run restores them.
    """

    def on_train_start(self, training: TrainingView) -> None:
        """Before the first step, also after a resume."""

    def on_before_optimizer_step(self, training: TrainingView) -> None:
        """After the backward pass, before the update.

        The gradients are finite and clipped; the weights have not changed yet.
        """

    def on_step_end(self, training: TrainingView) -> None:
        """After each optimizer step; `training.step` already counts it."""

    def on_epoch_end(self, training: TrainingView) -> None:
        """After the last step of each epoch, before its validation."""

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """After each record, with its values by name.

        If the step was validated, the validation values are included.
        """

    def on_validation_end(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """After each validation, with its values by name.

        The training values since the last record are included.
        """

    def on_train_end(self, training: TrainingView, results: Mapping[str, Any]) -> None:
        """After the last step and the test, with the results.

        Not called if the training was interrupted.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return the attributes for a checkpoint, without constructor arguments.

        Override this method to leave out attributes that are not numbers, strings, arrays, or lists or dicts of those.
        """
        return saved_attributes(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        vars(self).update(state_dict)


Hooks = dict[str, list[Callable[..., None]]]


def hooks_of(callbacks: Sequence[Callback]) -> Hooks:
    """Return the overridden methods of callbacks by event.

    Methods that are not overridden then cost a step nothing.
    """
    events = [name for name in vars(Callback) if name.startswith("on_")]
    return {event: [getattr(c, event) for c in callbacks if _overrides(c, event)] for event in events}


def _overrides(callback: Callback, event: str) -> bool:
    return getattr(getattr(callback, event), "__func__", None) is not getattr(Callback, event)
