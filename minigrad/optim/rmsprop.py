"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import as_flag, as_number
from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.moments import root_into
from minigrad.optim.optimizer import Optimizer


class RMSprop(Optimizer):
    """RMSprop: steps scaled by the running mean of squared gradients.

    θ ← θ - lr · g / (√v + eps), where v ← α v + (1 - α) g² is the running mean of the squared gradient.

    Tieleman & Hinton, "Lecture 6.5: RMSprop", Coursera 2012; the centered variant is from Graves, arXiv:1308.0850. As
    `torch.optim.RMSprop`, with eps outside the root.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate.
        alpha: α, the decay rate of v.
        eps: added to the denominator for numerical stability.
        weight_decay: the L2 penalty: weight_decay · θ is added to the gradient.
        momentum: the momentum factor; 0 for none.
        centered: divide by the standard deviation, √(v - mean²), with the running mean of the gradient.
        maximize: maximize the objective instead of minimizing it.

    Raises:
        ValueError: for a negative number, or an alpha above 1.
    """

    keeps: ClassVar[tuple[str, ...] | None] = ("square_avg", "grad_avg", "momentum_buffer")
    is_elementwise: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(params, {**options, "centered": centered, "maximize": maximize})

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""
        for name in ("lr", "eps", "weight_decay", "momentum"):
            as_number(name, options[name], at_least=0)
        as_number("alpha", options["alpha"], at_least=0, at_most=1)
        for name in ("centered", "maximize"):
            as_flag(name, options[name])

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        alpha = group["alpha"]
        v, g = bucket.state_array("square_avg"), bucket.gather(gradients, 1, group["weight_decay"], group["maximize"])
        work = g * g
        work *= 1 - alpha
        v *= alpha
        v += work  # v ← α v + (1 - α) g²
        variance = v
        if group["centered"]:
            mean = bucket.state_array("grad_avg")
            mean += np.multiply(np.subtract(g, mean, out=work), 1 - alpha, out=work)  # mean ← α mean + (1 - α) g
            variance = np.subtract(v, np.multiply(mean, mean, out=work), out=work)
        g /= root_into(work, variance, group["eps"])
        if group["momentum"]:
            b = bucket.state_array("momentum_buffer")
            b *= group["momentum"]
            b += g  # b ← momentum · b + g / (√v + eps)
            np.copyto(g, b)
        g *= group["lr"]
        bucket.subtract()
