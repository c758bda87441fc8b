"""Reductions with NumPy's keywords, and those that ignore NaN."""

from __future__ import annotations

from typing import Any

from numpy.typing import DTypeLike

from minigrad.engine.arrays import filled
from minigrad.engine.broadcast import astype
from minigrad.ops import elementwise, reduction, scan
from minigrad.ops.compositions import fixed, implements, np, write_out
from minigrad.ops.elementwise import equal, isnan
from minigrad.ops.elementwise import where as choose
from minigrad.ops.indexing import as_operand

Axis = int | tuple[int, ...] | None


def _apply_mask(a: Any, dtype: DTypeLike | None, where: Any, neutral: Any) -> Any:
    """Convert the array to another dtype, with `neutral` where the mask is False."""
    if dtype is not None:
        a = astype(a, dtype)
    return a if where is True else choose(fixed(where, "a mask"), a, neutral)


@implements("sum")
def sum(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The sum of elements over an axis, several, or all.

    Only elements where the mask `where` is true are summed, and `initial` is added.
    """
    total = reduction.sum(_apply_mask(a, dtype, where, 0), axis, keepdims)
    return write_out("sum", total if initial is None else total + initial, out)


@implements("prod")
def prod(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The product of elements over an axis, several, or all.

    Only elements where the mask `where` is true are multiplied, and then `initial`.
    """
    product = reduction.prod(_apply_mask(a, dtype, where, 1), axis, keepdims)
    return write_out("prod", product if initial is None else product * initial, out)


def _extreme(of: Any, of_two: Any, name: str) -> Any:
    def extreme(
        a: Any, axis: Axis = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        if out is not None:
            return write_out(name, extreme(a, axis, None, keepdims, initial, where), out)
        if initial is None:
            if where is not True:
                raise ValueError(f"np.{name} takes where= with initial= only, as it has no neutral element")
            return of(a, axis, keepdims)
        a = as_operand(a)
        a = _apply_mask(a, None, where, initial)
        axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        if 0 in [a.shape[i] for i in axes]:
            return reduction.sum(a, axis, keepdims) + initial  # there are no elements
        return of_two(of(a, axis, keepdims), initial)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = f"The {name}imum over an axis, several, or all, of masked elements and `initial`."
    return implements(name, f"a{name}")(extreme)


max = _extreme(reduction.max, elementwise.maximum, "max")
min = _extreme(reduction.min, elementwise.minimum, "min")


@implements("mean")
def mean(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """The mean over an axis, several, or all.

    Only elements where the mask `where` is true count.
    """
    if where is True:
        return write_out("mean", reduction.mean(a if dtype is None else astype(a, dtype), axis, keepdims), out)
    total = sum(a, axis, dtype, keepdims=keepdims, where=where)
    return write_out("mean", total / _number(a, axis, keepdims, where, total), out)


_mean = mean  # for functions with a parameter `mean`


def _number(a: Any, axis: Axis, keepdims: bool, where: Any, total: Any) -> Any:
    """The number of elements that count; in the dtype of the sum `total` if that is floating-point."""
    count = np.broadcast_to(fixed(where, "a mask"), np.shape(a)).sum(axis=axis, keepdims=keepdims)
    return count.astype(total.dtype) if total.dtype.kind == "f" else count


@implements("var")
def var(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """The variance over an axis, several, or all.

    Only elements where the mask `where` is true count. The squares are about `mean`, if given, and their sum is divided
    by the count less `ddof`, also called `correction`.
    """
    ddof = ddof if correction is None else correction
    if where is True and mean is None:
        return write_out("var", reduction.var(a if dtype is None else astype(a, dtype), axis, ddof, keepdims), out)
    a = a if dtype is None else astype(a, dtype)
    center = _mean(a, axis, keepdims=True, where=where) if mean is None else mean
    total = sum(elementwise.square(_apply_mask(a - center, None, where, 0)), axis, keepdims=keepdims)
    count = _number(a, axis, keepdims, where, total) - ddof
    return write_out("var", total / np.maximum(count, 0), out)


@implements("std")
def std(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """The standard deviation, the root of `var`.

    Where it is zero, its derivative is zero too.
    """
    ddof = ddof if correction is None else correction
    if where is True and mean is None:
        return write_out("std", reduction.std(a if dtype is None else astype(a, dtype), axis, ddof, keepdims), out)
    return write_out("std", _root(var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean)), out)


def _root(x: Any) -> Any:
    """The square root, with a derivative of zero at zero."""
    zero = equal(x, 0)
    return choose(zero, 0.0, elementwise.sqrt(choose(zero, 1.0, x)))


@implements("cumsum")
def cumsum(a: Any, axis: int | None = None, dtype: DTypeLike | None = None, out: Any = None) -> Any:
    """The cumulative sums along an axis, or (None) flattened."""
    return write_out("cumsum", scan.cumsum(a if dtype is None else astype(a, dtype), axis), out)


@implements("cumprod")
def cumprod(a: Any, axis: int | None = None, dtype: DTypeLike | None = None, out: Any = None) -> Any:
    """The cumulative products along an axis, or (None) flattened."""
    return write_out("cumprod", scan.cumprod(a if dtype is None else astype(a, dtype), axis), out)


@implements("ptp")
def ptp(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The maximum minus the minimum."""
    return reduction.max(a, axis, keepdims) - reduction.min(a, axis, keepdims)


def _with_first(a: Any, axis: int | None, scan: Any, first: float, include_initial: bool) -> Any:
    if axis is None:
        if a.ndim > 1:
            raise ValueError(f"an array of {a.ndim} axes needs axis=, along which to add")
        axis = 0
    result = scan(a if a.ndim else a.reshape(1), axis)
    if not include_initial:
        return result
    shape = [1 if i == axis % result.ndim else n for i, n in enumerate(result.shape)]
    return np.concatenate([filled(shape, first, result), result], axis)


@implements("cumulative_sum")
def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: DTypeLike | None = None, include_initial: bool = False
) -> Any:
    """The cumulative sums along an axis.

    If `include_initial`, they begin with 0.
    """
    return _with_first(x if dtype is None else astype(x, dtype), axis, scan.cumsum, 0, include_initial)


@implements("cumulative_prod")
def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: DTypeLike | None = None, include_initial: bool = False
) -> Any:
    """The cumulative products along an axis.

    If `include_initial`, they begin with 1.
    """
    return _with_first(x if dtype is None else astype(x, dtype), axis, scan.cumprod, 1, include_initial)


# Without NaN.


def _numbers(a: Any, where: Any = True) -> Any:
    """The mask of elements that are not NaN and for which `where` is true."""
    return ~isnan(a) & fixed(where, "a mask")


def _without_nan(a: Any) -> Any:
    return choose(isnan(a), 0, a)


@implements("nansum")
def nansum(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """`sum` ignoring NaN."""
    return sum(choose(isnan(a), 0, a), axis, dtype, None, keepdims, initial, where)


@implements("nanprod")
def nanprod(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """`prod` ignoring NaN."""
    return prod(choose(isnan(a), 1, a), axis, dtype, None, keepdims, initial, where)


def _nan_extreme(extreme: Any, name: str, least: float) -> Any:
    def nan_extreme(a: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
        if initial is not None or where is not True:
            return extreme(choose(isnan(a), least, a), axis, None, keepdims, initial, where)
        nothing = np.isnan(a).all(axis=axis, keepdims=keepdims)
        return choose(nothing, np.nan, extreme(choose(isnan(a), least, a), axis, None, keepdims))

    nan_extreme.__name__ = nan_extreme.__qualname__ = name
    nan_extreme.__doc__ = f"`{name[3:]}` ignoring NaN; NaN where all are."
    return implements(name)(nan_extreme)


nanmax = _nan_extreme(max, "nanmax", -np.inf)
nanmin = _nan_extreme(min, "nanmin", np.inf)


@implements("nanmean")
def nanmean(
    a: Any, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False, *, where: Any = True
) -> Any:
    """`mean` ignoring NaN."""
    return mean(_without_nan(a), axis, dtype, None, keepdims, where=_numbers(a, where))


@implements("nanvar")
def nanvar(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """`var` ignoring NaN.

    It is NaN where there are no more than `ddof` numbers.
    """
    ddof, numbers = ddof if correction is None else correction, _numbers(a, where)
    variance = var(_without_nan(a), axis, dtype, None, ddof, keepdims, where=numbers, mean=mean)
    return choose(numbers.sum(axis=axis, keepdims=keepdims) <= ddof, np.nan, variance)


@implements("nanstd")
def nanstd(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """`std` ignoring NaN."""
    return _root(nanvar(a, axis, dtype, ddof, keepdims, where=where, mean=mean, correction=correction))


@implements("nancumsum")
def nancumsum(a: Any, axis: int | None = None, dtype: DTypeLike | None = None) -> Any:
    """`cumsum` with 0 for NaN."""
    return cumsum(choose(isnan(a), 0, a), axis, dtype)


@implements("nancumprod")
def nancumprod(a: Any, axis: int | None = None, dtype: DTypeLike | None = None) -> Any:
    """`cumprod` with 1 for NaN."""
    return cumprod(choose(isnan(a), 1, a), axis, dtype)
