"""Monitored values, for best weights and early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

from minigrad.arguments import as_choice, as_integer, as_number

Mode = Literal["min", "max"]


@dataclass(frozen=True)
class Checkpoint:
    """The settings of best weights and checkpoints.

    The best weights are evaluated on the test examples at the end, and saved as `checkpoints/best.safetensors`.

    Args:
        monitor: a value that this run measures, such as `val/loss` or `val/accuracy`.
        mode: `min` or `max`; by default `min` for losses and the better direction of a metric.
        seconds: interval at which the checkpoint `last` is written, in addition to every validation. It does not affect
            the results.

    Raises:
        ValueError: if `seconds` is negative.
    """

    monitor: str = "val/loss"
    mode: Mode | None = None
    seconds: float = 60.0

    def __post_init__(self) -> None:
        check_monitored(self.monitor, self.mode)
        as_number("seconds", self.seconds, at_least=0, finite=False)


@dataclass(frozen=True)
class EarlyStopping:
    """Ends the training when the monitored value stops improving.

    Args:
        monitor: a value that this run measures, such as `val/loss` or `val/accuracy`.
        patience: consecutive validations without improvement after which the training ends.
        mode: `min` or `max`; by default `min` for losses and the better direction of a metric.
        min_delta: smaller changes are no improvement.

    Raises:
        ValueError: if `patience` is below 1, or `min_delta` is negative or not finite.
    """

    monitor: str = "val/loss"
    patience: int = 5
    mode: Mode | None = None
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        check_monitored(self.monitor, self.mode)
        as_integer("patience", self.patience, 1)
        as_number("min_delta", self.min_delta, at_least=0)


def check_monitored(monitor: str, mode: str | None) -> None:
    """Check the name and mode of a monitored value.

    Raises:
        TypeError: if `monitor` is not a string.
        ValueError: for an unknown mode.
    """
    if not isinstance(monitor, str):
        raise TypeError(f"monitor must be the name of a measured value, such as val/loss, got {monitor!r}")
    if mode is not None:
        as_choice("mode", mode, ("min", "max"))


@dataclass
class Best:
    """The best value so far, its step and its age.

    The age is the number of validations since. The first value is the best so far, even if it is NaN. After that NaN is
    never better, and any number is better than NaN.
    """

    monitor: str
    mode: Mode
    min_delta: float = 0.0
    patience: int | None = None
    value: float | None = None
    step: int = 0
    since: int = 0

    def update(self, record: Mapping[str, float], step: int) -> bool:
        """Compare a new value; return whether it is the best."""
        value = record[self.monitor]
        if self._is_better(value):
            self.value, self.step, self.since = value, step, 0
            return True
        self.since += 1
        return False

    def resume(self, state: Mapping[str, Any]) -> bool:
        """Restore a saved `Best`; return False for another monitored value."""
        if (state["monitor"], state["mode"]) != (self.monitor, self.mode):
            return False
        self.value, self.step, self.since = state["value"], state["step"], state["since"]
        if self.value is not None and isnan(self.value) and not self.step:
            self.value = None  # format 1 wrote a placeholder before the first validation
        return True

    def _is_better(self, value: float) -> bool:
        if self.value is None:
            return True
        if isnan(self.value) or isnan(value):
            return not isnan(value)
        gain = value - self.value if self.mode == "max" else self.value - value
        return gain > self.min_delta  # inf - inf is NaN, which compares as no gain

    @property
    def out_of_patience(self) -> bool:
        """Whether the last `patience` validations brought no improvement."""
        return self.patience is not None and self.since >= self.patience
