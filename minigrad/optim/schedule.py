"""Learning rates that follow a plan: each a formula of the number of steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import cos, pi
from typing import Any

from minigrad.optim.optimizer import Optimizer


class Schedule:
    """The base of schedules: a subclass defines `lr`. The constructor sets the rate of step 0, each `step` the next.

    A group's own rate, from which the formula starts, is kept as its "initial_lr".

    Args:
        optimizer: whose groups get their "lr" set.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.steps = 0
        self._set()

    def lr(self, initial: float, step: int) -> float:
        """Returns the learning rate of step `step` (from 0) of a group whose own rate is `initial`."""
        raise NotImplementedError(f"{type(self).__name__} must define lr()")

    def step(self) -> None:
        """Sets the learning rate of the next step; called after each step of the optimizer."""
        self.steps += 1
        self._set()

    def state_dict(self) -> dict[str, Any]:
        """Returns the number of steps: all else is in the arguments and in the optimizer's groups."""
        return {"steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on after as many steps, with the initial rates that the optimizer has now."""
        self.steps = state_dict["steps"]
        self._set()

    def _set(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr(group.setdefault("initial_lr", group["lr"]), self.steps)


class StepLR(Schedule):
    """Multiplies the rate by `gamma` every `step_size` steps.

    Args:
        optimizer: whose learning rate is set.
        step_size: steps between two changes.
        gamma: the factor.

    Raises: ValueError if `step_size` is below 1.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        if step_size < 1:
            raise ValueError(f"step_size must be at least 1, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Returns initial · gamma^(step // step_size)."""
        return initial * self.gamma ** (step // self.step_size)


class MultiStepLR(Schedule):
    """Multiplies the rate by `gamma` at each of some steps.

    Args:
        optimizer: whose learning rate is set.
        milestones: the steps; one that stands twice counts twice.
        gamma: the factor.
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(milestones)
        self.gamma = gamma
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Returns initial · gamma^(number of milestones up to this step)."""
        return initial * self.gamma ** bisect_right(self.milestones, step)


class ExponentialLR(Schedule):
    """Multiplies the rate by `gamma` at every step.

    Args:
        optimizer: whose learning rate is set.
        gamma: the factor.
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Returns initial · gamma^step."""
        return initial * self.gamma**step


class ConstantLR(Schedule):
    """Holds the rate at `factor` times its value for the first steps.

    Args:
        optimizer: whose learning rate is set.
        factor: from 0 to 1.
        total_iters: the first step with the whole rate.

    Raises: ValueError for a factor out of that range.
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"factor must be from 0 to 1, got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Returns initial · factor at first, then initial."""
        return initial * self.factor if step < self.total_iters else initial


class LinearLR(Schedule):
    """Goes in a straight line from `start_factor` to `end_factor` times the rate, and stays there.

    Args:
        optimizer: whose learning rate is set.
        start_factor: of step 0, above 0 and at most 1.
        end_factor: from step `total_iters` on, from 0 to 1.
        total_iters: the steps between.

    Raises: ValueError for a number out of its range.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(f"start_factor must be above 0 and at most 1, got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"end_factor must be from 0 to 1, got {end_factor}")
        if total_iters < 1:
            raise ValueError(f"total_iters must be at least 1, got {total_iters}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Returns initial times the factor of this step."""
        done = min(step / self.total_iters, 1)
        return initial * (self.start_factor + (self.end_factor - self.start_factor) * done)


class CosineAnnealingLR(Schedule):
    """Falls along half a cosine from the rate to `eta_min`, and rises again the same way, on and on.

    Loshchilov & Hutter, "SGDR", arXiv:1608.03983, without restarts, as PyTorch reads it.

    Args:
        optimizer: whose learning rate is set.
        T_max: the steps from top to bottom.
        eta_min: the lowest rate.

    Raises: ValueError if `T_max` is below 1.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803 - PyTorch's name
        if T_max < 1:
            raise ValueError(f"T_max must be at least 1, got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Returns eta_min + (initial - eta_min) · (1 + cos(π · step / T_max)) / 2."""
        return self.eta_min + (initial - self.eta_min) * (1 + cos(pi * step / self.T_max)) / 2


class WarmupCosine(Schedule):
    """Rises in a straight line to the rate, then falls along half a cosine to `min_lr`, and stays there.

    The formula is that of nanoGPT (Karpathy, MIT licence), after Loshchilov & Hutter, "SGDR", arXiv:1608.03983.

    Args:
        optimizer: whose learning rate is set.
        warmup_steps: the first step that has the full rate.
        total_steps: the first step that has `min_lr`; None: set as an attribute when the length is known.
        min_lr: the rate at the end.

    Raises: ValueError for a negative number, or if `total_steps` is still None after the first step.
    """

    def __init__(
        self, optimizer: Optimizer, warmup_steps: int, total_steps: int | None = None, min_lr: float = 0.0
    ) -> None:
        for name, value in (("warmup_steps", warmup_steps), ("total_steps", total_steps or 0), ("min_lr", min_lr)):
            if value < 0:
                raise ValueError(f"{name} must be at least 0, got {value}")
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.min_lr = min_lr
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Returns the rate on the slope, on the cosine, or at the end."""
        if step < self.warmup_steps:
            return initial * (step + 1) / (self.warmup_steps + 1)
        if step == self.warmup_steps:
            return initial
        if self.total_steps is None:
            raise ValueError("WarmupCosine must know where it ends: give total_steps")
        if step >= self.total_steps:
            return self.min_lr
        done = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return self.min_lr + (initial - self.min_lr) * (1 + cos(pi * done)) / 2


def per_group(name: str, value: float | Sequence[float], optimizer: Optimizer) -> list[float]:
    """One value for each group of parameters. Raises: ValueError for a list of another length."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, Sequence) else [value] * groups
    if len(values) != groups:
        raise ValueError(f"{name} has {len(values)} values, and the optimizer has {groups} groups of parameters")
    return values
