"""Base of Adam's variants: running first and second moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import as_flag, as_number
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.optimizer import Optimizer


class Moments(Optimizer):
    """The base of Adam's variants.

    The state is m, the running mean of the gradient, and v, the running mean of its square.
    """

    keeps: ClassVar[tuple[str, ...] | None] = ("exp_avg", "exp_avg_sq")
    reads_rows: ClassVar[bool] = True
    is_elementwise: ClassVar[bool] = True

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""
        for name in ("lr", "eps", "weight_decay"):
            as_number(name, options[name], at_least=0)
        check_betas(options["betas"])
        for name in ("amsgrad", "decoupled_weight_decay", "maximize"):
            as_flag(name, options.get(name, False))

    def moments(
        self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]
    ) -> tuple[Array, Array, float]:
        """Update m and v, and apply decoupled weight decay.

        `bucket.update` is overwritten, and free for use afterwards.

        Returns:
            m and v, both (n,), and the weight decay still to be added to the gradient (0 if it is decoupled).
        """
        (beta1, beta2), decay = group["betas"], group["weight_decay"]
        if decay and {**self.implies, **group}["decoupled_weight_decay"]:
            bucket.scale(1 - group["lr"] * decay)  # θ ← θ - lr · weight_decay · θ
            decay = 0.0
        m, v = bucket.state_array("exp_avg"), bucket.state_array("exp_avg_sq")
        update = bucket.gather(gradients, 1 - beta1, decay, group["maximize"])  # (1 - β₁) g
        m *= beta1  # β₁ m
        m += update  # m ← β₁ m + (1 - β₁) g
        update *= update  # (1 - β₁)² g²
        update *= (1 - beta2) / (1 - beta1) ** 2  # (1 - β₂) g²
        v *= beta2  # β₂ v
        v += update  # v ← β₂ v + (1 - β₂) g²
        return m, v, decay


def root_into(out: Array, v: Array, eps: float) -> Array:
    """Return √v + eps, written to `out`."""
    np.sqrt(v, out=out)
    out += eps
    return out


def check_betas(betas: Any) -> None:
    """Refuse betas that are not two numbers in [0, 1)."""
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise ValueError(f"betas are two numbers from 0 to less than 1, got {betas!r}")
    for i, beta in enumerate(betas):
        as_number(f"betas[{i}]", beta, at_least=0, below=1)
