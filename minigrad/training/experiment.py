"""An experiment: the parts of one training, under the names that a config gives them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any

from minigrad import data, nn, optim
from minigrad.config import ConfigError, Plan, Registry, load_plan
from minigrad.data import DataLoader, Dataset
from minigrad.engine import random
from minigrad.nn import Loss, Module
from minigrad.optim import Optimizer, Schedule
from minigrad.training import callbacks, metrics
from minigrad.training.callback import Callback
from minigrad.training.callbacks import ReduceLROnPlateau
from minigrad.training.metrics import Metric
from minigrad.training.monitor import Mode
from minigrad.training.settings import Trainer
from minigrad.training.trainer import Training

KINDS: dict[str, type] = {
    "Module": Module,
    "Loss": Loss,
    "Dataset": Dataset,
    "Optimizer": Optimizer,
    "Schedule": Schedule,
    "Metric": Metric,
    "Callback": Callback,
}
"""What a class can be that a config names; the class of a layer of one's own is a subclass of one of these."""


class UsageError(ValueError):
    """Something asked for on the command line that is not there: what, and what is."""


class ExperimentError(ValueError):
    """A part of an experiment that does not fit the rest; `path` is where it stands in a config."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass
class Experiment:
    """What is trained, on what, how. Its fields are the top-level keys of a config.

    Args:
        name: names the run's directory: letters, digits, `.`, `_` and `-`.
        data: training, validation and test examples.
        model: what is trained.
        loss: the mean over a batch of how wrong the model is: a function of outputs and targets.
        optimizer: gets the parameters.
        seed: decides every random number: initial weights, order of the examples, dropout, splits of the data.
        loader: gets the training examples.
        metrics: what is measured besides the loss.
        schedule: gets the optimizer, whose learning rate it sets.
        trainer: how long, how often, and when to stop.
        callbacks: what is done besides at the moments of the training.

    Raises: ExperimentError if the name cannot name a directory, the loss is no function of outputs and targets, two
        metrics have one name, or something is monitored that is not measured.
    """

    name: str
    data: Dataset
    model: Module
    loss: Loss
    optimizer: Callable[[Any], Optimizer]
    seed: int = 0
    loader: Callable[[Any], DataLoader] = DataLoader
    metrics: list[Metric] = field(default_factory=list)
    schedule: Callable[[Any], Schedule] | None = None
    trainer: Trainer = field(default_factory=Trainer)
    callbacks: list[Callback] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            rule = "use letters, digits, '.', '_' and '-'"
            raise ExperimentError("name", f"{self.name!r} cannot name a directory: {rule}")
        takes = signature(self.loss.forward)
        try:
            takes.bind("outputs", "targets")
        except TypeError:
            message = (
                f"{type(self.loss).__name__} compares {', '.join(takes.parameters)}, and a training gives it outputs"
            )
            remedy = "call it in the forward(input, target) of a Loss of your own, which says what they are"
            raise ExperimentError("loss", f"{message} and targets; {remedy}") from None
        names = [metric.name for metric in self.metrics]
        for i, name in enumerate(names):
            if name in names[:i]:
                raise ExperimentError(f"metrics.{i}", f"two metrics are named {name!r}: only one could be shown")
        plateaus = {f"callbacks.{i}": c for i, c in enumerate(self.callbacks) if isinstance(c, ReduceLROnPlateau)}
        keys = {"trainer.checkpoint": self.trainer.checkpoint, "trainer.early_stopping": self.trainer.early_stopping}
        for key, setting in {**keys, **plateaus}.items():
            if setting is not None and setting.monitor not in self.measured:
                raise ExperimentError(f"{key}.monitor", self._unmeasured(setting.monitor))
        if plateaus and self.schedule is not None:
            raise ExperimentError(min(plateaus), "a schedule sets the rate at every step: leave one of the two out")

    @property
    def measured(self) -> dict[str, Mode]:
        """The names that can be monitored, each with its better direction."""
        modes: dict[str, Mode] = {"loss": "min"}
        modes |= {m.name: "max" if m.higher_is_better else "min" for m in self.metrics if m.is_number}
        return {f"{part}/{name}": mode for part in ("train", "val") for name, mode in modes.items()}

    def _unmeasured(self, monitor: str) -> str:
        """Says why this name cannot be monitored, and which can."""
        tables = [metric.name for metric in self.metrics if not metric.is_number]
        if monitor.rpartition("/")[2] in tables:
            message = f"{monitor!r} is a table, not a number that gets better; "
        else:
            near = get_close_matches(monitor, self.measured, n=1)
            message = f"this run does not measure {monitor!r}; " + (f"did you mean {near[0]!r}?  " if near else "")
        return f"{message}it measures: {', '.join(self.measured)}"

    def fit(self) -> dict[str, Any]:
        """Trains the model, which then has its best weights, and returns the results (see `Training.run`).

        Nothing is written: run directories are the command line's. Warns as `schedule_warning` says.

        Raises: as `Training` and `Training.run`.
        """
        training = Training(self)
        if warning := schedule_warning(training):
            warnings.warn(warning, stacklevel=2)
        return training.run()


def schedule_warning(training: Training) -> str:
    """Returns what is odd about the length of a schedule beside that of the run; nothing where they fit.

    It may rise or fall for longer than there are steps, as in a run that was made short to try it, or have come to a
    rate of 0 long before the end.
    """
    schedule, steps = training.schedule, training.steps
    if schedule is None:
        return ""
    own = training.optimizer.param_groups[0]["initial_lr"]
    for name in ("warmup_steps", "total_steps", "total_iters", "T_max", "step_size"):
        length = getattr(schedule, name, None) or 0
        too_long = f"schedule.{name} is {length}, and the run has {steps} steps: the learning rate"
        if name == "warmup_steps" and length >= steps:
            return f"{too_long} rises to {schedule.lr(own, steps - 1):.3g} only"
        if length > steps:
            return f"{too_long} ends at {schedule.lr(own, steps - 1):.3g}, before the schedule does"
        if name == "total_steps" and 0 < length < steps and schedule.lr(own, length) == 0:
            return f"schedule.total_steps is {length}, and the run has {steps} steps: it learns nothing after that"
    return ""


def load(path: str | Path, overrides: Sequence[str] = (), home: str | Path = ".") -> Experiment:
    """Returns the experiment that a config describes, built and ready: `load("configs/x.yaml").fit()`.

    Args:
        path: the YAML file.
        overrides: as on the command line: `["optimizer.lr=1e-3"]`.
        home: the folder whose `models/` has classes that the config may name.

    Raises: ConfigError, whose text says all that is wrong and where.
    """
    return build(load_plan(path, Experiment, known_classes(home), overrides))


def known_classes(home: str | Path = ".", packages: Sequence[str] = ()) -> Registry:
    """Returns the classes that a config may name: minigrad's own, those in `home`'s `models/`, and those of `packages`.

    Raises: ConfigError if a package cannot be imported.
    """
    registry = Registry(KINDS, [nn, optim, data, metrics, callbacks])
    registry.add_folder(Path(home) / "models")
    for package in packages:
        registry.add_package(package)
    return registry


def set_seed(plan: Plan) -> None:
    """Begins all streams of random numbers with the seed of a plan. Raises: ConfigError if it is out of range."""
    try:
        random.seed(plan["seed"])
    except ValueError as error:
        raise plan.error("seed", str(error)) from error


def build(plan: Plan, learned: Mapping[str, Any] | None = None) -> Experiment:
    """Builds a plan under its own seed, which decides the initial weights and the splits of the data.

    Args:
        plan: the config.
        learned: the `state_dict` of the data of a run, which the data takes over before the model asks it for sizes.

    Raises: ConfigError with the place of what cannot be built.
    """
    set_seed(plan)
    given = {}
    if learned:
        given["data"] = plan.build("data")
        given["data"].load_state_dict(learned)
    try:
        return plan.build(given=given)
    except ConfigError as error:
        if isinstance(error.__cause__, ExperimentError):
            message, _, remedy = str(error.__cause__).partition("; ")
            raise plan.error(error.__cause__.path, message, remedy) from error
        raise
