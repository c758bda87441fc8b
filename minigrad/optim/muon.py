"""Muon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any, ClassVar, Literal

import numpy as np

from minigrad.arguments import as_choice, as_flag, as_integer, as_number
from minigrad.engine import Tensor
from minigrad.optim.bucket import Array, Bucket
from minigrad.optim.optimizer import Optimizer


class Muon(Optimizer):
    """Muon: momentum steps, orthogonalised.

    θ ← θ - lr · O, where O approximates the orthogonal matrix nearest to B, the running mean of the gradient.

    Use it for the weight matrices of hidden layers, and another optimizer, such as AdamW, for biases, norm weights,
    embeddings and the last layer. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; as
    `torch.optim.Muon`, except that O is computed in the dtype of the parameter, not in bfloat16.

    Args:
        params: the parameters, with two axes each, or groups of them (see `Optimizer`).
        lr: the learning rate.
        weight_decay: the decay factor; each step subtracts lr · weight_decay · θ.
        momentum: β, the decay rate of B.
        nesterov: use Nesterov momentum: orthogonalise β B + (1 - β) g instead of B.
        ns_coefficients: a, b and c of the Newton–Schulz polynomial.
        eps: the smallest norm that the matrix is divided by.
        ns_steps: the number of Newton–Schulz iterations.
        adjust_lr_fn: "original" multiplies lr by √max(1, rows / columns), "match_rms_adamw" by 0.2 √max(rows, columns),
            which makes steps as long as AdamW's (Liu et al., arXiv:2502.16982); None is "original".

    Raises:
        ValueError: for a parameter that is not a matrix, or a number out of range.
    """

    keeps: ClassVar[tuple[str, ...] | None] = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
    ) -> None:
        options: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov}
        options |= {"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn}
        super().__init__(params, options)

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError for bad options or parameters that aren't matrices."""
        for name in ("lr", "weight_decay", "momentum", "eps"):
            as_number(name, options[name], at_least=0)
        as_flag("nesterov", options["nesterov"])
        coefficients = options["ns_coefficients"]
        if not isinstance(coefficients, (tuple, list)) or len(coefficients) != 3:
            raise ValueError(f"ns_coefficients are three numbers, a, b and c, got {coefficients!r}")
        for name, number in zip("abc", coefficients, strict=True):
            as_number(f"{name} of ns_coefficients", number)
        if as_integer("ns_steps", options["ns_steps"], 0) >= 100:
            raise ValueError(f"ns_steps must be below 100, got {options['ns_steps']}: 5 are enough")
        if options["adjust_lr_fn"] is not None:
            as_choice("adjust_lr_fn", options["adjust_lr_fn"], ("original", "match_rms_adamw"))
        for i, p in enumerate(options.get("params", ())):
            if p.ndim != 2:
                raise ValueError(
                    f"Muon takes matrices, and parameter {i} has the shape {p.shape}; give it "
                    "[p for p in module.parameters() if p.ndim == 2], and the others to an optimizer such as AdamW"
                )

    def update(self, bucket: Bucket, gradients: Sequence[Array], group: Mapping[str, Any]) -> None:
        """Update one bucket."""
        lr, beta = group["lr"], group["momentum"]
        b, update = bucket.state_array("momentum_buffer"), bucket.gather(gradients, 1 - beta)
        b *= beta
        b += update  # B ← β B + (1 - β) g
        if group["nesterov"]:
            update += b * beta  # (1 - β) g + β B
        else:
            np.copyto(update, b)
        for matrix in bucket.matrices():
            rows, columns = matrix.shape
            matched = group["adjust_lr_fn"] == "match_rms_adamw"
            ratio = 0.2 * sqrt(max(rows, columns)) if matched else sqrt(max(1, rows / max(columns, 1)))
            orthogonal = orthogonalised(matrix, group["ns_coefficients"], group["ns_steps"], group["eps"])
            np.multiply(orthogonal, lr * ratio, out=matrix)
        if group["weight_decay"]:
            bucket.scale(1 - lr * group["weight_decay"])
        bucket.subtract()


def orthogonalised(matrix: Array, coefficients: Sequence[float], steps: int, eps: float) -> Array:
    """Orthogonalise a matrix by Newton–Schulz iteration.

    The iteration X ← a X + (b A + c A²) X with A = X Xᵀ changes only the singular values. The default coefficients
    bring them near 1 quickly, but do not converge to 1.

    Returns:
        U S Vᵀ for a matrix U Σ Vᵀ (rows, columns), with all of S between about 0.5 and 1.5.
    """
    a, b, c = coefficients
    x = matrix.T if len(matrix) > matrix.shape[1] else matrix  # X Xᵀ is smaller than Xᵀ X then
    x = x / max(float(np.linalg.norm(x)), eps)  # singular values are at most 1
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if len(matrix) > matrix.shape[1] else x
