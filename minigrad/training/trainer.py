"""The training loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from minigrad.data import DataLoader, Examples
from minigrad.engine import Tensor, no_grad, random
from minigrad.optim import clip_grad_norm_
from minigrad.training.metrics import Tally
from minigrad.training.monitor import Best, Checkpoint, EarlyStopping
from minigrad.training.progress import Progress
from minigrad.training.run_directory import RunDirectory

if TYPE_CHECKING:
    from minigrad.training.experiment import Experiment


class TrainingError(RuntimeError):
    """A training that cannot go on: what happened, at which step, and what to try."""


@dataclass(frozen=True)
class Trainer:
    """How long to train, how often to look, and when to stop.

    Args:
        max_epochs: passes over the training examples; 10 where `max_steps` is not given either.
        max_steps: optimizer steps; the first of the two limits to be reached ends the training.
        val_every: steps between validations; left out, the end of every epoch. The last step is always validated.
        log_every: steps between two records of the training loss, metrics and learning rate.
        grad_clip: the largest norm of all gradients together; longer ones are scaled down to it.
        early_stopping: ends the training when a monitored value no longer improves.
        checkpoint: which weights are the best.

    Raises: ValueError if a number is not positive.
    """

    max_epochs: int | None = None
    max_steps: int | None = None
    val_every: int | None = None
    log_every: int = 50
    grad_clip: float | None = None
    early_stopping: EarlyStopping | None = None
    checkpoint: Checkpoint = field(default_factory=Checkpoint)

    def __post_init__(self) -> None:
        for name in ("max_epochs", "max_steps", "val_every", "log_every", "grad_clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be larger than 0, got {value}")

    def steps(self, epoch_steps: int) -> int:
        """Returns the number of optimizer steps of a training whose epochs have `epoch_steps` each."""
        if self.max_epochs is None and self.max_steps is not None:
            return self.max_steps
        steps = (10 if self.max_epochs is None else self.max_epochs) * epoch_steps
        return steps if self.max_steps is None else min(steps, self.max_steps)


class Training:
    """One training of an experiment, and where it stands.

    `step` counts the optimizer steps done; the epoch and the place in it follow from it. What else changes on the way
    is the model, the optimizer, the schedule, the tally since the last record, and the best values: all that
    `checkpoints/last.safetensors` holds.

    Raises: ValueError if the loader does not fit the data.
    """

    def __init__(self, experiment: Experiment) -> None:
        random.seed(experiment.seed)
        self.experiment = experiment
        self.settings = experiment.trainer
        self.model = experiment.model
        self.loader = experiment.loader(experiment.data.train)
        self.steps = self.settings.steps(len(self.loader))
        self.parameters = list(self.model.parameters())
        self.optimizer = experiment.optimizer(self.parameters)
        self.schedule = experiment.schedule(self.optimizer) if experiment.schedule else None
        if getattr(self.schedule, "total_steps", 0) is None:
            setattr(self.schedule, "total_steps", self.steps)  # noqa: B010 - of the schedules that have a length at all
        self.tally = Tally(experiment.metrics, getattr(experiment.loss, "reduction", "mean"))
        self.step = 0
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
        self.interrupted = False

    def run(self, directory: RunDirectory | None = None, progress: Progress | None = None) -> dict[str, Any]:
        """Trains to the end, and measures the test examples on the best weights, which stay in the model, in eval mode.

        BLAS runs on one thread meanwhile: with more it would give other bits on a machine with other cores.

        Args:
            directory: gets the records and the checkpoints.
            progress: is told of every step.

        Returns `status` ("done" or "interrupted"), `steps`, `best_step`, the validation values of the best step, and,
        when done, the test values.

        Raises: TrainingError if the loss is not finite; OSError if a checkpoint cannot be written.
        """
        val_every = self.settings.val_every or len(self.loader)
        self.model.train()
        with threadpool_limits(1, "blas"), np.errstate(all="ignore"):  # a loss that is not finite is told of below
            for inputs, targets in islice(self.batches(), self.steps - self.step):
                self.train_step(inputs, targets)
                if progress is not None:
                    progress.advance(self.step)
                validate = self.step % val_every == 0 or self.step == self.steps
                if validate or self.step % self.settings.log_every == 0:
                    record = self._record(validate)
                    if progress is not None:
                        progress.report(record)
                    if directory is not None:
                        directory.log(record)
                    if validate:
                        self._keep(record, directory)
                if self.interrupted or (self.stopping is not None and self.stopping.out_of_patience):
                    break
            results = {"steps": self.step, "best_step": self.best.step, **self.best_values}
            if self.interrupted:
                if directory is not None:
                    directory.save("last", self.model.state_dict(), self.state())
                return {"status": "interrupted", **results}
            self.model.load_state_dict(self.best_weights)
            results |= self.evaluate(self.experiment.data.test, "test")
            self.model.eval()
            return {"status": "done", **results}

    def interrupt(self) -> None:
        """Ends the training after the step that is under way, with a checkpoint; a signal handler may call it."""
        self.interrupted = True

    def train_step(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Forward, loss, backward, update: one step of the optimizer on one batch.

        Raises: TrainingError if the loss is not finite.
        """
        with random.at(self.step):
            outputs = self.model(Tensor(inputs))
            loss = self.experiment.loss(outputs, Tensor(targets))
            value = loss.item()
            if not isfinite(value):
                raise self._diverged("training", value, inputs)
            loss.backward()
        if self.settings.grad_clip is not None:
            clip_grad_norm_(self.parameters, self.settings.grad_clip)
        self.lr = self.optimizer.param_groups[0]["lr"]
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.schedule is not None:
            self.schedule.step()
        self.step += 1
        self.tally.add(value, outputs.data, targets)

    def evaluate(self, examples: Examples, part: str) -> dict[str, float]:
        """Returns the loss and the metrics over all `examples`, under names that begin with `part`.

        The tally is used for this, and is empty afterwards.
        """
        self.model.eval()
        self.tally.reset()
        batch_size = min(self.loader.batch_size, len(examples))
        with no_grad():
            for inputs, targets in DataLoader(examples, batch_size, shuffle=False).epoch(0):
                outputs = self.model(Tensor(inputs))
                loss = self.experiment.loss(outputs, Tensor(targets)).item()
                if not isfinite(loss):
                    raise self._diverged(part, loss, inputs)
                self.tally.add(loss, outputs.data, targets)
        values = self.tally.compute(part)
        self.tally.reset()
        self.model.train()
        return values

    def best_so_far(self) -> dict[str, Any] | None:
        """Returns `monitor`, `value` and `step` of the best weights; None before the first validation."""
        best = self.best
        return {"monitor": best.monitor, "value": best.value, "step": best.step} if self.best_weights else None

    def state(self) -> dict[str, Any]:
        """Returns all that changes on the way besides the weights, as numbers, texts, lists, dicts and arrays."""
        return {
            "step": self.step,
            "epoch": self.step // len(self.loader),
            "seed": self.experiment.seed,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict() if self.schedule is not None else None,
            "tally": {
                "loss": self.tally.loss,
                "count": self.tally.count,
                "metrics": list(map(vars, self.tally.metrics)),
            },
            "best": {**asdict(self.best), "values": self.best_values},
            "stopping": asdict(self.stopping) if self.stopping else None,
        }

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the training batches from the present step on, without end."""
        while True:
            epoch, start = divmod(self.step, len(self.loader))
            yield from self.loader.epoch(epoch, start)

    def _record(self, validate: bool) -> dict[str, float]:
        """Returns what is logged at this step: the training values since the last record, and perhaps a validation."""
        record = {
            "step": self.step,
            "epoch": self.step / len(self.loader),
            "lr": self.lr,
            **self.tally.compute("train"),
        }
        self.tally.reset()
        return record | self.evaluate(self.experiment.data.val, "val") if validate else record

    def _keep(self, record: dict[str, float], directory: RunDirectory | None) -> None:
        """Takes the record of a validation: the weights may be the best so far, or too long not have become better."""
        if self.stopping is not None:
            self.stopping.update(record, self.step)
        is_best = self.best.update(record, self.step)
        if is_best:
            self.best_weights = {name: array.copy() for name, array in self.model.state_dict().items()}
            self.best_values = {name: value for name, value in record.items() if name.startswith("val/")}
        if directory is not None:
            if is_best:  # before `last`, which tells of it: whoever goes on from `last` finds the best it speaks of
                directory.save("best", self.best_weights, {"step": self.step, "values": self.best_values})
            directory.save("last", self.model.state_dict(), self.state())

    def _diverged(self, part: str, loss: float, inputs: np.ndarray) -> TrainingError:
        place = f"the {part} loss became {loss} at step {self.step} (epoch {self.step // len(self.loader)})"
        if not np.isfinite(inputs).all():
            return TrainingError(f"{place}: the inputs of that batch hold NaN or infinity; correct the data")
        remedy = "a smaller optimizer.lr" + (", or trainer.grad_clip=1.0" if self.settings.grad_clip is None else "")
        return TrainingError(f"{place}: the weights have diverged; try {remedy}")
