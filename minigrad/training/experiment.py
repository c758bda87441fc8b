"""Experiments, and how to build them from configs."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

from minigrad import data, metrics, nn, optim
from minigrad.config import ConfigError, Plan, Registry, load_plan
from minigrad.config.code import code_of
from minigrad.config.shipped import shipped_folder
from minigrad.config.sources import VERSION
from minigrad.data import DataLoader, Dataset
from minigrad.data.files import Files, looking_in, noting
from minigrad.data.folds import Fold, FoldError, folding
from minigrad.engine import random
from minigrad.metrics import Metric
from minigrad.nn import Adapter, Loss, Module
from minigrad.nn.patterns import as_patterns
from minigrad.notebook import in_notebook
from minigrad.optim import Optimizer, Schedule
from minigrad.runs.directory import RunDirectory
from minigrad.runs.files import RunError, read_facts
from minigrad.suggest import did_you_mean
from minigrad.training import csv_log, plateau, tensorboard
from minigrad.training.callback import Callback
from minigrad.training.closing import Closing
from minigrad.training.fine_tuning import prepare
from minigrad.training.fingerprint import data_digests
from minigrad.training.history import History, Recorder
from minigrad.training.monitor import Mode
from minigrad.training.plateau import ReduceLROnPlateau
from minigrad.training.preflight import Fault
from minigrad.training.progress import RecordedProgress
from minigrad.training.trainer import Trainer, Training
from minigrad.training.weights import Weights

KINDS: dict[str, type] = {
    "Module": Module,
    "Loss": Loss,
    "Dataset": Dataset,
    "Augmentation": data.Augmentation,
    "Sampler": data.Sampler,
    "Optimizer": Optimizer,
    "Schedule": Schedule,
    "Metric": Metric,
    "Callback": Callback,
    "Adapter": Adapter,
}
"""The base classes of everything that a config can name; your own classes are subclasses of one of these."""


_LONGEST_NAME = 255  # bytes, the limit of most file systems
IN_PYTHON = "# Put together in Python: the data, the model, the loss and the optimizer cannot be written here."
"""The header of a run's config if the experiment was not built from a config."""

Option = str | bool | int | float | list[str] | list[float] | None
"""A value in a group of parameters: an option of the optimizer, or patterns."""


class UsageError(ValueError):
    """A request that cannot be met, with the possible ones."""


class ExperimentError(ValueError):
    """Parts of an experiment that do not fit together.

    Attributes:
        faults: the errors, each with its path in a config.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass
class Experiment:
    """A model and everything its training takes.

    The fields are the top-level keys of a config.

    Args:
        name: the name of the run's directory: letters, digits, `.`, `_` and `-`.
        data: training, validation and test examples.
        model: maps a batch of inputs to outputs.
        loss: a function of outputs and targets, with a mean or sum over the batch.
        optimizer: a factory, called with the parameters.
        seed: the seed of all random numbers: initial weights, shuffling, dropout, data splits.
        loader: a factory, called with the training examples.
        metrics: measures besides the loss.
        schedule: a factory, called with the optimizer; it sets the learning rate.
        trainer: how long to train, how often to validate, when to stop.
        callbacks: code that runs at certain points of the training.
        weights: initial weights, from a run, a `.safetensors` file or a Hugging Face folder; random by default.
        freeze: patterns of parameters that are not trained (see `minigrad.nn.freeze`).
        groups: options of the optimizer for some parameters: `{match: "*.bias", weight_decay: 0}` (see
            `minigrad.nn.parameter_groups`).
        adapters: weights that are trained and saved instead of the model's own.
        fold: [i, k] splits the examples outside the test set into k parts, validates on the i-th and trains on the
            others.

    Attributes:
        files: the files that the data was read from, by name. The attributes are not keys of a config.
        facts: values of the data that the config refers to, by name.
        plan: the config; None if the experiment was not built from one.
        start: the origin of each parameter's initial value.

    Raises:
        ExperimentError: if the name is not a valid directory name, the loss is not a function of outputs and targets,
            two metrics have the same name, a monitored value is not measured, weights do not fit the model, or a
            pattern matches nothing.
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
    weights: Path | Weights | None = None
    freeze: list[str] = field(default_factory=list)
    groups: list[dict[str, Option]] = field(default_factory=list)
    adapters: Adapter | None = None
    fold: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.files = Files()
        self.facts: dict[str, Any] = {}
        self.plan: Plan | None = None
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            rule = "use letters, digits, '.', '_' and '-'"
            raise ExperimentError(Fault("name", f"{self.name!r} cannot name a directory: {rule}"))
        if (size := len(self.name.encode())) > _LONGEST_NAME:
            message = f"a name of {size} bytes cannot name a directory: use {_LONGEST_NAME} at most"
            raise ExperimentError(Fault("name", message))
        takes = signature(self.loss.forward)
        try:
            takes.bind("outputs", "targets")
        except TypeError:
            message = (
                f"{type(self.loss).__name__} compares {', '.join(takes.parameters)}, and a training gives it outputs"
            )
            remedy = "call it in the forward(input, target) of a Loss of your own, which says what they are"
            raise ExperimentError(Fault("loss", f"{message} and targets", remedy)) from None
        names = [metric.name for metric in self.metrics]
        for i, name in enumerate(names):
            if name in names[:i]:
                twice = f"two metrics are named {name!r}: only one could be shown"
                raise ExperimentError(Fault(f"metrics.{i}", twice))
        plateaus = {f"callbacks.{i}": c for i, c in enumerate(self.callbacks) if isinstance(c, ReduceLROnPlateau)}
        keys = {"trainer.checkpoint": self.trainer.checkpoint, "trainer.early_stopping": self.trainer.early_stopping}
        for key, setting in {**keys, **plateaus}.items():
            if setting is not None and setting.monitor not in self.measured:
                raise ExperimentError(Fault(f"{key}.monitor", *self._unmeasured(setting.monitor)))
        if plateaus and self.schedule is not None:
            both = "a schedule sets the rate at every step: leave one of the two out"
            raise ExperimentError(Fault(min(plateaus), both))
        as_patterns("freeze", self.freeze)
        self.start = prepare(self, self.trainer.recompute)
        if self.start.faults:
            raise ExperimentError(*self.start.faults)

    @property
    def measured(self) -> dict[str, Mode]:
        """The names that can be monitored, with their better direction."""
        modes: dict[str, Mode] = {"loss": "min"}
        modes |= {m.name: "max" if m.higher_is_better else "min" for m in self.metrics if m.is_number}
        return {f"{part}/{name}": mode for part in ("train", "val") for name, mode in modes.items()}

    def _unmeasured(self, monitor: str) -> tuple[str, str]:
        """Return why a name cannot be monitored, and the names that can."""
        tables = [metric.name for metric in self.metrics if not metric.is_number]
        hint = did_you_mean(monitor, self.measured, "it measures")
        if monitor.rpartition("/")[2] in tables:
            return f"{monitor!r} is a table, not a number that gets better", hint
        return f"this run does not measure {monitor!r}", hint

    def fit(self, run_dir: str | Path | None = None) -> History:
        """Train the model, and return the results and records.

        The model has its best weights afterwards; see `Training.run`. A notebook shows a progress bar. If
        `schedule_warning` finds a mismatch, it is issued as a warning.

        Args:
            run_dir: a new or empty directory for the files of the run, such as `runs/digits/0001`; by default nothing
                is written. The files are those of `minigrad train`. The config of an experiment created in Python has
                only its name and seed; load its weights with `load_state_dict`.

        Raises:
            RunError: if `run_dir` is not empty.
            OSError: if `run_dir` cannot be created or written.
            ValueError: as for `Training`.
            TrainingError: as for `Training.run`.
        """
        training = Training(self)
        if warning := schedule_warning(training):
            warnings.warn(warning, stacklevel=2)
        if not in_notebook():
            return self._fit(training, run_dir, Recorder())
        progress = RecordedProgress(training.steps)
        try:
            return self._fit(training, run_dir, progress)
        finally:
            progress.close()

    def _fit(self, training: Training, run_dir: str | Path | None, recorder: Recorder | RecordedProgress) -> History:
        if run_dir is None:
            return History(training.run(progress=recorder), recorder.records, None)
        if self.plan is not None:
            settle(self.plan, training)
        digests = data_digests(self.data, self.files)
        config = self._python_config() if self.plan is None else self.plan.to_yaml()
        facts: dict[str, Any] = {"arguments": [], "seed": self.seed, "code": code_of(self._classes())}
        directory = RunDirectory.create_at(Path(run_dir), config, digests=digests, **facts)
        with directory.locked(), Closing(training, directory) as closing:
            closing.results = training.run(directory, recorder)
        return History(closing.results, recorder.records, directory.path)

    def _python_config(self) -> str:
        return f"{IN_PYTHON}\nversion: {VERSION}\nname: {self.name}\nseed: {self.seed}\n"

    def _classes(self) -> list[type]:
        if self.plan is not None:
            return self.plan.classes()
        parts = [self.data, self.loss, *self.metrics, *self.callbacks, *self.model.modules()]
        return [type(part) for part in parts]


def settle(plan: Plan, training: Training) -> None:
    """Write the defaults that depend on sizes into a plan.

    They are the numbers of shards and BLAS threads.
    """
    plan.settle("trainer.shards", training.shards.count)
    plan.settle("trainer.blas_threads", training.blas_threads)


def schedule_warning(training: Training) -> str:
    """Describe a mismatch between schedule and run length.

    The text is empty if there is none.

    A schedule may be longer than the run, as in a run that was shortened as a trial, or reach a learning rate of 0
    long before the end.
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
    """Return the experiment that a config describes: `load("configs/x.yaml").fit()`.

    Args:
        path: the YAML file; if it does not exist, a config of this name that ships with minigrad, such as
            `configs/xor.yaml`.
        overrides: as on the command line: `["optimizer.lr=1e-3"]`.
        home: the folder whose `models/` has classes that the config may name.

    Raises:
        ConfigError: with all mistakes and their places.
    """
    path = Path(path)
    if not path.exists() and (ours := shipped_folder("configs").parent / path).is_file():
        path = ours
    return build(load_plan(path, Experiment, known_classes(home), overrides))


def known_classes(
    home: str | Path = ".", packages: Sequence[str] = (), run: Path | None = None, trust: bool = False
) -> Registry:
    """Return the classes that a config may name.

    These are minigrad's own classes, those in `models/` of `home`, those of `packages`, and those in the `models/` that
    ship with minigrad, unless another class has the same name.

    Args:
        home: the folder that has `models/`.
        packages: modules by their dotted names.
        run: the directory of the run that the config belongs to; classes in its `code/` take precedence.
        trust: whether to run files in `code/` that are identical to none in the two `models/` folders.

    Raises:
        ConfigError: if a package cannot be imported.
    """
    registry = Registry(KINDS, [nn, optim, data, metrics, plateau, tensorboard, csv_log])
    own, ours = Path(home) / "models", shipped_folder("models")
    if run is not None:
        registry.add_code(run / "code", [own, ours], trust)
        with suppress(RunError):  # reported elsewhere; here it would cost only a hint
            for name in read_facts(run).get("packages", ()):
                registry.add_hint(f"this run was trained with --import {name}")
    registry.add_folder(own, lower=run is not None)
    for package in packages:
        registry.add_package(package)
    registry.add_folder(ours, lower=True, package="minigrad")
    return registry


@contextmanager
def building(plan: Plan) -> Iterator[Fold | None]:
    """Provide seed, fold and data folders for building a plan.

    Within the block, the resolved paths of data and weights are written into the plan, and so into the run's config.

    Yields:
        The fold, if the plan has one.

    Raises:
        ConfigError: if the seed is out of range, or the fold does not exist.
    """
    try:
        place = random.at(seed=plan["seed"])
    except ValueError as error:
        raise plan.error("seed", str(error)) from error
    try:
        fold = nullcontext() if plan["fold"] is None else folding(*plan["fold"])
        with place, fold as taken, looking_in(plan.folders) as found:
            yield taken
    except FoldError as error:
        raise plan.error("fold", str(error)) from error
    for key in ("data", "weights"):
        plan.replace(key, found)


def build(
    plan: Plan, data: Dataset | None = None, facts: Mapping[str, Any] | None = None, reads_weights: bool = True
) -> Experiment:
    """Build a plan under its own seed.

    The seed determines the initial weights and the data splits.

    Args:
        plan: the config.
        data: replaces the data of the plan, as for a run whose data files are missing.
        facts: values of the data that the plan refers to, by name; by default they are read from the data.
        reads_weights: whether to read the file of initial weights; False if a checkpoint will replace all of them.

    Raises:
        ConfigError: with the place of each part that cannot be built.
    """
    try:
        with building(plan) as fold, noting() as files:
            given: dict[str, Any] = {} if data is None else {"data": data}
            given |= {} if reads_weights else {"weights": None}
            experiment: Experiment = plan.build(given=given, facts={"data": facts or {}})
        if fold is not None and data is None and not fold.used:
            message = f"{plan['data'].__name__} has its own validation set, and cannot be divided into folds"
            raise plan.error("fold", message, "leave it out")
        known = {name: getattr(experiment.data, name) for name in plan.facts("data") if name not in (facts or {})}
        experiment.files, experiment.facts, experiment.plan = files, {**(facts or {}), **known}, plan
        return experiment
    except ConfigError as error:
        if isinstance(error.__cause__, ExperimentError):
            raise plan.errors(error.__cause__.faults) from error
        raise
