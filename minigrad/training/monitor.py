"""What a run watches: which weights were the best, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

Mode = Literal["min", "max"]


@dataclass(frozen=True)
class Checkpoint:
    """Which weights are the best: those that the test part is measured on, saved as `checkpoints/best.safetensors`.

    Args:
        monitor: a name that this run measures, as `val/loss` or `val/accuracy`.
        mode: `min` or `max`; left out, losses want `min` and a metric says for itself.
        seconds: `last` is written after every validation, and between two of them after so many seconds. When it is
            written changes nothing that is learned.

    Raises: ValueError if `seconds` is negative.
    """

    monitor: str = "val/loss"
    mode: Mode | None = None
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise ValueError(f"seconds must not be negative, got {self.seconds}")


@dataclass(frozen=True)
class EarlyStopping:
    """Ends the training when the monitored value has not improved for `patience` validations in a row.

    Args:
        monitor: a name that this run measures, as `val/loss` or `val/accuracy`.
        patience: validations without an improvement after which the training ends.
        mode: `min` or `max`; left out, losses want `min` and a metric says for itself.
        min_delta: an improvement is a change by more than this.

    Raises: ValueError if `patience` is below 1 or `min_delta` is negative.
    """

    monitor: str = "val/loss"
    patience: int = 5
    mode: Mode | None = None
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience counts validations and must be at least 1, got {self.patience}")
        if not self.min_delta >= 0:
            raise ValueError(f"min_delta must not be negative, got {self.min_delta}")


@dataclass
class Best:
    """The best value so far of one monitored name, the step where it stood, and how many validations ago that was."""

    monitor: str
    mode: Mode
    min_delta: float = 0.0
    patience: int | None = None
    value: float = float("nan")
    step: int = 0
    since: int = 0

    def update(self, record: Mapping[str, float], step: int) -> bool:
        """Takes the record of one validation and returns whether its value is the best so far."""
        value = record[self.monitor]
        gain = value - self.value if self.mode == "max" else self.value - value
        if isnan(self.value) or gain > self.min_delta:
            self.value, self.step, self.since = value, step, 0
            return True
        self.since += 1
        return False

    def resume(self, state: Mapping[str, Any]) -> bool:
        """Goes on from the attributes of another `Best`, and returns True; False if that watched something else."""
        if (state["monitor"], state["mode"]) != (self.monitor, self.mode):
            return False
        self.value, self.step, self.since = state["value"], state["step"], state["since"]
        return True

    @property
    def out_of_patience(self) -> bool:
        """Whether `patience` validations in a row brought nothing better."""
        return self.patience is not None and self.since >= self.patience
