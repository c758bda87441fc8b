"""The one-cycle learning rate schedule."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import cos, pi
from typing import Literal

from minigrad.arguments import as_choice, as_flag, as_integer, as_number
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.schedule import Schedule, per_group, require_optimizer


class OneCycleLR(Schedule):
    """One rise and one fall of the rate, momentum opposite.

    The rate rises from max_lr / div_factor to max_lr, then falls far below its initial value. It allows training with
    unusually high rates (Smith & Topin, "Super-convergence", arXiv:1708.07120; as in PyTorch). After the last step,
    rate and momentum stay constant.

    Args:
        optimizer: the optimizer whose learning rate and momentum (for Adam, β₁) are set.
        max_lr: the highest rate, or a list with one per parameter group.
        total_steps: the length of the cycle. If None, it is epochs · steps_per_epoch, or you set the attribute later.
        epochs: together with `steps_per_epoch`, an alternative to `total_steps`.
        steps_per_epoch: see `epochs`.
        pct_start: the fraction of the cycle, from 0 to 1, in which the rate rises.
        anneal_strategy: "cos" to change along half a cosine, "linear" along a straight line.
        cycle_momentum: False leaves the momentum unchanged.
        base_momentum: the momentum at the highest rate, or a list with one per group.
        max_momentum: the momentum at the lowest rate, or a list with one per group.
        div_factor: the highest rate divided by the initial rate.
        final_div_factor: the initial rate divided by the final rate.
        three_phase: fall back to the initial rate first, as fast as it rose, and then to the final rate.

    Raises:
        ValueError: for a number out of range, a list whose length is not the number of groups, momentum cycling for an
            optimizer without momentum, or if `total_steps` is still None after the first step.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        require_optimizer(self, optimizer)
        lengths = {"total_steps": total_steps, "epochs": epochs, "steps_per_epoch": steps_per_epoch}
        for name, length in lengths.items():
            if length is not None:
                as_integer(name, length, 1)
        if total_steps is None and epochs is not None and steps_per_epoch is not None:
            total_steps = epochs * steps_per_epoch
        self.pct_start = as_number("pct_start", pct_start, at_least=0, at_most=1)
        self.anneal_strategy = as_choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
        self.cycle_momentum = as_flag("cycle_momentum", cycle_momentum)
        self.div_factor = as_number("div_factor", div_factor, above=0)
        self.final_div_factor = as_number("final_div_factor", final_div_factor, above=0)
        self.three_phase = as_flag("three_phase", three_phase)
        groups = optimizer.param_groups
        if cycle_momentum and not all("momentum" in group or "betas" in group for group in groups):
            raise ValueError(f"{type(optimizer).__name__} has no momentum to cycle: give cycle_momentum=False")
        self.total_steps = total_steps
        self.base_momentum = per_group("base_momentum", base_momentum, optimizer, at_least=0, below=1)
        self.max_momentum = per_group("max_momentum", max_momentum, optimizer, at_least=0, below=1)
        for group, top in zip(groups, per_group("max_lr", max_lr, optimizer, at_least=0), strict=True):
            group["initial_lr"] = top / div_factor
        super().__init__(optimizer)

    def lr(self, initial: float, step: int) -> float:
        """Return the rate, interpolated between first, highest and last."""
        last = initial / self.final_div_factor
        top = initial * self.div_factor
        return self._between([initial, top, initial, last] if self.three_phase else [initial, top, last], step)

    def _set(self) -> None:
        super()._set()
        if not self.cycle_momentum:
            return
        for group, base, most in zip(self.optimizer.param_groups, self.base_momentum, self.max_momentum, strict=True):
            momentum = self._between([most, base, most, most] if self.three_phase else [most, base, most], self.steps)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def _between(self, values: list[float], step: int) -> float:
        """Interpolate between values at the ends of the phases."""
        if step == 0 and self.total_steps is None:
            return values[0]
        if self.total_steps is None:
            raise ValueError("OneCycleLR must know where it ends: give total_steps")
        rise, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        ends = [rise, 2 * rise, last] if self.three_phase else [rise, last]
        step = min(step, last)
        phase = bisect_left(ends, step)
        begin, end = [0, *ends][phase], ends[phase]
        value, goal = values[phase : phase + 2]
        done = (step - begin) / (end - begin) if end > begin else 1.0
        share = done if self.anneal_strategy == "linear" else (1 - cos(pi * done)) / 2
        return value * (1 - share) + goal * share
