"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import as_number
from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.moments import Moments, root_into


class NAdam(Moments):
    """NAdam: Adam with Nesterov momentum.

    Adam's m̂ is replaced by μₜ₊₁ m / (1 - ∏ᵗ⁺¹ μᵢ) + (1 - μₜ) g / (1 - ∏ᵗ μᵢ), with μₜ = β₁ (1 - 0.96^(t ·
    momentum_decay) / 2), which rises from about half of β₁ to β₁.

    Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop; as `torch.optim.NAdam`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: β₁ and β₂, the decay rates of m and v.
        eps: added to the denominator for numerical stability.
        weight_decay: the L2 penalty: weight_decay · θ is added to the gradient.
        momentum_decay: how fast μ rises to β₁.
        decoupled_weight_decay: shrink the parameter itself instead, as `AdamW` does.
        maximize: maximize the objective instead of minimizing it.

    Raises:
        ValueError: for a negative number or a beta outside [0, 1).
    """

    numbers: ClassVar[tuple[str, ...]] = ("mu_product",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay}
        super().__init__(params, {**options, "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize})

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError if an option is out of range."""
        super().check(options)
        as_number("momentum_decay", options["momentum_decay"], at_least=0)

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        (beta1, beta2), lr, t = group["betas"], group["lr"], bucket.step
        m, v, decay = self.moments(bucket, gradients, group)
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"])) for step in (t, t + 1))
        # ∏ μᵢ, in single precision as in PyTorch: in double precision, steps would differ from the eighth digit on.
        product = float(np.float32(bucket.numbers.get("mu_product", 1.0)) * np.float32(mu))
        bucket.numbers["mu_product"] = product
        # m̂ = μₜ₊₁ m / (1 - ∏ μᵢ μₜ₊₁) + (1 - μₜ) g / (1 - ∏ μᵢ)
        update = bucket.gather(gradients, lr * (1 - mu) / (1 - product), decay, group["maximize"])
        work = np.multiply(m, lr * mu_next / (1 - product * mu_next))
        update += work
        np.divide(v, 1 - beta2**t, out=work)  # v̂ = v / (1 - β₂ᵗ)
        update /= root_into(work, work, group["eps"])
        bucket.subtract()  # θ ← θ - lr · m̂ / (√v̂ + eps)
