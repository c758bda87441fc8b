"""RAdam: Adam with a rectified variance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.moments import Moments, root_into


class RAdam(Moments):
    """RAdam: Adam with a built-in warm-up.

    θ ← θ - lr · r · m̂ / (√v̂ + eps), where the rectification r rises to 1 as the variance of the estimate v̂ falls. In
    the first steps (about five), where that variance is not defined, θ ← θ - lr · m̂.

    Liu et al., "On the variance of the adaptive learning rate and beyond", arXiv:1908.03265, algorithm 2; as
    `torch.optim.RAdam`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: β₁ and β₂, the decay rates of m and v.
        eps: added to the denominator for numerical stability.
        weight_decay: the L2 penalty: weight_decay · θ is added to the gradient.
        decoupled_weight_decay: shrink the parameter itself instead, as `AdamW` does.
        maximize: maximize the objective instead of minimizing it.

    Raises:
        ValueError: for a negative number or a beta outside [0, 1).
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**options, "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize})

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        (beta1, beta2), t = group["betas"], bucket.step
        m, v, _ = self.moments(bucket, gradients, group)
        rate = group["lr"] / (1 - beta1**t)  # lr · m̂ = rate · m
        limit = 2 / (1 - beta2) - 1  # ρ∞, the maximum length of the simple moving average
        length = limit - 2 * t * beta2**t / (1 - beta2**t)  # ρₜ, its current length
        if length > 5:
            r = sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
            update = root_into(bucket.update, v, group["eps"])  # √v + eps
            np.divide(m, update, out=update)  # m / (√v + eps)
            update *= rate * r * sqrt(1 - beta2**t)  # lr · r · m̂ / √v̂
        else:
            np.multiply(m, rate, out=bucket.update)  # lr · m̂
        bucket.subtract()
