"""The built-in callbacks: best weights, early stopping, log, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from time import monotonic
from typing import Any

import numpy as np

from minigrad.nn.lora import saved_state
from minigrad.runs.directory import RunDirectory
from minigrad.training.callback import Callback, TrainingView
from minigrad.training.monitor import Best, Checkpoint, EarlyStopping, Mode


class MetricsLog(Callback):
    """Appends every record to the `metrics.jsonl` of the run."""

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Write one line."""
        if training.directory is not None:
            training.directory.log(record)


class BestWeights(Callback):
    """Copies the weights when the monitored value improves.

    Args:
        settings: the monitored value.
        measured: the names that can be monitored, each with its better direction.

    Attributes:
        weights: the best weights, as returned by `training.weights()`; empty before the first validation.
        values: the values of their validation, by name.
        data: the `state_dict` of the data that the weights were trained with.
        known: facts that replace the data when its files are missing: its `sizes`, its `target`, and the `facts` that
            the config refers to. Empty if the run was written by a minigrad that did not save them.
    """

    def __init__(self, settings: Checkpoint, measured: Mapping[str, Mode]) -> None:
        self._best = Best(settings.monitor, settings.mode or measured[settings.monitor])
        self.weights: dict[str, np.ndarray] = {}
        self.values: dict[str, float] = {}
        self.data: Mapping[str, Any] = {}
        self.known: Mapping[str, Any] = {}

    @property
    def step(self) -> int | None:
        """The step of the best weights; None before a validation."""
        return self._best.step if self.weights else None

    def on_validation_end(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Compare the monitored value with the best one."""
        if self._best.update(record, training.step):
            self.weights = {name: array.copy() for name, array in training.weights().items()}
            self.values = {name: value for name, value in record.items() if name.startswith("val/")}
            data, target = training.experiment.data, training.target
            self.data = data.state_dict()
            self.known = {
                "sizes": data.sizes(),
                "target": None if target is None else asdict(target),
                "facts": dict(training.experiment.facts),
            }

    def summary(self) -> dict[str, Any] | None:
        """Return monitor, mode, value and step of the best weights.

        The result is None before the first validation.
        """
        names = ("monitor", "mode", "value", "step")
        return {name: getattr(self._best, name) for name in names} if self.weights else None

    def state_dict(self) -> dict[str, Any]:
        """Return the best weights, value, step, and data state."""
        kept = {"values": self.values, "weights": self.weights, "data": self.data, "known": self.known}
        return {**vars(self._best), **kept}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, if that monitored the same value."""
        if self._best.resume(state_dict):
            self.weights, self.values = state_dict["weights"], state_dict["values"]
            self.data = state_dict.get("data", {})  # format 1 has it in `best` alone
            self.known = state_dict.get("known", {})


class EarlyStopper(Callback):
    """Counts the validations since the monitored value last improved.

    Args:
        settings: the monitored value, and the number of validations without improvement that ends the training.
        measured: the names that can be monitored, each with its better direction.
    """

    def __init__(self, settings: EarlyStopping, measured: Mapping[str, Mode]) -> None:
        mode = settings.mode or measured[settings.monitor]
        self._best = Best(settings.monitor, mode, settings.min_delta, settings.patience)

    @property
    def out_of_patience(self) -> bool:
        """Whether the training should end.

        Unlike `stop()`, this is not permanent: a resumed run may have more patience.
        """
        return self._best.out_of_patience

    @property
    def reason(self) -> str:
        """Why the training ends when patience runs out."""
        return f"early stopping: {self._best.monitor} has not improved for {self._best.patience} validations"

    def on_validation_end(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Compare the monitored value with the best one."""
        self._best.update(record, training.step)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, its step, and validations since."""
        return dict(vars(self._best))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, if that monitored the same value."""
        self._best.resume(state_dict)


class Checkpoints(Callback):
    """Writes the checkpoints `last` and `best`.

    `last` is written after each validation and every `seconds` seconds, `best` when it has changed.

    The training calls `write_if_due` at the very end of a step, because a checkpoint must include the step's record
    and validation.

    Args:
        seconds: interval at which `last` is written between validations.
        best: the weights of `best`.

    Attributes:
        saved_step: the step of `last`; None until this process has written it.
    """

    def __init__(self, seconds: float, best: BestWeights) -> None:
        self._seconds = seconds
        self._best = best
        self._due = monotonic() + seconds
        self.saved_step: int | None = None

    def on_validation_end(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Make a checkpoint due."""
        self._due = monotonic()

    def write_if_due(self, training: TrainingView) -> None:
        """Write the checkpoints of this step if due.

        Nothing is written if the run has no directory. Raises the same errors as `write`.
        """
        if training.directory is not None and monotonic() >= self._due:
            self.write(training, training.directory)

    def write(self, training: TrainingView, directory: RunDirectory) -> None:
        """Write `last`, which a run resumes from, then `best`.

        Raises:
            OSError: if a file cannot be written.
            TypeError: if a callback's state contains a value that a checkpoint cannot hold.
        """
        state = training.state()
        directory.save("last", saved_state(training.model), {**state, "run": directory.state()})
        self.saved_step = training.step
        if self._best.weights and directory.best_step != self._best.step:
            learned = self._best.data or training.experiment.data.state_dict()  # format 1 does not have it
            best = {"step": self._best.step, "values": self._best.values, "data": learned, "known": self._best.known}
            made_from = {"config": directory.config, **directory.source_digests()}
            base = {"base": state["base"]} if "base" in state else {}
            directory.save("best", self._best.weights, {**best, **made_from, **base})
            directory.best_step = self._best.step
        self._due = monotonic() + self._seconds
