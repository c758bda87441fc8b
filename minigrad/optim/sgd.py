"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import as_flag, as_number
from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    θ ← θ - lr · g without momentum; with momentum, v ← momentum · v + (1 - dampening) · g and θ ← θ - lr · v.

    As in `torch.optim.SGD`, the first v is the gradient g itself. Momentum as in Sutskever et al., ICML 2013.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate.
        momentum: the momentum factor; 0 for none.
        dampening: the fraction of each gradient left out of v.
        weight_decay: the L2 penalty: weight_decay · θ is added to the gradient.
        nesterov: use Nesterov momentum: step along g + momentum · v.
        maximize: maximize the objective instead of minimizing it.

    Raises:
        ValueError: for a negative or infinite number, or `nesterov` without momentum or with dampening.
    """

    keeps: ClassVar[tuple[str, ...] | None] = ("momentum_buffer",)
    reads_rows: ClassVar[bool] = True
    is_elementwise: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""
        for name in ("lr", "momentum", "weight_decay"):
            as_number(name, options[name], at_least=0)
        as_number("dampening", options["dampening"])
        as_flag("maximize", options["maximize"])
        if as_flag("nesterov", options["nesterov"]) and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError(
                f"nesterov needs momentum above 0 and no dampening, got momentum={options['momentum']}, "
                f"dampening={options['dampening']}"
            )

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        if not momentum and not decay:
            bucket.descend(gradients, -lr if group["maximize"] else lr)
            return
        if not momentum:
            bucket.gather(gradients, lr, decay, group["maximize"])
        else:
            taken = 1 - group["dampening"] if "momentum_buffer" in bucket.state else 1
            v = bucket.state_array("momentum_buffer")
            update = bucket.gather(gradients, taken, decay, group["maximize"])
            v *= momentum
            v += update
            if group["nesterov"]:  # lr · (g + momentum · v), without a temporary for momentum · v
                update *= 1 / momentum
                update += v
                update *= lr * momentum
            else:
                np.multiply(v, lr, out=update)
        bucket.subtract()
