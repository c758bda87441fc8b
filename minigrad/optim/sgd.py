"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.optimizer import Optimizer


class SGD(Optimizer):
    """p ← p - lr · v, with v the gradient, or its running sum v ← momentum · v + (1 - dampening) · gradient.

    As `torch.optim.SGD`: the first v is the gradient itself. Momentum as in Sutskever et al., ICML 2013.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate.
        momentum: how much of v stays at each step, from 0 (none is kept).
        dampening: how much of each gradient is left out of v.
        weight_decay: times the parameter, is added to its gradient (an L2 penalty).
        nesterov: go on along the gradient and v as it will be: gradient + momentum · v.

    Raises: ValueError for a negative number, or `nesterov` without momentum or with dampening.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
        }
        super().__init__(params, options)

    def check(self, options: Mapping[str, Any]) -> None:
        """Raises ValueError if an option of a group is out of range."""
        for name in ("lr", "momentum", "weight_decay"):
            if not options[name] >= 0:
                raise ValueError(f"{name} must be at least 0, got {options[name]}")
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError(
                f"nesterov needs momentum above 0 and no dampening, got momentum={options['momentum']}, "
                f"dampening={options['dampening']}"
            )

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Updates one bucket."""
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        if not momentum:
            bucket.gather(gradients, lr, decay)
        else:
            taken = 1 - group["dampening"] if "momentum_buffer" in bucket.state else 1
            v = bucket.kept("momentum_buffer")
            update = bucket.gather(gradients, taken, decay)
            v *= momentum
            v += update
            if group["nesterov"]:  # lr · (gradient + momentum · v), without an array for momentum · v
                update *= 1 / momentum
                update += v
                update *= lr * momentum
            else:
                np.multiply(v, lr, out=update)
        bucket.subtract()
