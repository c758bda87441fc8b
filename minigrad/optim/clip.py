"""Gradient clipping by norm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.arguments import as_number
from minigrad.engine import Tensor
from minigrad.engine.arrays import may_be_read
from minigrad.ops.row_gradient import RowGradient
from minigrad.optim.parameters import gradient_of, listed


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float) -> float:
    """Clip the gradients' total Euclidean norm to `max_norm`, in place.

    All gradients are scaled by the same factor, max_norm / (norm + 1e-6) as in PyTorch (Pascanu et al.,
    arXiv:1211.5063). The norm is correct even where squares of the gradients overflow or underflow their dtype.

    Args:
        parameters: a tensor or several; those without a gradient count as 0.
        max_norm: the largest norm allowed, above 0; infinity measures without clipping.

    Returns:
        The norm before clipping. If it is not finite, nothing is scaled.

    Raises:
        ValueError: if `max_norm` is not positive.
        TypeError: for anything but a tensor or an iterable of tensors.
    """
    if max_norm != inf:
        as_number("max_norm", max_norm, above=0, finite=False)
    given = [parameters] if isinstance(parameters, Tensor) else listed(parameters, "clip_grad_norm_")
    gradients = []
    for p in given:
        if not isinstance(p, Tensor):
            raise TypeError(f"clip_grad_norm_ takes tensors, such as module.parameters(), got {p!r}")
        if (gradient := gradient_of(p)) is not None:
            gradients.append(gradient.rows if isinstance(gradient, RowGradient) else gradient)
    norm = _norm(gradients)
    if max_norm < norm < inf:
        factor = max_norm / (norm + 1e-6)
        for gradient in gradients:
            if factor >= np.finfo(gradient.dtype).tiny:
                gradient *= factor
            else:  # the factor underflows in the dtype, though the product does not
                np.multiply(gradient, factor, out=gradient, dtype=np.float64, casting="same_kind")
    return norm


def _norm(gradients: Sequence[NDArray[Any]]) -> float:
    """Return the Euclidean norm of all elements, by dot products where those do not overflow or underflow."""
    rows = [gradient.ravel("K") for gradient in gradients]  # any order, so that no copy is made
    if np.float16 not in [row.dtype for row in rows]:
        with np.errstate(over="ignore", invalid="ignore"):
            squares = _total([row.dot(row) for row in rows])
        if _LEAST_SQUARES < squares < inf:
            return sqrt(squares)
    largest = max([float(np.abs(row).max()) for row in rows if row.size], default=0.0)
    if not 0 < largest < inf:
        return largest
    scaled = [row.astype(np.float64) / largest for row in rows]
    return largest * sqrt(_total([row.dot(row) for row in scaled]))


def _total(numbers: Sequence[Any]) -> float:
    """Return the sum of 0-d arrays in double precision; on a device it is computed there, with one synchronization."""
    if may_be_read(numbers[0] if numbers else 0.0):
        return sum([float(number) for number in numbers])
    return float(sum([number.astype(np.float64) for number in numbers]))


_LEAST_SQUARES = float(np.finfo(np.float32).tiny / np.finfo(np.float32).eps)
"""A sum of squares above this bound lost nothing that matters to underflow in float32."""
