"""Learning rate reduction when a monitored value stops improving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from minigrad import optim
from minigrad.arguments import as_choice, as_integer, as_number
from minigrad.optim.plateau import checked_state
from minigrad.training.callback import Callback, TrainingView
from minigrad.training.monitor import Mode, check_monitored


class ReduceLROnPlateau(Callback):
    """Reduces the learning rate when a monitored value stops improving.

    The rate is multiplied by `factor`. It is `minigrad.optim.ReduceLROnPlateau` with a step at each validation. It
    cannot be combined with a schedule, which sets the rate at every step.

    Args:
        monitor: a value that this run measures, such as `val/loss` or `val/accuracy`.
        mode: `min` or `max`; by default `min` for losses and the better direction of a metric.
        factor: above 0 and below 1.
        patience: consecutive validations without improvement before a reduction.
        threshold: smaller changes are no improvement.
        threshold_mode: whether the threshold is a fraction of the best value (`rel`) or a difference from it (`abs`).
        cooldown: validations after a reduction that are ignored.
        min_lr: the lowest rate.

    Raises:
        ValueError: for a number out of range or an unknown word.
        TypeError: for a value of the wrong type.
    """

    def __init__(
        self,
        monitor: str = "val/loss",
        mode: Mode | None = None,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        check_monitored(monitor, mode)
        self.monitor = monitor
        self.mode = mode
        self._rule = {
            "factor": as_number("factor", factor, above=0, below=1),
            "patience": as_integer("patience", patience, 0),
            "threshold": as_number("threshold", threshold, at_least=0),
            "threshold_mode": as_choice("threshold_mode", threshold_mode, ("rel", "abs")),
            "cooldown": as_integer("cooldown", cooldown, 0),
            "min_lr": as_number("min_lr", min_lr, at_least=0),
        }
        self._state: Mapping[str, Any] = {}

    def on_train_start(self, training: TrainingView) -> None:
        """Attach to the optimizer."""
        mode = self.mode or training.experiment.measured[self.monitor]
        self._plateau = optim.ReduceLROnPlateau(training.optimizer, mode=mode, **self._rule)
        if self._state:
            self._plateau.load_state_dict(dict(self._state))

    def on_validation_end(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Compare the monitored value with the best one."""
        self._plateau.step(record[self.monitor])
        self._state = self._plateau.state_dict()

    def state_dict(self) -> dict[str, Any]:
        """Return the best value and the number of validations since."""
        return dict(self._state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._state = checked_state(state_dict) if state_dict else {}
