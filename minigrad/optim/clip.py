"""Gradients that are kept from being too long."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from minigrad.engine import Tensor


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scales all gradients, in place and by one factor, so that their common Euclidean norm is at most `max_norm`.

    Pascanu et al., arXiv:1211.5063; the factor is PyTorch's, max_norm / (norm + 1e-6).

    Returns the norm before; parameters without a gradient count as 0. If it is not finite, nothing is scaled.

    Raises: ValueError if `max_norm` is not positive.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be larger than 0, got {max_norm}")
    gradients = [gradient for p in parameters if (gradient := p.grad) is not None]
    rows = [gradient.ravel("K") for gradient in gradients]  # any order, so that no copy is made
    norm = sqrt(sum([float(row.dot(row)) for row in rows]))
    if norm > max_norm and norm < float("inf"):
        for gradient in gradients:
            gradient *= max_norm / (norm + 1e-6)
    return norm
