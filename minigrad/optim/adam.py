"""Optimizers that scale each step by the recent size of the gradient, element by element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any, Literal

import numpy as np

from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.optimizer import Optimizer


class Adam(Optimizer):
    """p ← p - lr · m̂ / (√v̂ + eps), with m̂ and v̂ the running means of the gradient and of its square.

    Kingma & Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, algorithm 1; as `torch.optim.Adam`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: how much of each mean stays at each step.
        eps: keeps the division from blowing up where the gradient is 0.
        weight_decay: times the parameter, is added to its gradient (an L2 penalty).

    Raises: ValueError for a negative number, or a beta that is not from 0 to less than 1.
    """

    _decoupled = False

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def check(self, options: Mapping[str, Any]) -> None:
        """Raises ValueError if an option of a group is out of range."""
        for name in ("lr", "eps", "weight_decay"):
            if not options[name] >= 0:
                raise ValueError(f"{name} must be at least 0, got {options[name]}")
        betas = options["betas"]
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are two numbers from 0 to less than 1, got {betas}")

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Updates one bucket."""
        lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
        if decay and self._decoupled:
            bucket.scale(1 - lr * decay)
            decay = 0.0
        mean, square = bucket.kept("exp_avg"), bucket.kept("exp_avg_sq")
        update = bucket.gather(gradients, 1 - beta1, decay)
        mean *= beta1
        mean += update
        update *= update
        update *= (1 - beta2) / (1 - beta1) ** 2
        square *= beta2
        square += update
        # m̂ / (√v̂ + eps), with the corrections for having begun at 0 taken out of the arrays
        correction = sqrt(1 - beta2**bucket.step)
        np.sqrt(square, out=update)
        update += group["eps"] * correction
        np.divide(mean, update, out=update)
        update *= lr * correction / (1 - beta1**bucket.step)
        bucket.subtract()


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter itself: p ← p - lr · weight_decay · p, before its step.

    Loshchilov & Hutter, "Decoupled weight decay regularization", arXiv:1711.05101; as `torch.optim.AdamW`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: how much of each mean stays at each step.
        eps: keeps the division from blowing up where the gradient is 0.
        weight_decay: how much of the parameter, times lr, goes at each step.
        decay: what shrinks: `all` parameters, or `matrices`, as is usual for transformers: those of fewer than two axes
            (biases, the weights of norms) become a group of their own, without decay.

    Raises: ValueError for a negative number, a beta that is not from 0 to less than 1, another `decay`, or `matrices`
        beside groups, which say for themselves what decays.
    """

    _decoupled = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        decay: Literal["all", "matrices"] = "all",
    ) -> None:
        if decay not in ("all", "matrices"):
            raise ValueError(f"decay is 'all' or 'matrices', got {decay!r}")
        super().__init__(params if decay == "all" else _matrices_apart(params), lr, betas, eps, weight_decay)


def _matrices_apart(params: Iterable[Any]) -> list[dict[str, Any]]:
    """Returns the parameters of at least two axes as one group, and the others as one without decay."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for p in params:
        if isinstance(p, dict):
            raise ValueError("decay='matrices' is for a list of parameters; give groups a weight_decay each")
        (matrices if getattr(p, "ndim", 0) > 1 else others).append(p)
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
