"""Operations that bring axes together: sums, means, extremes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.broadcast import broadcast_to
from minigrad.engine.dispatch import primitive
from minigrad.ops.elementwise import equal, exp, greater, where

Array = NDArray[Any]
Axis = int | tuple[int, ...] | None


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The reduced axes, counted from the front."""
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tuple(i % ndim for i in axes) if ndim else ()


def _restore(value: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """A result (or its gradient) with the reduced axes back as axes of length one, to stand beside the input."""
    if keepdims or (axis is None and not shape):
        return value
    axes = _axes(axis, len(shape))
    return value.reshape(tuple([1 if i in axes else n for i, n in enumerate(shape)]))


def _count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements go into each result."""
    return math.prod(shape[i] for i in _axes(axis, len(shape)))


def _sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum over an axis, several, or all."""
    return np.add.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


sum = primitive(
    "sum",
    _sum,
    lambda g, x_shape, axis, keepdims: broadcast_to(_restore(g, x_shape, axis, keepdims), x_shape),
    numpy=np.sum,
)


def _mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean over an axis, several, or all."""
    return np.mean(x, axis=axis, keepdims=keepdims)


mean = primitive(
    "mean",
    _mean,
    lambda g, x_shape, axis, keepdims: broadcast_to(
        _restore(g, x_shape, axis, keepdims) / _count(x_shape, axis), x_shape
    ),
    numpy=np.mean,
)


def _var(x: Array, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Array:
    """The variance over an axis, several, or all; divided by the count less `ddof`."""
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _deviation(x: Any, axis: Axis) -> Any:
    return x - x.mean(axis=axis, keepdims=True)


var = primitive(
    "var",
    _var,
    lambda g, x, axis, ddof, keepdims: _restore(g, x.shape, axis, keepdims)
    * (2 / (_count(x.shape, axis) - ddof))
    * _deviation(x, axis),
    numpy=np.var,
)


def _std(x: Array, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Array:
    """The standard deviation over an axis, several, or all; of the variance with `ddof`."""
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _std_rule(g: Any, x: Any, out: Any, axis: Axis, ddof: int, keepdims: bool) -> Any:
    """Deviation / (n s), zero where the deviation s is."""
    s = where(equal(out, 0), 1.0, out)
    return _restore(g / s, x.shape, axis, keepdims) / (_count(x.shape, axis) - ddof) * _deviation(x, axis)


std = primitive("std", _std, _std_rule, numpy=np.std)


def _max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest element over an axis, several, or all."""
    return np.max(x, axis=axis, keepdims=keepdims)


def _min(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest element over an axis, several, or all."""
    return np.min(x, axis=axis, keepdims=keepdims)


def _extreme_rule(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """The gradient goes to the extreme element; several that are equal share it."""
    holds = equal(x, _restore(out, x.shape, axis, keepdims))
    sharers = holds.sum(axis=axis, keepdims=True)
    return where(holds, _restore(g, x.shape, axis, keepdims) / sharers, 0.0)


max = primitive("max", _max, _extreme_rule, numpy=np.max)
min = primitive("min", _min, _extreme_rule, numpy=np.min)


def _logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))) over an axis, several, or all, without overflow."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        result = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return result if keepdims else result.squeeze(_axes(axis, x.ndim))


def _logsumexp_rule(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """Softmax; zero where all is minus infinity."""
    total = _restore(where(greater(out, -np.inf), out, 0.0), x.shape, axis, keepdims)
    return _restore(g, x.shape, axis, keepdims) * exp(x - total)


logsumexp = primitive("logsumexp", _logsumexp, _logsumexp_rule)


def _argmax(x: Array, axis: int | None = None) -> Any:
    """The place of the (first) largest element along an axis, or in the flattened array."""
    return np.argmax(x, axis=axis)


argmax = primitive("argmax", _argmax, numpy=np.argmax)
