"""Schedules in sequence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from minigrad.arguments import as_integer
from minigrad.optim.one_cycle import OneCycleLR
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.schedule import Schedule, require_optimizer


class SequentialLR(Schedule):
    """Schedules in sequence, switched at milestones.

    Each schedule starts at its own step 0.

    Args:
        optimizer: the optimizer whose learning rate is set.
        schedulers: schedules of this optimizer, or functions that build one from it, as in a config.
        milestones: the steps at which the second, third ... schedule starts.

    Raises:
        ValueError: for the wrong number of milestones, milestones that do not increase, a schedule of another
            optimizer, a schedule of unknown length, or `OneCycleLR`, which sets more than the rate.
        TypeError: for anything but a schedule, `ReduceLROnPlateau` included.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[Callable[[Any], Schedule]], milestones: Sequence[int]
    ) -> None:
        require_optimizer(self, optimizer)
        for name, value in (("schedulers", schedulers), ("milestones", milestones)):
            if not isinstance(value, (list, tuple)):
                raise TypeError(f"{name} must be a list, got {value!r}")
        self.milestones = [as_integer("a milestone", milestone, 1) for milestone in milestones]
        if len(schedulers) != len(milestones) + 1:
            raise ValueError(
                f"{len(schedulers)} schedules have {max(len(schedulers) - 1, 0)} milestones between them, got "
                f"{len(milestones)}"
            )
        if self.milestones != sorted(set(self.milestones)):
            raise ValueError(f"milestones must rise, got {milestones!r}")
        made = [s(optimizer) if callable(s) else s for s in schedulers]
        self.schedulers: list[Schedule] = [self._checked(schedule, optimizer) for schedule in made]
        super().__init__(optimizer)

    @staticmethod
    def _checked(schedule: object, optimizer: Optimizer) -> Schedule:
        name = type(schedule).__name__
        if not isinstance(schedule, Schedule):
            raise TypeError(f"SequentialLR takes schedules, whose rates follow from the step alone, got {name}")
        if schedule.optimizer is not optimizer:
            raise ValueError(f"SequentialLR takes schedules of its own optimizer, and {name} has another")
        if isinstance(schedule, OneCycleLR):
            raise ValueError("SequentialLR sets rates alone, and OneCycleLR sets a momentum too: use it by itself")
        if getattr(schedule, "total_steps", 0) is None:
            raise ValueError(f"{name} within SequentialLR must know where it ends: give total_steps")
        return schedule

    def lr(self, initial: float, step: int) -> float:
        """Return the active schedule's rate, at its own step."""
        turn = bisect_right(self.milestones, step)
        return self.schedulers[turn].lr(initial, step - ([0, *self.milestones][turn]))
