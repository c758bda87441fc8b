"""The training loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from math import ceil, inf, isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, filterwarnings

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from minigrad.data import Batch, DataLoader, Examples
from minigrad.engine import CompileError, Tensor, no_grad, random
from minigrad.nn import Module
from minigrad.optim import clip_grad_norm_
from minigrad.parallel import Ranks, keep_freed_memory
from minigrad.training.division import divide
from minigrad.training.gradients import Piece, compiled, gradients
from minigrad.training.guard import TrainingError, divergence
from minigrad.training.metrics import Tally
from minigrad.training.monitor import Best
from minigrad.training.progress import Progress
from minigrad.training.run_directory import RunDirectory
from minigrad.training.state import kept

if TYPE_CHECKING:
    from minigrad.training.experiment import Experiment

_SHARED_BUFFERS = (
    "a layer wrote to a buffer while the batch was divided into {} shards, which share it: say decomposes = False in "
    "the layer's class, or trainer.shards=1"
)

VERIFY_STEPS = 1000
"""Optimizer steps between two looks whether all ranks have the same weights."""

NOTHING = np.zeros(0)
"""Stands for outputs and targets that no metric asks for."""


class Training:
    """One training of an experiment, and where it stands.

    `step` counts the optimizer steps done, those whose update was skipped included; the epoch and the place in it
    follow from it. What changes on the way is in the model's `state_dict()` and in `state()`; checkpoints hold both.

    Args:
        experiment: what is trained.
        threads: how many shards of a step are computed at a time; left out, as many as there are cores. Changes no bit.
        ranks: the processes that train this model together; left out, this one alone.

    Raises: ValueError if the loader does not fit the data, or the shards not the batches or the ranks.
    """

    def __init__(self, experiment: Experiment, threads: int | None = None, ranks: Ranks | None = None) -> None:
        random.seed(experiment.seed)
        self.experiment = experiment
        self.settings = experiment.trainer
        self.callbacks = experiment.callbacks
        self.model = experiment.model
        self.loader = experiment.loader(experiment.data.train)
        self.epoch_steps = ceil(len(self.loader) / self.settings.accumulate)
        self.steps = self.settings.steps(self.epoch_steps)
        shards, self.blas_threads = divide(experiment, min(self.loader.batch_size, len(experiment.data.train)))
        self.parameters = list(self.model.parameters())
        self.ranks = ranks or Ranks()
        self.shards = self.ranks.shards(shards, threads, self.parameters, self.settings.reduce == "ordered")
        self.program = compiled(experiment) if self.settings.compile else None
        self.buffers = _written(self.model) if shards > 1 else {}
        self.val_every = self.settings.val_every or self.epoch_steps
        self.optimizer = experiment.optimizer(self.parameters)
        self.schedule = experiment.schedule(self.optimizer) if experiment.schedule else None
        if getattr(self.schedule, "total_steps", 0) is None:
            setattr(self.schedule, "total_steps", self.steps)  # noqa: B010 - of the schedules that have a length at all
        self.options = [_options(group) for group in self.optimizer.param_groups]
        self.tally = Tally(experiment.metrics, getattr(experiment.loss, "reduction", "mean"))
        self.step = 0
        self.skipped = 0
        self.lr = 0.0
        checkpoint, stopping = self.settings.checkpoint, self.settings.early_stopping
        better = experiment.measured
        self.best = Best(checkpoint.monitor, checkpoint.mode or better[checkpoint.monitor])
        self.stopping: Best | None = None
        if stopping is not None:
            mode = stopping.mode or better[stopping.monitor]
            self.stopping = Best(stopping.monitor, mode, stopping.min_delta, stopping.patience)
        self.best_weights: dict[str, np.ndarray] = {}
        self.best_values: dict[str, float] = {}
        self.stopped = False
        self.interrupted = False
        self._asked_to_end = False
        self.saved_step: int | None = None
        self.directory: RunDirectory | None = None
        self._save_due = monotonic() + self.settings.checkpoint.seconds

    def run(self, directory: RunDirectory | None = None, progress: Progress | None = None) -> dict[str, Any]:
        """Trains to the end, and measures the test examples on the best weights, which stay in the model, in eval mode.

        BLAS has `blas_threads` meanwhile, whatever the machine: with more it would give other bits.

        Args:
            directory: gets the records and the checkpoints.
            progress: is told of every step.

        Returns `status` ("done" or "interrupted"), `steps`, `skipped` updates if there were any, `best_step`, the
        validation values of the best step, and, when done, the test values.

        Raises: TrainingError if the loss or a gradient is not finite; OSError if a checkpoint cannot be written.
        """
        self.directory = directory
        self.model.train()
        self.ranks.copy(self.model.state_dict())
        keep_freed_memory()
        with threadpool_limits(self.blas_threads, "blas"), catch_warnings():
            # the guard tells of what is not finite; np.errstate would cost every operation (3 % of a small step)
            filterwarnings("ignore", ".* encountered in ", RuntimeWarning)
            for callback in self.callbacks:
                callback.on_train_start(self)
            batches = self.batches()
            while self.step < self.steps and not (self.ended or self.interrupted):
                self.train_step(next(batches))
                if progress is not None:
                    progress.advance(self.step)
                self._after_step(progress)
                if self.step % VERIFY_STEPS == 0:
                    self.ranks.verify(self.model.state_dict())
            results = {"steps": self.step, "best_step": self.best.step, **self.best_values}
            if self.skipped:
                results["skipped"] = self.skipped
            if self.interrupted:
                if directory is not None:
                    self.save(directory)
                return {"status": "interrupted", **results}
            self.model.load_state_dict(self.best_weights)
            results |= self.evaluate(self.experiment.data.test, "test")
            self.model.eval()
            for callback in self.callbacks:
                callback.on_train_end(self, results)
            return {"status": "done", **results}

    def interrupt(self) -> None:
        """Ends the training after the step that is under way, with a checkpoint; a signal handler may call it.

        With several ranks it is the step in which all have heard of it.
        """
        self._asked_to_end = True
        self.interrupted = self.ranks.size == 1

    def stop(self) -> None:
        """Ends the training after the step that is under way, which is validated; the run is done then."""
        self.stopped = True

    @property
    def ended(self) -> bool:
        """Whether a callback or early stopping has ended the training."""
        return self.stopped or (self.stopping is not None and self.stopping.out_of_patience)

    def train_step(self, batches: Sequence[Batch]) -> None:
        """Forward, loss and backward for each of `batches`, whose gradients are averaged, and one update.

        Each rank computes its shards; the losses and metrics of all are in the tally of rank 0.

        Raises: TrainingError if the loss or a gradient is not finite, unless it is to be skipped, if a shard wrote to
            what it shares with the others, and if a compiled step turns out not to be what was compiled.
        """
        try:
            pieces = gradients(self.experiment, self.shards, self.ranks, batches, self.step, self.program)
        except CompileError as error:
            raise TrainingError(f"at step {self.step + 1}: {error}; trainer.compile=false goes without") from error
        for piece in self._gather(pieces):
            if isfinite(piece[0]):
                self.tally.add(*piece)
        said = self.ranks.allgather((sum([piece[0] for piece in pieces]), self._asked_to_end))
        losses = [loss for loss, _ in said]
        self.interrupted |= True in [asked for _, asked in said]
        if self.buffers and self.buffers != _written(self.model):
            raise TrainingError(_SHARED_BUFFERS.format(self.shards.count))
        norm = clip_grad_norm_(self.parameters, self.settings.grad_clip or inf)
        self.lr = self.optimizer.param_groups[0]["lr"]
        if isfinite(sum(losses) + norm):
            for callback in self.callbacks:
                callback.on_before_optimizer_step(self)
            self.shards.update(self.optimizer)
        elif self.settings.on_nan == "skip":
            self.skipped += 1
        else:
            raise self._diverged(batches, losses)
        self.optimizer.zero_grad()
        if self.schedule is not None:
            self.schedule.step()
        self.step += 1

    def record(self) -> None:
        """Records the steps of a batch, if they are to be compiled: what cannot be is found before a run begins.

        Raises: CompileError.
        """
        if self.program is not None:
            size = self.loader.batch_size
            for start in (0, size):  # the second batch is computed both ways
                if start + size <= len(self.experiment.data.train):
                    with random.at(0):
                        batch = self.experiment.data.train.batch(slice(start, start + size))
                        self.program.collect(batch, None, {})

    def evaluate(self, examples: Examples, part: str) -> dict[str, Any]:
        """Returns the loss and the metrics over all `examples`, under names that begin with `part`.

        The ranks take the batches in turn. The tally is used for this, and is empty afterwards.

        Raises: TrainingError if the loss is not finite.
        """
        self.model.eval()
        self.tally.reset()
        batch_size = min(self.loader.batch_size, len(examples))
        batches = enumerate(DataLoader(examples, batch_size, shuffle=False).batches(0))
        while turn := list(islice(batches, self.ranks.size)):
            own = turn[self.ranks.rank : self.ranks.rank + 1]
            for piece in self._gather([self._measured(batch, number, part) for number, batch in own]):
                self.tally.add(*piece)
        self.model.train()
        return self._computed(part)

    def batches(self) -> Iterator[list[Batch]]:
        """Yields the batches of each step, from the present step on, without end."""
        while True:
            epoch, done = divmod(self.step, self.epoch_steps)
            batches = self.loader.batches(epoch, done * self.settings.accumulate)
            while step := list(islice(batches, self.settings.accumulate)):
                yield step

    def best_so_far(self) -> dict[str, Any] | None:
        """Returns `monitor`, `mode`, `value` and `step` of the best weights; None before the first validation."""
        names = ("monitor", "mode", "value", "step")
        return {name: getattr(self.best, name) for name in names} if self.best_weights else None

    def state(self) -> dict[str, Any]:
        """Returns all that changes on the way besides the weights, as checkpoints can hold it."""
        epoch, done = divmod(self.step, self.epoch_steps)
        return {
            "step": self.step,
            "steps": self.steps,
            "epoch": epoch,
            "step_in_epoch": done,
            "seed": self.experiment.seed,
            "skipped": self.skipped,
            "lr": self.lr,
            "stopped": self.stopped,
            "optimizer": self.optimizer.state_dict(),
            "options": self.options,
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "tally": {"loss": self.tally.loss, "count": self.tally.count},
            "metrics": {metric.name: kept(metric) for metric in self.tally.metrics},
            "callbacks": [[type(callback).__name__, callback.state_dict()] for callback in self.callbacks],
            "best": {**vars(self.best), "values": self.best_values, "weights": self.best_weights},
            "early_stopping": vars(self.stopping) if self.stopping else None,
        }

    def load_state(self, weights: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Goes on from what `model.state_dict()` and `state()` returned in another training of this experiment.

        Where the experiment is another one, its own options count, and what only one of the two has is left out.

        Raises: ValueError if the model or the optimizer has other parameters.
        """
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(state["optimizer"])
        for group, now, before in zip(self.optimizer.param_groups, self.options, state["options"], strict=True):
            group |= {name: value for name, value in now.items() if before.get(name) != value}
        if self.schedule is not None and state["schedule"] is not None:
            self.schedule.load_state_dict(state["schedule"])
        for name in ("step", "skipped", "lr", "stopped"):
            setattr(self, name, state[name])
        self.tally.loss, self.tally.count = state["tally"]["loss"], state["tally"]["count"]
        for metric in self.tally.metrics:
            vars(metric).update(state["metrics"].get(metric.name, {}))
        for callback, (name, saved) in zip(self.callbacks, state["callbacks"], strict=False):
            if type(callback).__name__ == name:
                callback.load_state_dict(saved)
        if self.best.resume(state["best"]):
            self.best_weights, self.best_values = state["best"]["weights"], state["best"]["values"]
        if self.stopping is not None and state["early_stopping"] is not None:
            self.stopping.resume(state["early_stopping"])

    def save(self, directory: RunDirectory) -> None:
        """Writes `last`, which is all that is needed to go on from here, and `best`, which is a part of it.

        Raises: OSError if they cannot be written.
        """
        directory.save("last", self.model.state_dict(), {**self.state(), "run": directory.state()})
        self.saved_step = self.step
        if self.best_weights and directory.best_step != self.best.step:
            state = {"step": self.best.step, "values": self.best_values, "data": self.experiment.data.state_dict()}
            directory.save("best", self.best_weights, state)
            directory.best_step = self.best.step
        self._save_due = monotonic() + self.settings.checkpoint.seconds

    def _after_step(self, progress: Progress | None) -> None:
        """Records, validates, saves, and tells the callbacks, when it is time for that."""
        for callback in self.callbacks:
            callback.on_step_end(self)
            if self.step % self.epoch_steps == 0:
                callback.on_epoch_end(self)
        validate = self.step % self.val_every == 0 or self.step == self.steps or self.stopped
        if validate or self.step % self.settings.log_every == 0:
            record = self._record(validate)
            if progress is not None:
                progress.report(record)
            if self.directory is not None:
                self.directory.log(record)
            for callback in self.callbacks:
                callback.on_log(self, record)
            if validate:
                self._judge(record)
        if self.directory is not None and (validate or monotonic() >= self._save_due):
            self.save(self.directory)

    def _record(self, validate: bool) -> dict[str, float]:
        """Returns what is logged at this step: the training values since the last record, and perhaps a validation."""
        record = {"step": self.step, "epoch": self.step / self.epoch_steps, "lr": self.lr}
        record |= self._computed("train")
        if self.settings.on_nan == "skip":
            record["skipped"] = self.skipped
        return record | self.evaluate(self.experiment.data.val, "val") if validate else record

    def _judge(self, record: dict[str, float]) -> None:
        """Takes the record of a validation: the weights may be the best so far, or too long not have become better."""
        if self.best.update(record, self.step):
            self.best_weights = {name: array.copy() for name, array in self.model.state_dict().items()}
            self.best_values = {name: value for name, value in record.items() if name.startswith("val/")}
        if self.stopping is not None:
            self.stopping.update(record, self.step)
        for callback in self.callbacks:
            callback.on_validation_end(self, record)

    def _measured(self, batch: Batch, number: int, part: str) -> Piece:
        """Returns what the model, in eval mode, makes of a batch. Raises: TrainingError if the loss is not finite."""
        inputs, targets = batch[:]
        with no_grad(), random.at(self.step, number):
            outputs = self.model(Tensor(inputs))
            count = self.experiment.loss.count(targets)
            loss = self.experiment.loss(outputs, Tensor(targets)).item() if count else 0.0
        if not isfinite(loss):
            what = f"the {part} loss became {loss} at step {self.step}"
            raise divergence(what, [inputs], self.model, self._remedies())
        return loss, count, outputs.data, targets

    def _gather(self, pieces: list[Piece]) -> Iterator[Piece]:
        """Returns what came of the batches of all ranks, on rank 0: outputs and targets only if a metric asks."""
        if self.ranks.size > 1 and not self.tally.metrics:
            pieces = [(loss, count, NOTHING, NOTHING) for loss, count, _, _ in pieces]
        return chain.from_iterable(self.ranks.gather(pieces))

    def _computed(self, part: str) -> dict[str, Any]:
        """Returns what the tally of rank 0 comes to, and empties it."""
        values = self.ranks.broadcast(self.tally.compute(part) if self.ranks.rank == 0 else {})
        self.tally.reset()
        return values

    def _diverged(self, batches: Sequence[Batch], losses: Sequence[float]) -> TrainingError:
        """Returns the error for the step that is under way, whose losses, by rank, or gradients are not finite."""
        what = f"at step {self.step + 1} (epoch {self.step // self.epoch_steps + 1})"
        for rank, loss in enumerate(losses):
            if not isfinite(loss):
                name = self.ranks.name(rank)
                what = f"the training loss became {loss} {what}" + (f" on {name}" if name else "")
                break
        else:
            what = f"a gradient is not finite {what}"
        return divergence(what, [batch[:][0] for batch in batches], self.model, self._remedies())

    def _remedies(self) -> list[str]:
        """What this run does not do yet against numbers that grow without bounds."""
        remedies = ["a smaller optimizer.lr"]
        if self.settings.grad_clip is None:
            remedies.append("trainer.grad_clip=1.0")
        if self.settings.on_nan == "stop":
            remedies.append("trainer.on_nan=skip")
        return remedies


def _written(model: Module) -> dict[str, tuple[int, int]]:
    """Which tensor each buffer of a model is, and how often it was written to."""
    return {name: (id(buffer), buffer.version[0]) for name, buffer in model.named_buffers()}


def _options(group: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a group of parameters was given besides them."""
    return {name: value for name, value in group.items() if name != "params"}
