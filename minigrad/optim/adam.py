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

    θ ← θ - lr · m̂ / (√v̂ + eps), with m̂ and v̂ the bias-corrected running means of the gradient and of its square.

    Kingma & Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, algorithm 1; as `torch.optim.Adam`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: how much of each mean stays at each step.
        eps: keeps the division from blowing up where the gradient is 0.
        weight_decay: times the parameter, is added to its gradient (an L2 penalty).
        amsgrad: divides by the largest v so far, so that no step grows again (Reddi et al., arXiv:1904.09237).
        maximize: climb instead, along the gradient.

    Raises:
        ValueError: for a negative number, or a beta that is not from 0 to less than 1.
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
            v_max = bucket.kept("max_exp_avg_sq")
            v = np.maximum(v_max, v, out=v_max)  # v ← max(v_max, v)
        # m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ); with c = √(1 - β₂ᵗ), √v̂ + eps = (√v + c · eps) / c: the paper's
        # "more efficient order" corrects the bias of numbers, not of arrays
        c = sqrt(1 - beta2**bucket.step)
        update = root_into(bucket.update, v, group["eps"] * c)  # √v + c · eps
        np.divide(m, update, out=update)  # m / (√v + c · eps)
        update *= group["lr"] * c / (1 - beta1**bucket.step)  # lr · m̂ / (√v̂ + eps)
        bucket.subtract()  # θ ← θ - lr · m̂ / (√v̂ + eps)


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Weight decay shrinks the parameter itself, θ ← θ - lr · weight_decay · θ, before Adam's step.

    Loshchilov & Hutter, "Decoupled weight decay regularization", arXiv:1711.05101; as `torch.optim.AdamW`.

    Args:
        params: the parameters, or groups of them (see `Optimizer`).
        lr: the learning rate, about the size of each element's step.
        betas: how much of each mean stays at each step.
        eps: keeps the division from blowing up where the gradient is 0.
        weight_decay: how much of the parameter, times lr, goes at each step.
        amsgrad: divides by the largest v so far, as in `Adam`.
        maximize: climb instead, along the gradient.
        decay: what shrinks: `all` parameters, or `matrices`, as is usual for transformers: those of fewer than two axes
            (biases, the weights of norms) become a group of their own, without decay.

    Raises:
        ValueError: for a negative number, a beta that is not from 0 to less than 1, another `decay`, or `matrices`
            beside groups, which say for themselves what decays.
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
        given = params if decay == "all" else _matrices_apart(listed(params, type(self).__name__))
        super().__init__(given, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


def _matrices_apart(params: Iterable[Any]) -> list[dict[str, Any]]:
    """Split parameters into matrices and others without weight decay."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for p in params:
        if isinstance(p, dict):
            raise ValueError("decay='matrices' is for a list of parameters; give groups a weight_decay each")
        (matrices if getattr(p, "ndim", 0) > 1 else others).append(p)
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
