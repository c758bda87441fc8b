"""A learning rate that falls when what is measured no longer gets better."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, Literal

from minigrad.optim.optimizer import Optimizer
from minigrad.optim.schedule import per_group


class ReduceLROnPlateau:
    """Multiplies the rate by `factor` when a measured value has not improved for more than `patience` calls of `step`.

    It is no `Schedule`: the rate follows from what is measured, and not from the number of steps alone.

    Args:
        optimizer: whose learning rate is reduced.
        mode: whether the value is to become small ("min"), as a loss, or large ("max"), as an accuracy.
        factor: below 1.
        patience: how many calls in a row without an improvement are put up with.
        threshold: an improvement is a change by more than this.
        threshold_mode: the threshold is a part of the best value ("rel") or a difference from it ("abs").
        cooldown: how many calls after a reduction count for nothing.
        min_lr: the lowest rate; a list has one for each group of parameters.
        eps: a reduction by no more than this is not made.

    Attributes:
        best: the best value so far.
        num_bad_epochs: how many calls in a row brought no improvement.
        cooldown_counter: how many calls will still count for nothing.

    Raises: ValueError for an argument out of its range.
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
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}")
        if not 0 < factor < 1:
            raise ValueError(f"factor must be above 0 and below 1, got {factor}")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lr = per_group("min_lr", min_lr, optimizer)
        self.eps = eps
        self.best = inf if mode == "min" else -inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0

    def step(self, metrics: float) -> None:
        """Takes the value that was measured, and reduces the rate if it has been bad for too long."""
        if self._is_better(metrics):
            self.best = metrics
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
        """Returns what it remembers; the rates themselves are in the optimizer's groups."""
        return {name: getattr(self, name) for name in ("best", "num_bad_epochs", "cooldown_counter")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what `state_dict` returned."""
        self.best = state_dict["best"]
        self.num_bad_epochs = state_dict["num_bad_epochs"]
        self.cooldown_counter = state_dict["cooldown_counter"]

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        relative = self.threshold_mode == "rel"
        goal = self.best * (1 + sign * self.threshold) if relative else self.best + sign * self.threshold
        return value < goal if self.mode == "min" else value > goal
