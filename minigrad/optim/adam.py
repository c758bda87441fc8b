"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any, ClassVar, Literal

import numpy as np

from minigrad.arguments import as_choice
from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.moments import Moments, root_into
from minigrad.optim.parameters import listed


class Adam(Moments):
    """Adam: steps scaled by running means of the gradient's moments.

    m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g² are running means of the gradient g and of its square. With the
    bias-corrected m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ), step t is θ ← θ - lr · m̂ / (√v̂ + eps).

    Kingma & Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, algorithm 1; as `torch.optim.Adam`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: β₁ and β₂, the decay rates of m and v.
        eps: added to the denominator for numerical stability.
        weight_decay: the L2 penalty: weight_decay · θ is added to the gradient.
        amsgrad: divide by the root of the largest v so far (AMSGrad; Reddi et al., arXiv:1904.09237).
        maximize: maximize the objective instead of minimizing it.

    Raises:
        ValueError: for a negative number or a beta outside [0, 1).
    """

    keeps: ClassVar[tuple[str, ...] | None] = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    implies: ClassVar[Mapping[str, Any]] = {"decoupled_weight_decay": False}

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**options, "amsgrad": amsgrad, "maximize": maximize})

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        beta1, beta2 = group["betas"]
        m, v, _ = self.moments(bucket, gradients, group)  # m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g²
        if group["amsgrad"]:
            v_max = bucket.state_array("max_exp_avg_sq")
            v = np.maximum(v_max, v, out=v_max)  # v ← max(v_max, v)
        # The paper's "more efficient order" (end of section 2) corrects the bias in scalars, not in arrays:
        # with c = √(1 - β₂ᵗ), √v̂ + eps = (√v + c · eps) / c.
        c = sqrt(1 - beta2**bucket.step)
        update = root_into(bucket.update, v, group["eps"] * c)  # √v + c · eps
        np.divide(m, update, out=update)  # m / (√v + c · eps)
        update *= group["lr"] * c / (1 - beta1**bucket.step)  # lr · m̂ / (√v̂ + eps)
        bucket.subtract()  # θ ← θ - lr · m̂ / (√v̂ + eps)


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Each step first shrinks the parameter itself, θ ← θ - lr · weight_decay · θ, and then applies Adam's update.

    Loshchilov & Hutter, "Decoupled weight decay regularization", arXiv:1711.05101; as `torch.optim.AdamW`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: β₁ and β₂, the decay rates of m and v.
        eps: added to the denominator for numerical stability.
        weight_decay: the decay factor; each step subtracts lr · weight_decay · θ.
        amsgrad: divide by the root of the largest v so far, as in `Adam`.
        maximize: maximize the objective instead of minimizing it.
        decay: which parameters decay: "all", or only the "matrices", as is usual for transformers. With "matrices",
            parameters with fewer than two axes (biases, norm weights) form a group of their own, without decay.

    Raises:
        ValueError: for a negative number, a beta outside [0, 1), an unknown `decay`, or "matrices" combined with
            parameter groups, which set their own weight decay.
    """

    implies: ClassVar[Mapping[str, Any]] = {"decoupled_weight_decay": True}

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decay: Literal["all", "matrices"] = "all",
    ) -> None:
        as_choice("decay", decay, ("all", "matrices"))
        given = params if decay == "all" else _split_matrices(listed(params, type(self).__name__))
        super().__init__(given, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


def _split_matrices(params: Iterable[Any]) -> list[dict[str, Any]]:
    """Split parameters into matrices and others without weight decay."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for p in params:
        if isinstance(p, dict):
            raise ValueError("decay='matrices' is for a list of parameters; give groups a weight_decay each")
        (matrices if getattr(p, "ndim", 0) > 1 else others).append(p)
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
