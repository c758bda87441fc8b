"""Operations that bring axes together: sums, means, extremes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.broadcast import broadcast_to
from minigrad.engine.dispatch import numpy_functions, primitive
from minigrad.engine.primitive import describe
from minigrad.ops.elementwise import abs, equal, exp, greater, isnan, logical_or, sign, where
from minigrad.ops.indexing import as_operand, normalize_axis
from minigrad.ops.scan import cumprod, shift
from minigrad.ops.shape import flip, moveaxis

Array = NDArray[Any]
Axis = int | tuple[int, ...] | None


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The reduced axes, counted from the front."""
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
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
    lambda g, x, axis, ddof, keepdims: (
        _restore(g, x.shape, axis, keepdims) * 2 / (_count(x.shape, axis) - ddof) * _deviation(x, axis)
    ),
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


def _shared(g: Any, x: Any, out: Any, axis: Axis) -> Any:
    """The gradient goes to the elements of x that are `out`, in equal shares; where `out` is NaN, to those."""
    holds = logical_or(equal(x, out), isnan(x))
    return where(holds, g / holds.sum(axis=axis, keepdims=True).astype(g.dtype), 0.0)


def _extreme_rule(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    g, out = (_restore(value, x.shape, axis, keepdims) for value in (g, out))
    return _shared(g, x, out, axis)


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

# Norms.


def _vector_norm(x: Array, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Array:
    """(Σ |x|^ord)^(1/ord) over an axis, several, or all; the largest |x| for ord inf, the smallest for -inf."""
    return np.linalg.vector_norm(x, ord=ord, axis=axis, keepdims=keepdims)  # type: ignore[arg-type]


def _vector_norm_rule(g: Any, x: Any, out: Any, ord: float, axis: Axis, keepdims: bool) -> Any:
    """x / norm for ord 2, sign(x) (|x| / norm)^(ord - 1) in general; zero where the norm is."""
    g, out = (_restore(value, x.shape, axis, keepdims) for value in (g, out))
    if ord == 0:
        return where(False, x, 0.0)
    if math.isinf(ord):
        return sign(x) * _shared(g, abs(x), out, axis)
    share = x / where(equal(out, 0), 1.0, out)
    return g * (share if ord == 2 else sign(x) * where(equal(share, 0), 1.0, abs(share)) ** (ord - 1))


vector_norm = primitive("vector_norm", _vector_norm, _vector_norm_rule, numpy=np.linalg.vector_norm)


def norm(x: Any, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of vectors or matrices, as `numpy.linalg.norm` has it: by default the root of the sum of squares.

    Args:
        ord: of vectors any order, see `vector_norm`; of matrices "fro" (the default), or 1, -1, inf, -inf: the largest
            or smallest sum of |x| over a column or a row.
        axis: of the vectors; two for matrices; None for all elements, or, with an `ord`, those of x.

    Raises: ValueError for another norm of matrices, and where x is no vector or matrix and no axis tells them.
    """
    x = as_operand(x)
    given = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple([normalize_axis(i, x.ndim, "norm") for i in given])
    if ord is None or (ord == "fro" and len(axes) == 2):
        return vector_norm(x, 2, axis, keepdims)
    if len(axes) == 1 and not isinstance(ord, str):
        return vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2 or ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"norm of {describe(x)}: ord={ord!r} over {len(axes)} axes; one axis takes any number, two take 'fro', 1, "
            "-1, inf and -inf (other norms of matrices are made of their singular values)"
        )
    extreme = max if ord > 0 else min
    inner, outer = axes if math.fabs(ord) == 1 else axes[::-1]
    result = extreme(sum(abs(x), axis=inner, keepdims=True), axis=outer, keepdims=True)
    return result if keepdims else result.squeeze(axes)


numpy_functions[np.linalg.norm] = norm

# Products.


def _prod(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The product over an axis, several, or all."""
    return np.multiply.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


def _prod_rule(g: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """The product of all others: of those before and those after, so that it is exact where there are zeros."""
    axes = _axes(axis, x.ndim)
    last = tuple(range(-len(axes), 0))
    front = moveaxis(x, axes, last)
    flat = front.reshape((*front.shape[: x.ndim - len(axes)], _count(x.shape, axis)))
    before = cumprod(shift(flat, 1.0), -1)
    after = flip(cumprod(shift(flip(flat, -1), 1.0), -1), -1)
    others = moveaxis((before * after).reshape(front.shape), last, axes)
    return _restore(g, x.shape, axis, keepdims) * others


prod = primitive("prod", _prod, _prod_rule, numpy=np.prod)

# Places and truth values: constants.


def _argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the (first) largest element along an axis, or in the flattened array."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


def _argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the (first) smallest element along an axis, or in the flattened array."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


def _all(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements over an axis, several, or all, are true (not zero)."""
    return np.all(x, axis=axis, keepdims=keepdims)


def _any(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any element over an axis, several, or all, is true (not zero)."""
    return np.any(x, axis=axis, keepdims=keepdims)


argmax = primitive("argmax", _argmax, numpy=np.argmax)
argmin = primitive("argmin", _argmin, numpy=np.argmin)
all = primitive("all", _all, numpy=np.all)
any = primitive("any", _any, numpy=np.any)
