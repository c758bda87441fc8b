"""Reducing the learning rate on a plateau."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isinf
from typing import Any, Literal

from minigrad.arguments import as_choice, as_integer, as_number
from minigrad.constructors import Constructed
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.schedule import per_group, require_keys, require_optimizer


class ReduceLROnPlateau(Constructed):
    """Reduce the rate when a metric stops improving.

    The rate is multiplied by `factor` when the metric has not improved for more than `patience` calls of `step`. This
    is not a `Schedule`: the rate depends on the measured values, not on the number of steps alone.

    Args:
        optimizer: the optimizer whose learning rate is reduced.
        mode: "min" for a metric that should fall, such as a loss; "max" for one that should rise, such as an accuracy.
        factor: the factor of the rate, below 1.
        patience: how many calls in a row may bring no improvement.
        threshold: how much the metric must change to count as improved.
        threshold_mode: whether `threshold` is relative to the best value ("rel") or absolute ("abs").
        cooldown: how many calls to ignore after a reduction.
        min_lr: the lowest rate, or a list with one per parameter group.
        eps: reductions no larger than this are skipped.

    Attributes:
        best: the best value so far.
        num_bad_epochs: how many calls in a row brought no improvement.
        cooldown_counter: how many more calls will be ignored.

    Raises:
        ValueError: for an argument out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        require_optimizer(self, optimizer)
        self.optimizer = optimizer
        self.mode = as_choice("mode", mode, ("min", "max"))
        self.factor = as_number("factor", factor, above=0, below=1)
        self.patience = as_integer("patience", patience, 0)
        self.threshold = as_number("threshold", threshold, at_least=0)
        self.threshold_mode = as_choice("threshold_mode", threshold_mode, ("rel", "abs"))
        self.cooldown = as_integer("cooldown", cooldown, 0)
        self.min_lr = per_group("min_lr", min_lr, optimizer, at_least=0)
        self.eps = as_number("eps", eps, at_least=0)
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0

    def step(self, metrics: float) -> None:
        """Take a metric's value; reduce the rate on a plateau.

        NaN counts as no improvement.
        """
        value = float(metrics)
        if self._is_better(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
            for group, least in zip(self.optimizer.param_groups, self.min_lr, strict=True):
                lr = max(group["lr"] * self.factor, least)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr

    def state_dict(self) -> dict[str, Any]:
        """Return the state; the rates are in the optimizer's groups."""
        return {name: getattr(self, name) for name in ("best", "num_bad_epochs", "cooldown_counter")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a `state_dict`.

        Raises:
            ValueError: if it is not the state of a `ReduceLROnPlateau`.
            TypeError: if a value has the wrong type.
        """
        require_keys(self, state_dict, self.state_dict())
        vars(self).update(checked_state(state_dict))

    def _is_better(self, value: float) -> bool:
        if isinf(self.best):  # no value yet; a relative threshold of 0 would give 0 · infinity, NaN
            return value < self.best if self.mode == "min" else value > self.best
        sign = -1 if self.mode == "min" else 1
        relative = self.threshold_mode == "rel"
        goal = self.best * (1 + sign * self.threshold) if relative else self.best + sign * self.threshold
        return value < goal if self.mode == "min" else value > goal


def checked_state(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a `ReduceLROnPlateau`, checked.

    Raises:
        KeyError: for a missing value.
        TypeError: for a value of the wrong type.
        ValueError: for a value out of range.
    """
    return {
        "best": as_number("best", state_dict["best"], finite=False),
        "num_bad_epochs": as_integer("num_bad_epochs", state_dict["num_bad_epochs"], 0),
        "cooldown_counter": as_integer("cooldown_counter", state_dict["cooldown_counter"], 0),
    }
