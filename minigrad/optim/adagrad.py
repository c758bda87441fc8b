"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from minigrad.arguments import as_flag, as_number
from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.moments import root_into
from minigrad.optim.optimizer import Optimizer


class Adagrad(Optimizer):
    """Adagrad: steps scaled by the sum of squared gradients.

    θ ← θ - lr · g / (√s + eps), where s is the sum of all squared gradients g². Rarely updated elements take long
    steps.

    Duchi, Hazan & Singer, "Adaptive subgradient methods", JMLR 12, 2011; as `torch.optim.Adagrad`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate.
        lr_decay: the rate of step t, counted from 0, is lr / (1 + t · lr_decay).
        weight_decay: the L2 penalty: weight_decay · θ is added to the gradient.
        initial_accumulator_value: the initial value of s.
        eps: added to the denominator for numerical stability.
        maximize: maximize the objective instead of minimizing it.

    Raises:
        ValueError: for a negative number.
    """

    keeps: ClassVar[tuple[str, ...] | None] = ("sum",)
    is_elementwise: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps, "maximize": maximize}
        super().__init__(params, {**options, "initial_accumulator_value": initial_accumulator_value})

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""
        for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            as_number(name, options[name], at_least=0)
        as_flag("maximize", options["maximize"])

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        s = bucket.state_array("sum", group["initial_accumulator_value"])
        g = bucket.gather(gradients, 1, group["weight_decay"], group["maximize"])
        work = g * g
        s += work  # s ← s + g²
        g /= root_into(work, s, group["eps"])
        g *= group["lr"] / (1 + (bucket.step - 1) * group["lr_decay"])
        bucket.subtract()
