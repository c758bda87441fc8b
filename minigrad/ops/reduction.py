"""Reductions: sums, means, norms and extremes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.apply import numpy_functions, primitive
from minigrad.engine.broadcast import broadcast_to
from minigrad.engine.errors import describe
from minigrad.ops.elementwise import abs, equal, exp, greater, isnan, logical_or, sign, where
from minigrad.ops.indexing import as_operand, normalize_axis
from minigrad.ops.scan import cumprod, shift
from minigrad.ops.shape import flip, moveaxis

Array = NDArray[Any]
Axis = int | tuple[int, ...] | None


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the reduced axes, counted from the front."""
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(i % ndim for i in axes) if ndim else ()


def _restore(value: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """Restore the reduced axes of a result, or of its gradient, with length one, to broadcast it with the input."""
    if keepdims or (axis is None and not shape):
        return value
    axes = _axes(axis, len(shape))
    return value.reshape(tuple([1 if i in axes else n for i, n in enumerate(shape)]))


def _count(shape: tuple[int, ...], axis: Axis) -> int:
    """The number of elements in each result."""
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


def mean_of(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The mean over an axis, several, or all.

    It is correct even where the sum overflows the dtype.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        result = np.mean(x, axis=axis, keepdims=keepdims)
        if type(x) is not np.ndarray or x.dtype.kind != "f" or _is_finite(result):
            return result
        return np.add.reduce(x / _count(x.shape, axis), axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


def _is_finite(result: Any) -> bool:
    return math.isfinite(result) if np.ndim(result) == 0 else bool(np.isfinite(result).all())


def _by_size(measure: Callable[[Array], Any], x: Array, axis: Axis, keepdims: bool, power: float = 2.0) -> Any:
    """A homogeneous function of x, such as a norm, without overflow.

    If the powers of x that it sums overflow or underflow, x is divided by the largest |x| first, and the result
    multiplied by it.

    Args:
        measure: the function, with axes and `keepdims` bound.
        x: the array.
        axis: the reduced axes.
        keepdims: whether the reduced axes are kept with length one.
        power: the power of x that is summed.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        result = measure(x)
        if type(x) is not np.ndarray:
            return result
        exact = np.isfinite(result) & (result >= _LEAST.get(x.dtype.type, 0.0) ** (1 / power))
        if not x.size or exact.all():
            return result
        largest = np.max(np.abs(x), axis=axis, keepdims=True)
        unit = np.where(np.isfinite(largest) & (largest > 0), largest, 1).astype(x.dtype)
        return np.where(exact, result, measure(x / unit) * unit.reshape(result.shape))


_LEAST = {t: float(np.finfo(t).tiny / np.finfo(t).eps) for t in (np.float32, np.float64)}
"""The smallest sum of powers in which no term that matters can have underflowed."""


mean = primitive(
    "mean",
    mean_of,
    lambda g, x_shape, axis, keepdims: broadcast_to(
        _restore(g, x_shape, axis, keepdims) / _count(x_shape, axis), x_shape
    ),
    numpy=np.mean,
)


def _var(x: Array, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Array:
    """The variance over an axis, several, or all: the sum of squares divided by the count less `ddof`."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)
        return result if type(x) is not np.ndarray or _is_finite(result) else np.square(_std(x, axis, ddof, keepdims))


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
    """The standard deviation over an axis, several, or all: the root of the variance with `ddof`."""
    return _by_size(lambda x: np.std(x, axis=axis, ddof=ddof, keepdims=keepdims), x, axis, keepdims)


def _std_rule(g: Any, x: Any, out: Any, axis: Axis, ddof: int, keepdims: bool) -> Any:
    """g · deviation / (n s), with s the standard deviation; 0 where s is 0, to every order of derivative."""
    zero = equal(out, 0)
    share = where(zero, 0.0, g / where(zero, 1.0, out))
    return _restore(share, x.shape, axis, keepdims) / (_count(x.shape, axis) - ddof) * _deviation(x, axis)


std = primitive("std", _std, _std_rule, numpy=np.std)


def _max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest element over an axis, several, or all."""
    return np.max(x, axis=axis, keepdims=keepdims)


def _min(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest element over an axis, several, or all."""
    return np.min(x, axis=axis, keepdims=keepdims)


def _share_equally(g: Any, x: Any, out: Any, axis: Axis) -> Any:
    """The gradient, shared equally by the elements equal to `out`; by the NaN elements where `out` is NaN."""
    holds = logical_or(equal(x, out), isnan(x))
    return where(holds, g / holds.sum(axis=axis, keepdims=True).astype(g.dtype), 0.0)


def _extreme_rule(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    g, out = (_restore(value, x.shape, axis, keepdims) for value in (g, out))
    return _share_equally(g, x, out, axis)


max = primitive("max", _max, _extreme_rule, numpy=np.max)
min = primitive("min", _min, _extreme_rule, numpy=np.min)


def _logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))) over an axis, several, or all, without overflow."""
    top = (np.max if x.size else np.sum)(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        result = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return result if keepdims else result.squeeze(_axes(axis, x.ndim))


def _logsumexp_rule(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """g times softmax; zero where all elements are minus infinity."""
    total = _restore(where(greater(out, -np.inf), out, 0.0), x.shape, axis, keepdims)
    return _restore(g, x.shape, axis, keepdims) * exp(x - total)


logsumexp = primitive("logsumexp", _logsumexp, _logsumexp_rule)

# Norms.


def vecdot(x: Array, y: Array) -> Any:
    """The dot products along the last axis.

    It is written out because CuPy has no `vecdot`.
    """
    return np.vecdot(x, y) if type(x) is np.ndarray else (x * y).sum(axis=-1)


def _vector_norm(x: Array, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Array:
    """(Σ |x|^ord)^(1/ord) over an axis, several, or all; the largest |x| for ord inf, the smallest for -inf."""
    if x.dtype.type is np.float16:  # NumPy sums their squares without scaling
        return _vector_norm(x.astype(np.float32), ord, axis, keepdims).astype(np.float16)

    def measure(x: Array) -> Any:
        if type(x) is np.ndarray:
            return np.linalg.vector_norm(x, ord=ord, axis=axis, keepdims=keepdims)  # type: ignore[arg-type]
        axes = _axes(axis, x.ndim)  # CuPy has only `norm`, which treats two axes as a matrix
        rest = [i for i in range(x.ndim) if i not in axes]
        flat = x.transpose((*rest, *axes)).reshape((*[x.shape[i] for i in rest], _count(x.shape, axis)))
        result = np.linalg.norm(flat, ord=ord, axis=-1)
        return _restore(result, x.shape, axis, False) if keepdims else result

    return _by_size(measure, x, axis, keepdims, ord) if 0 < ord < math.inf else measure(x)


def _vector_norm_rule(g: Any, x: Any, out: Any, ord: float, axis: Axis, keepdims: bool) -> Any:
    """g sign(x) (|x| / norm)^(ord - 1), which for ord 2 is g x / norm; zero where the norm is 0."""
    g, out = (_restore(value, x.shape, axis, keepdims) for value in (g, out))
    if ord == 0:
        return where(False, x, 0.0)
    if math.isinf(ord):
        return sign(x) * _share_equally(g, abs(x), out, axis)
    zero = equal(out, 0)
    share = where(zero, 0.0, x / where(zero, 1.0, out))
    return g * (share if ord == 2 else sign(x) * where(equal(share, 0), 1.0, abs(share)) ** (ord - 1))


vector_norm = primitive("vector_norm", _vector_norm, _vector_norm_rule, numpy=np.linalg.vector_norm)


def norm(x: Any, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of vectors or matrices, as `numpy.linalg.norm`.

    By default it is the root of the sum of squares.

    Args:
        x: the array.
        ord: for vectors any order, as in `vector_norm`. For matrices "fro" (the default); 1 and -1, the largest and
            smallest sum of |x| over a column; or inf and -inf, over a row.
        axis: the axis of vectors, or two axes of matrices. None means all elements or, with `ord`, the axes of x.
        keepdims: whether the reduced axes are kept with length one.

    Raises:
        ValueError: for another matrix norm, or if `axis` is None, `ord` is given, and x is neither a vector nor a
            matrix.
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
    """g times the product of all other elements, those before times those after, which is exact even with zeros."""
    axes = _axes(axis, x.ndim)
    last = tuple(range(-len(axes), 0))
    front = moveaxis(x, axes, last)
    flat = front.reshape((*front.shape[: x.ndim - len(axes)], _count(x.shape, axis)))
    before = cumprod(shift(flat, 1.0), -1)
    after = flip(cumprod(shift(flip(flat, -1), 1.0), -1), -1)
    others = moveaxis((before * after).reshape(front.shape), last, axes)
    return _restore(g, x.shape, axis, keepdims) * others


prod = primitive("prod", _prod, _prod_rule, numpy=np.prod)

# Indices and booleans, which are constants.


def _argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first maximum along an axis, or in the flattened array if the axis is None."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


def _argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first minimum along an axis, or in the flattened array if the axis is None."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


def _all(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements are true (not zero), over an axis, several, or all."""
    return np.all(x, axis=axis, keepdims=keepdims)


def _any(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any element is true (not zero), over an axis, several, or all."""
    return np.any(x, axis=axis, keepdims=keepdims)


argmax = primitive("argmax", _argmax, numpy=np.argmax)
argmin = primitive("argmin", _argmin, numpy=np.argmin)
all = primitive("all", _all, numpy=np.all)
any = primitive("any", _any, numpy=np.any)
