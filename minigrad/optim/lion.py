"""Lion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import as_flag, as_number
from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.moments import check_betas
from minigrad.optim.optimizer import Optimizer


class Lion(Optimizer):
    """Lion: steps of the sign of an interpolated momentum.

    θ ← θ - lr · (sign(β₁ m + (1 - β₁) g) + weight_decay · θ), then m ← β₂ m + (1 - β₂) g, where g is the gradient.

    Every element moves by lr, so use a learning rate three to ten times smaller than for AdamW, and a weight decay that
    is larger by the same factor. Chen et al., "Symbolic discovery of optimization algorithms", arXiv:2302.06675,
    program 1. PyTorch has no Lion.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, the length of each element's step.
        betas: β₁, the weight of m in the step, and β₂, the decay rate of m.
        weight_decay: the decay factor; each step subtracts lr · weight_decay · θ.
        maximize: maximize the objective instead of minimizing it.

    Raises:
        ValueError: for a negative number or a beta outside [0, 1).
    """

    keeps: ClassVar[tuple[str, ...] | None] = ("exp_avg",)
    is_elementwise: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""
        for name in ("lr", "weight_decay"):
            as_number(name, options[name], at_least=0)
        check_betas(options["betas"])
        as_flag("maximize", options["maximize"])

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        lr, (beta1, beta2) = group["lr"], group["betas"]
        if group["weight_decay"]:
            bucket.scale(1 - lr * group["weight_decay"])
        m, g = bucket.state_array("exp_avg"), bucket.gather(gradients, maximize=group["maximize"])
        step = m * beta1
        step += g * (1 - beta1)
        np.sign(step, out=step)
        m *= beta2
        m += np.multiply(g, 1 - beta2, out=g)  # m ← β₂ m + (1 - β₂) g
        np.multiply(step, lr, out=bucket.update)  # lr · sign(β₁ m + (1 - β₁) g)
        bucket.subtract()
