"""Cumulative sums and products, and linear recurrences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.apply import primitive
from minigrad.engine.arrays import filled
from minigrad.ops.shape import concatenate, flip

Array = NDArray[Any]


def _cumsum(x: Array, axis: int | None = None) -> Array:
    """The cumulative sums along an axis, or (None) flattened."""
    return np.cumsum(x, axis=axis)


cumsum = primitive(
    "cumsum",
    _cumsum,
    lambda g, x_shape, axis: flip(cumsum(flip(g, axis), axis), axis).reshape(x_shape),
    numpy=np.cumsum,
)


def shift(x: Any, first: float) -> Any:
    """Shift x by one along the last axis, `first` leading."""
    front = filled((*x.shape[:-1], min(x.shape[-1], 1)), first, x)
    return concatenate([front, x[..., :-1]], axis=-1)


def _recurrence(x: Array, factor: Array) -> Array:
    """out[i] = x[i] + factor[i] out[i-1] along the last axis, with out[0] = x[0]."""
    out = x.copy()
    for i in range(1, x.shape[-1]):
        out[..., i] += factor[..., i] * out[..., i - 1]
    return out


def _backwards(x: Any, factor: Any) -> Any:
    """out[i] = x[i] + factor[i+1] out[i+1]: the adjoint of the recurrence."""
    return flip(recurrence(flip(x, -1), shift(flip(factor, -1), 0.0)), -1)


recurrence = primitive(
    "recurrence",
    _recurrence,
    lambda g, factor: _backwards(g, factor),
    lambda g, factor, out: _backwards(g, factor) * shift(out, 0.0),
)


def _cumprod(x: Array, axis: int | None = None) -> Array:
    """The cumulative products along an axis, or (None) flattened."""
    return np.cumprod(x, axis=axis)


def _cumprod_rule(g: Any, x: Any, out: Any, axis: int | None) -> Any:
    """The gradient of cumulative products.

    For each element it is the product of the elements before it, times a sum over the later results: of g times the
    product of the elements in between.
    """
    if axis is None or not x.ndim:
        return _cumprod_rule(g, x.reshape(-1), out, 0).reshape(x.shape)
    g, x, out = (value.swapaxes(axis, -1) for value in (g, x, out))
    return (shift(out, 1.0) * _backwards(g, x)).swapaxes(axis, -1)


cumprod = primitive("cumprod", _cumprod, _cumprod_rule, numpy=np.cumprod)
