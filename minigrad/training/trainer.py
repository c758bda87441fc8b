"""The training loop and its settings."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from math import ceil, inf, isfinite
from typing import Any, Literal, Protocol

import numpy as np

from minigrad.arguments import as_choice, as_flag, as_integer, as_number
from minigrad.data import Batch, DataLoader, Dataset, Examples
from minigrad.engine import CompileError, random
from minigrad.engine.block import within
from minigrad.metrics import MetricCollection
from minigrad.nn.lora import BaseDigests, load_saved_state
from minigrad.nn.patterns import as_patterns, parameter_groups
from minigrad.optim import Optimizer, Schedule, clip_grad_norm_
from minigrad.parallel import Ranks, blas_threads
from minigrad.runs.directory import RunDirectory
from minigrad.training.callback import Callback, ExperimentView, hooks_of
from minigrad.training.callbacks import BestWeights, Checkpoints, EarlyStopper, MetricsLog
from minigrad.training.divergence import NonFiniteLossError, TrainingError, divergence, symptom
from minigrad.training.ema import EMA
from minigrad.training.feed import feed
from minigrad.training.monitor import Checkpoint, EarlyStopping
from minigrad.training.placement import shards_on_device, training_on_device
from minigrad.training.preflight import Preflight
from minigrad.training.sharding import shards_and_threads
from minigrad.training.state import TrainingState
from minigrad.training.step import TrainStep, evaluate, gather_into

VERIFY_STEPS = 1000
"""Optimizer steps between checks that all ranks have the same weights."""


@dataclass(frozen=True)
class Trainer:
    """The settings of a training: length, validation, early stopping.

    Args:
        max_epochs: passes over the training examples; 10 if `max_steps` is not given either.
        max_steps: optimizer steps; the training ends at the first of the two limits.
        accumulate: batches per step, with gradients averaged over all their examples; the last step of an epoch may
            have fewer.
        shards: parts of a batch that are computed separately, on as many threads as are available. Their gradients are
            summed in order, so that rounding depends on `shards` but not on the threads. By default 2 for a large step,
            otherwise 1, or if a layer depends on the whole batch.
        reduce: how ranks sum gradients: `ordered`, bit for bit the same on any number of ranks, or `fast`, in the order
            that MPI prefers. It has no effect on a single process.
        blas_threads: threads of each matrix product, which affect rounding. By default 1, or 2 if a step is neither
            divided nor small.
        compile: record the operations of a step once and then replay them (`minigrad.compile`): bit for bit the same
            results, and less overhead for small networks.
        val_every: steps between validations, by default an epoch. The last step is always validated.
        log_every: steps between records of the training loss, metrics and learning rate.
        grad_clip: the largest norm of all gradients together; larger gradients are scaled down to it.
        on_nan: what happens at a loss or gradient that is not finite: `stop` ends the run, `skip` skips the update and
            counts it.
        ema: the decay of an exponential moving average of the weights (see `minigrad.training.EMA`), which is validated
            and saved as `best` in place of the weights.
        recompute: patterns of layers whose results are recomputed in the backward pass instead of saved (see
            `minigrad.nn.recompute`).
        device: the device of the training: "cpu", "cuda" for a GPU with CuPy, or one of `minigrad.devices.register`;
            the model is moved back to the CPU afterwards.
        early_stopping: ends the training when a monitored value no longer improves.
        checkpoint: which weights are the best, and how often the run is saved.

    Raises:
        ValueError: for a number out of range or an unknown word.
        TypeError: for a value of the wrong type.
    """

    max_epochs: int | None = None
    max_steps: int | None = None
    accumulate: int = 1
    shards: int | None = None
    reduce: Literal["ordered", "fast"] = "ordered"
    blas_threads: int | None = None
    compile: bool = False
    val_every: int | None = None
    log_every: int = 50
    grad_clip: float | None = None
    on_nan: Literal["stop", "skip"] = "stop"
    ema: float | None = None
    recompute: list[str] = field(default_factory=list)
    device: str = "cpu"
    early_stopping: EarlyStopping | None = None
    checkpoint: Checkpoint = field(default_factory=Checkpoint)

    def __post_init__(self) -> None:
        for name in ("max_epochs", "max_steps", "accumulate", "shards", "blas_threads", "val_every", "log_every"):
            value = getattr(self, name)
            if value is not None or name in ("accumulate", "log_every"):
                as_integer(name, value, at_least=1)
        if self.grad_clip is not None:
            as_number("grad_clip", self.grad_clip, above=0, finite=False)
        if self.ema is not None:
            as_number("ema", self.ema, above=0, below=1)
        as_choice("reduce", self.reduce, ("ordered", "fast"))
        as_choice("on_nan", self.on_nan, ("stop", "skip"))
        as_flag("compile", self.compile)
        as_patterns("recompute", self.recompute)
        for name, kind in (("early_stopping", EarlyStopping | None), ("checkpoint", Checkpoint)):
            if not isinstance(value := getattr(self, name), kind):
                raise TypeError(f"{name} must be {name.title().replace('_', '')}(...), got {value!r}")

    def steps(self, epoch_steps: int) -> int:
        """Return the optimizer steps of a training.

        Its epochs have `epoch_steps` each.
        """
        if self.max_epochs is None and self.max_steps is not None:
            return self.max_steps
        steps = (self.max_epochs or 10) * epoch_steps
        return steps if self.max_steps is None else min(steps, self.max_steps)

    def limit(self, steps: int) -> str:
        """Return the setting that ends a training after `steps`.

        An example is `trainer.max_epochs=10`.
        """
        is_steps = steps == self.max_steps
        return f"trainer.max_steps={steps}" if is_steps else f"trainer.max_epochs={self.max_epochs or 10}"

    def remedies(self) -> list[str]:
        """Return unused settings that help against divergence."""
        clip = ["trainer.grad_clip=1.0"] if self.grad_clip is None else []
        return ["a smaller optimizer.lr", *clip, *(["trainer.on_nan=skip"] if self.on_nan == "stop" else [])]


class Setup(ExperimentView, Protocol):
    """The parts of an experiment that a training takes."""

    schedule: Callable[[Any], Schedule] | None
    trainer: Trainer
    callbacks: list[Callback]
    groups: list[dict[str, Any]]

    def optimizer(self, parameters: Any, /) -> Optimizer:
        """Make the optimizer of the parameters."""

    def loader(self, examples: Any, /) -> DataLoader:
        """Make the loader of the training examples."""


_seeded = partial(within, lambda self, *_, **__: random.at(self.step, seed=self.seed))
"""A decorator for methods of `Training`: random numbers come from the experiment's seed and the current step."""


class Training(TrainingState):
    """One training of an experiment, and its progress.

    `step` counts the optimizer steps done, including those whose update was skipped; the epoch and the position in it
    follow from it. Everything that changes is in the model's `state_dict()` and in `state()`; checkpoints hold both.

    Args:
        experiment: the experiment to train.
        threads: the number of shards computed in parallel, by default the number of cores. Does not affect results.
        ranks: the processes that train this model together; by default only this one.

    Raises:
        ValueError: if the loader does not fit the data, or the shards do not fit the batches or the ranks.
    """

    def __init__(self, experiment: Setup, threads: int | None = None, ranks: Ranks | None = None) -> None:
        self.experiment = experiment
        self.settings = settings = experiment.trainer
        self.seed, self.named_callbacks = experiment.seed, experiment.callbacks
        self.model, self.loss = experiment.model, experiment.loss
        self.parameters = list(self.model.parameters())
        self.loss.balance(experiment.data.train.targets, len(experiment.data.class_names) or None)
        self.preflight = Preflight(experiment, skips_nan=settings.on_nan == "skip")
        with random.at(seed=self.seed):
            self.loader = experiment.loader(experiment.data.train)
            groups = parameter_groups(self.model, experiment.groups) if experiment.groups else self.parameters
            self.optimizer = experiment.optimizer(groups)
            self.schedule = experiment.schedule(self.optimizer) if experiment.schedule else None
        self.epoch_steps = ceil(len(self.loader) / settings.accumulate)
        self.steps = settings.steps(self.epoch_steps)
        self.limit = settings.limit(self.steps)
        self.val_every, self.ranks = settings.val_every or self.epoch_steps, ranks or Ranks()
        batch_size, given = self.loader.batch_size, (shards_on_device(settings, self.ranks), settings.blas_threads)
        shards, self.blas_threads = shards_and_threads(self.model, self.loss, experiment.data.train, batch_size, *given)
        self.shards = self.ranks.shards(shards, threads, self.parameters, settings.reduce == "ordered")
        self.options = [{k: v for k, v in group.items() if k != "params"} for group in self.optimizer.param_groups]
        if getattr(self.schedule, "total_steps", 0) is None:
            setattr(self.schedule, "total_steps", self.steps)  # noqa: B010 - of the schedules that have a length at all
        self.one_step = TrainStep(self.model, self.loss, self.optimizer, self.shards, self.ranks, settings.compile)
        target = partial(experiment.data.target, self.loss.comparison)
        has_units = type(experiment.data).in_units is not Dataset.in_units
        in_units = experiment.data.in_units if has_units else None
        self.metrics = MetricCollection(experiment.metrics, getattr(self.loss, "reduction", "mean"), target, in_units)
        self.average, self.base = EMA(self.model, settings.ema) if settings.ema else None, BaseDigests(self.model)
        self.best = BestWeights(settings.checkpoint, experiment.measured)
        self.stopper = EarlyStopper(stop, experiment.measured) if (stop := settings.early_stopping) else None
        self.checkpoints = Checkpoints(settings.checkpoint.seconds, self.best)
        callbacks = (MetricsLog(), self.best, self.stopper, *experiment.callbacks, self.checkpoints)
        self.callbacks = [callback for callback in callbacks if callback is not None]
        self.hooks = hooks_of(self.callbacks)
        self.directory: RunDirectory | None = None
        self.step, self.skipped, self.lr = 0, 0, 0.0
        self.stopped, self.stopped_by, self.interrupted, self._asked_to_end = False, "", False, False

    @_seeded
    def run(self, directory: RunDirectory | None = None, progress: Callback | None = None) -> dict[str, Any]:
        """Train to the end, and evaluate on the test examples.

        The model has its best weights afterwards, and these are tested.

        BLAS uses `blas_threads` threads during the training, on any machine, because their number affects rounding.

        Args:
            directory: gets the records and the checkpoints.
            progress: a callback that shows the progress.

        Returns:
            `status` ("done" or "interrupted"), `steps`, `skipped` updates if there were any, `best_step`, the
            validation values of the best step, and, when done, the test values. An update is skipped if no target of
            the step counts, or, with `on_nan: skip`, if the loss or a gradient is not finite.

        Raises:
            TrainingError: if the loss or a gradient is not finite.
            OSError: if a checkpoint cannot be written.
        """
        self.directory = directory
        if progress is not None:
            self.hooks = hooks_of([progress, *self.callbacks])
        self.model.train()
        self.ranks.copy(self.model.state_dict())
        threads = blas_threads(self.blas_threads)
        with threads, training_on_device(self), np.errstate(all="ignore"), closing(self.batches()) as batches:
            self.notify("on_train_start")
            while self.step < self.steps and not (self.ended or self.interrupted):
                self.train_step(next(batches))
                self.notify("on_step_end")
                if self.step % self.epoch_steps == 0:
                    self.notify("on_epoch_end")
                validate = self.step % self.val_every == 0 or self.step == self.steps or self.stopped
                if validate or self.step % self.settings.log_every == 0:
                    record = self._record(validate)
                    self.notify("on_log", record)
                    if validate:
                        self.notify("on_validation_end", record)
                self.checkpoints.write_if_due(self)
                if self.step % VERIFY_STEPS == 0:
                    self.ranks.verify(self.model.state_dict())
            results = {"steps": self.step, "best_step": self.best.step, **self.best.values}
            results |= {"skipped": self.skipped} if self.skipped else {}
            if self.interrupted:
                if directory is not None:
                    self.checkpoints.write(self, directory)
                return {"status": "interrupted", **results}
            load_saved_state(self.model, self.best.weights)
            results |= self.evaluate(self.experiment.data.test, "test")
            self.model.eval()
            self.notify("on_train_end", results)
            return {"status": "done", **results}

    @_seeded
    def train_step(self, batches: Sequence[Batch]) -> None:
        """Do one step on `batches`.

        A step is forward and backward passes, then one update. Gradients are averaged over all examples of the batches.
        The update is skipped if no target counts. Each rank computes its shards; rank 0 collects losses and metrics of
        all ranks.

        Raises:
            TrainingError: if the loss or a gradient is not finite, unless such steps are skipped; if a shard wrote to a
                buffer; if a compiled step did something that cannot be replayed.
        """
        try:
            pieces = self.one_step.gradients(batches, self.step)
        except CompileError as error:
            raise TrainingError(f"at step {self.step + 1}: {error}; trainer.compile=false goes without") from error
        if pieces and not self.preflight.is_done:
            self.preflight.check(pieces[0][2].shape, batches[0][:][0], self.optimizer, self.ranks)
        gather_into(self.metrics, pieces, self.ranks)
        told = self.ranks.allgather((sum([piece[0] for piece in pieces]), len(pieces), self._asked_to_end))
        losses = [loss for loss, _, _ in told]
        self.interrupted |= True in [asked for _, _, asked in told]
        norm = clip_grad_norm_(self.parameters, max_norm := self.settings.grad_clip or inf)
        self.lr = self.optimizer.param_groups[0]["lr"]
        if not any(count for _, count, _ in told):  # as where every target is to be ignored
            self.skipped += 1
        elif isfinite(sum(losses) + norm):
            self.notify("on_before_optimizer_step")
            self.one_step.update(batches, self.step, max_norm)
            if self.average is not None:
                self.average.update()
        elif self.settings.on_nan == "skip":
            self.optimizer.zero_grad()
            self.skipped += 1
        else:
            what = symptom(losses, self.ranks, f"at step {self.step + 1} (epoch {self.step // self.epoch_steps + 1})")
            raise divergence(what, [batch[:][0] for batch in batches], self.model, self.settings.remedies())
        if self.schedule is not None:
            self.schedule.step()
        self.step += 1

    @_seeded
    def evaluate(self, examples: Examples, split: str) -> dict[str, Any]:
        """Return loss and metrics over all `examples`, as `<split>/<name>`.

        The collected loss and metrics of the training are reset.

        Raises:
            TrainingError: if the loss is not finite.
        """
        self.metrics.reset()
        try:
            evaluate(self.model, self.loss, examples, self.loader.batch_size, self.step, self.metrics, self.ranks)
        except NonFiniteLossError as error:
            what = f"the {split} loss became {error.loss} at step {self.step}"
            raise divergence(what, [error.inputs], self.model, self.settings.remedies()) from error
        return self._pop_metrics(split)

    @_seeded
    def batches(self) -> Generator[list[Batch]]:
        """Yield the batches of each step, endlessly.

        The first step is the current one.
        """
        yield from feed(self.loader, self.settings.accumulate, self.step, self.one_step.read)

    def notify(self, event: str, *values: Any) -> None:
        """Call, in order, the callbacks that override an event's method."""
        if hooks := self.hooks[event]:
            with random.at(self.step, seed=self.seed):
                for hook in hooks:
                    hook(self, *values)
                    if self.stopped and not self.stopped_by:
                        self.stopped_by = type(getattr(hook, "__self__", hook)).__name__

    def _record(self, validate: bool) -> dict[str, float]:
        """Return the training values since the last record, and validation values if requested."""
        record = {"step": self.step, "epoch": self.step / self.epoch_steps, "lr": self.lr, **self._pop_metrics("train")}
        if self.settings.on_nan == "skip":
            record["skipped"] = self.skipped
        if not validate:
            return record
        with self.average.applied() if self.average is not None else nullcontext():
            return record | self.evaluate(self.experiment.data.val, "val")

    def _pop_metrics(self, split: str) -> dict[str, Any]:
        """Return the metrics of rank 0, and reset them."""
        values = self.ranks.broadcast(self.metrics.compute(split) if self.ranks.rank == 0 else {})
        self.metrics.reset()
        return values
