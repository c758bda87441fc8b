"""Learning rate schedules: formulas of the number of steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import cos, inf, isfinite, pi
from typing import Any

from minigrad.arguments import as_integer, as_number
from minigrad.constructors import Constructed
from minigrad.optim.optimizer import Optimizer


class Schedule(Constructed):
    """The base of schedules: a subclass defines `lr`.

    The constructor sets the rate of step 0, and each call of `step` the next one. The rate that a group starts with is
    stored as its "initial_lr".

    Args:
        optimizer: the optimizer whose groups have their "lr" set.

    Raises:
        TypeError: for anything but an optimizer.
        ValueError: for a rate that is not finite, in the constructor or in `step`.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        require_optimizer(self, optimizer)
        self.optimizer = optimizer
        self.steps = 0
        self._set()

    def lr(self, initial: float, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Args:
            initial: the group's initial rate.
            step: the number of the step.
        """
        raise NotImplementedError(f"{type(self).__name__} must define lr()")

    def step(self) -> None:
        """Set the learning rate of the next step.

        Call it after each `optimizer.step()`.
        """
        self.steps += 1
        self._set()

    def state_dict(self) -> dict[str, Any]:
        """Return the number of steps.

        Everything else follows from the arguments and the optimizer's groups.
        """
        return {"steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a saved number of steps.

        The initial rates are the ones the optimizer has now.

        Raises:
            ValueError: if it is not the state of a schedule.
        """
        require_keys(self, state_dict, self.state_dict())
        self.steps = as_integer("steps", state_dict["steps"], 0)
        self._set()

    def _set(self) -> None:
        for group in self.optimizer.param_groups:
            initial = group.setdefault("initial_lr", group["lr"])
            try:
                rate = self.lr(initial, self.steps)
            except OverflowError:
                rate = inf
            if not isfinite(rate):
                raise ValueError(
                    f"{type(self).__name__} makes the learning rate {rate} at step {self.steps}, from {initial}"
                )
            group["lr"] = rate


class StepLR(Schedule):
    """Decay the rate by `gamma` every `step_size` steps.

    Args:
        optimizer: the optimizer whose learning rate is set.
        step_size: the number of steps between two changes.
        gamma: the factor.

    Raises:
        ValueError: if `step_size` is below 1, or `gamma` below 0.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = as_integer("step_size", step_size, 1)
        self.gamma = as_number("gamma", gamma, at_least=0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return initial · gamma^(step // step_size)."""
        return initial * self.gamma ** (step // self.step_size)


class MultiStepLR(Schedule):
    """Decay the rate by `gamma` at each milestone.

    Args:
        optimizer: the optimizer whose learning rate is set.
        milestones: the steps at which the rate changes; one that is listed twice counts twice.
        gamma: the factor.

    Raises:
        ValueError: for a number below 0.
        TypeError: for anything but a list of integers.
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        if not isinstance(milestones, (list, tuple)):
            raise TypeError(f"milestones must be a list of integers, got {milestones!r}")
        self.milestones = sorted([as_integer("a milestone", milestone, 0) for milestone in milestones])
        self.gamma = as_number("gamma", gamma, at_least=0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return initial · gamma^(number of milestones up to this step)."""
        return initial * self.gamma ** bisect_right(self.milestones, step)


class ExponentialLR(Schedule):
    """Decay the rate by `gamma` every step.

    Args:
        optimizer: the optimizer whose learning rate is set.
        gamma: the factor.

    Raises:
        ValueError: for a gamma below 0.
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = as_number("gamma", gamma, at_least=0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return initial · gamma^step."""
        return initial * self.gamma**step


class ConstantLR(Schedule):
    """A rate times `factor` for the first steps.

    Args:
        optimizer: the optimizer whose learning rate is set.
        factor: the factor of the first steps, from 0 to 1.
        total_iters: the first step with the full rate.

    Raises:
        ValueError: for a factor out of range.
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor = as_number("factor", factor, at_least=0, at_most=1)
        self.total_iters = as_integer("total_iters", total_iters, 0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return initial · factor at first, then initial."""
        return initial * self.factor if step < self.total_iters else initial


class LinearLR(Schedule):
    """Linear change of the rate's factor.

    The factor goes from `start_factor` to `end_factor`, and stays there.

    Args:
        optimizer: the optimizer whose learning rate is set.
        start_factor: the factor of step 0, above 0 and at most 1.
        end_factor: the factor from step `total_iters` on, from 0 to 1.
        total_iters: the number of steps of the change.

    Raises:
        ValueError: for a number out of range.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor = as_number("start_factor", start_factor, above=0, at_most=1)
        self.end_factor = as_number("end_factor", end_factor, at_least=0, at_most=1)
        self.total_iters = as_integer("total_iters", total_iters, 1)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return initial times the factor of this step."""
        done = min(step / self.total_iters, 1)
        return initial * (self.start_factor + (self.end_factor - self.start_factor) * done)


class PolynomialLR(Schedule):
    """Polynomial decay of the rate to 0.

    The rate is multiplied by a power of the fraction of steps left, and stays at 0 afterwards.

    Args:
        optimizer: the optimizer whose learning rate is set.
        total_iters: the first step with the rate 0.
        power: the exponent: 1 for a straight line, larger to fall sooner.

    Raises:
        ValueError: if `total_iters` is below 1, or `power` below 0.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters = as_integer("total_iters", total_iters, 1)
        self.power = as_number("power", power, at_least=0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return initial · (1 - step / total_iters)^power."""
        return initial * (1 - min(step / self.total_iters, 1)) ** self.power


class CosineAnnealingLR(Schedule):
    """Cosine annealing between the rate and `eta_min`, periodic.

    The rate falls along half a cosine and rises back along the other half, periodically. Loshchilov & Hutter, "SGDR",
    arXiv:1608.03983, without restarts, as in PyTorch.

    Args:
        optimizer: the optimizer whose learning rate is set.
        T_max: the number of steps from the highest rate to the lowest.
        eta_min: the lowest rate.

    Raises:
        ValueError: if `T_max` is below 1, or `eta_min` below 0.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803 - PyTorch's name
        self.T_max = as_integer("T_max", T_max, 1)
        self.eta_min = as_number("eta_min", eta_min, at_least=0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return the rate on the cosine.

        It is eta_min + (initial - eta_min) · (1 + cos(π · step / T_max)) / 2.
        """
        return self.eta_min + (initial - self.eta_min) * (1 + cos(pi * step / self.T_max)) / 2


class CosineAnnealingWarmRestarts(Schedule):
    """Cosine annealing with warm restarts.

    The rate falls along half a cosine to `eta_min`, jumps back to its initial value, and falls again. Loshchilov &
    Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.

    Args:
        optimizer: the optimizer whose learning rate is set.
        T_0: the number of steps of the first period.
        T_mult: the factor by which each period is longer than the one before.
        eta_min: the lowest rate.

    Raises:
        ValueError: if `T_0` or `T_mult` is below 1, or `eta_min` below 0.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:  # noqa: N803
        self.T_0 = as_integer("T_0", T_0, 1)
        self.T_mult = as_integer("T_mult", T_mult, 1)
        self.eta_min = as_number("eta_min", eta_min, at_least=0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return the rate on the cosine since the last restart.

        It is eta_min + (initial - eta_min) · (1 + cos(π · T_cur / T_i)) / 2, T_cur steps into a period of T_i steps.
        """
        length = self.T_0
        if self.T_mult == 1:
            step %= length
        while step >= length:
            step -= length
            length *= self.T_mult
        return self.eta_min + (initial - self.eta_min) * (1 + cos(pi * step / length)) / 2


class WarmupCosine(Schedule):
    """Linear warm-up, then cosine decay to `min_lr`.

    After that the rate stays at `min_lr`. The formula is from nanoGPT (Karpathy, MIT license), after Loshchilov &
    Hutter, "SGDR", arXiv:1608.03983.

    Args:
        optimizer: the optimizer whose learning rate is set.
        warmup_steps: the first step with the full rate.
        total_steps: the first step with `min_lr`. If None, you set the attribute when the length is known.
        min_lr: the final rate.

    Raises:
        ValueError: for a negative number, or if `total_steps` is still None after the first step.
    """

    def __init__(
        self, optimizer: Optimizer, warmup_steps: int, total_steps: int | None = None, min_lr: float = 0.0
    ) -> None:
        self.warmup_steps = as_integer("warmup_steps", warmup_steps, 0)
        self.total_steps = None if total_steps is None else as_integer("total_steps", total_steps, 0)
        self.min_lr = as_number("min_lr", min_lr, at_least=0)
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return the rate of the warm-up, the cosine, or `min_lr`."""
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


def per_group(name: str, value: float | Sequence[float], optimizer: Optimizer, **bounds: float) -> list[float]:
    """Return one value per parameter group.

    Args:
        name: the name of the argument, for error messages.
        value: a number for all groups, or a list with one per group.
        optimizer: the optimizer that has the groups.
        bounds: the bounds of each value, as for `as_number`.

    Raises:
        ValueError: for a list of the wrong length, or a value out of bounds.
    """
    groups = len(optimizer.param_groups)
    several = isinstance(value, Sequence) and not isinstance(value, str)
    values = [as_number(name, v, **bounds) for v in (value if several else [value] * groups)]  # type: ignore[union-attr, arg-type]
    if len(values) != groups:
        raise ValueError(f"{name} has {len(values)} values, and the optimizer has {groups} groups of parameters")
    return values


def require_optimizer(schedule: object, optimizer: object) -> None:
    """Raise TypeError for anything but an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(schedule).__name__} takes an optimizer first, got {optimizer!r}")


def require_keys(schedule: object, found: Any, expected: Mapping[str, Any]) -> None:
    """Raise ValueError for a state with unexpected keys."""
    if not isinstance(found, Mapping) or not set(expected) <= set(found):
        has = sorted(map(str, found)) if isinstance(found, Mapping) else type(found).__name__
        raise ValueError(f"the state of a {type(schedule).__name__} has {', '.join(expected)}; this one has {has}")
