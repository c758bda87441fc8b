"""NumPy's differences, gradients, integrals and interpolation."""

from __future__ import annotations

import math
from typing import Any, Literal

from numpy.typing import DTypeLike

from minigrad.engine.arrays import asarray_like, filled
from minigrad.engine.broadcast import astype
from minigrad.engine.errors import describe
from minigrad.ops.compositions import implements, np, operands, values
from minigrad.ops.indexing import as_operand, normalize_axis
from minigrad.ops.windows import windows

_no_value: Any = np._NoValue


@implements("diff")
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = _no_value, append: Any = _no_value) -> Any:
    """The n-th differences along an axis.

    `prepend` and `append` are values joined to the ends of a first.
    """
    if n < 0:
        raise ValueError(f"diff: n is 0 or more, got {n}")
    before, behind = (None if x is _no_value else x for x in (prepend, append))
    a, before, behind = operands(a, before, behind)
    if not a.ndim:
        raise ValueError("diff: expected an array of one or more axes, got a 0-d one")
    axis = normalize_axis(axis, a.ndim, "diff")
    if not n:
        return a
    one = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    before, behind = (x if x is None or x.ndim else np.broadcast_to(x, one) for x in (before, behind))
    parts = [x for x in (before, a, behind) if x is not None]
    a = np.concatenate(parts, axis) if len(parts) > 1 else a
    for _ in range(n):
        later, earlier = (a[(slice(None),) * axis + (part,)] for part in (slice(1, None), slice(None, -1)))
        a = later != earlier if a.dtype == bool else later - earlier
    return a


@implements("ediff1d")
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences in the flattened array.

    `to_begin` and `to_end` are values joined to the ends of the result.
    """
    ary, *ends = operands(ary, to_begin, to_end)
    inner = diff(ary.reshape(-1))
    ends = [x if x is None else x.reshape(-1).astype(inner.dtype) for x in ends]
    parts = [x for x in (ends[0], inner, ends[1]) if x is not None]
    return np.concatenate(parts) if len(parts) > 1 else inner


@implements("gradient")
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Literal[1, 2] = 1) -> Any:
    """The gradient along each axis, by finite differences.

    The differences are central, and one-sided at the ends.

    Args:
        f: the array.
        varargs: the spacing, one number for all axes or one per axis; or the coordinates along an axis, as a vector.
        axis: one axis or several; all if None.
        edge_order: the order of accuracy at the ends, 1 or 2.
    """
    f = as_operand(f)
    f = f if f.dtype.kind == "f" else astype(f, np.float64)
    axes = range(f.ndim) if axis is None else [normalize_axis(int(i), f.ndim, "gradient") for i in np.atleast_1d(axis)]
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"gradient: expected one spacing, or one for each of {len(axes)} axes, got {len(spacings)}")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is 1 or 2, got {edge_order}")
    slopes = [_slope(f, i, spacing, edge_order) for i, spacing in zip(axes, spacings, strict=True)]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _slope(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    y = np.moveaxis(f, axis, -1)
    n = y.shape[-1]
    if n < edge_order + 1:
        raise ValueError(f"gradient: axis {axis} has length {n}, and {edge_order + 1} are needed")
    if np.ndim(spacing) == 0:
        steps = spacing * filled(n - 1, 1, f)
    elif np.shape(spacing) == (n,):
        steps = diff(astype(operands(f, spacing)[1], f.dtype))
    else:
        raise ValueError(f"gradient: expected {n} coordinates along axis {axis}, got the shape {np.shape(spacing)}")
    slopes = diff(y) / steps
    one, two = steps[:-1], steps[1:]
    inner = (slopes[..., :-1] * two + slopes[..., 1:] * one) / (one + two)
    first, last = slopes[..., :1], slopes[..., -1:]
    if edge_order == 2:  # the parabola through three points
        first = first + (first - slopes[..., 1:2]) * steps[0] / (steps[0] + steps[1])
        last = last + (last - slopes[..., -2:-1]) * steps[-1] / (steps[-1] + steps[-2])
    return np.moveaxis(np.concatenate([first, inner, last], -1), -1, axis)


@implements("trapezoid", "trapz")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral along an axis, by the trapezoidal rule.

    The sample points are at coordinates x, or dx apart.
    """
    y, x = operands(y, x)
    y = np.moveaxis(y, axis, -1)
    if x is not None:
        dx = diff(x if x.ndim == 1 else np.moveaxis(x, axis, -1))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


@implements("interp")
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Any:
    """Linear interpolation at x between points (xp, fp).

    Args:
        x: the coordinates to interpolate at.
        xp: the coordinates of the points, ascending unless `period` is given.
        fp: the values of the points.
        left: the value to the left of all points; the value of the first if None.
        right: the value to the right of all points; the value of the last if None.
        period: the period of x, if any.
    """
    x, xp, fp = operands(x, xp, fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"interp: expected as many points xp as values fp, one or more, got {xp.shape} and {fp.shape}")
    if period is not None:
        if period == 0:
            raise ValueError("interp: the period is not 0")
        period = abs(period)
        x, xp = x % period, xp % period
        order = np.argsort(values(xp))
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    where, points = values(x), values(xp)
    low = np.clip(np.searchsorted(points, where, "right") - 1, 0, max(len(points) - 2, 0))
    high = np.minimum(low + 1, len(points) - 1)
    span = np.where(points[high] == points[low], 1.0, xp[high] - xp[low])
    inside = fp[low] + (fp[high] - fp[low]) * ((x - xp[low]) / span)
    inside = np.where(where < points[0], fp[0] if left is None else left, inside)
    return np.where(where > points[-1], fp[-1] if right is None else right, inside)


@implements("unwrap")
def unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    """Unwrap phases by adding periods along an axis.

    Jumps between neighbors that are larger than `discont`, by default half a period, are replaced by their complement.
    """
    p = as_operand(p)
    p = p if p.dtype.kind == "f" else astype(p, np.float64)
    given = values(p)
    periods = np.round((np.unwrap(given, discont, axis, period=period) - given) / period)
    return p + (periods * period).astype(p.dtype)


# Sliding products.


@implements("convolve")
def convolve(a: Any, v: Any, mode: Literal["full", "same", "valid"] = "full") -> Any:
    """The convolution of two vectors."""
    return _slide(*_vectors("convolve", a, v), mode=mode, reverse=True)


@implements("correlate")
def correlate(a: Any, v: Any, mode: Literal["full", "same", "valid"] = "valid") -> Any:
    """The cross-correlation of two vectors."""
    return _slide(*_vectors("correlate", a, v), mode=mode, reverse=False)


def _vectors(name: str, a: Any, v: Any) -> tuple[Any, Any]:
    vectors = [x if x.ndim else x.reshape(1) for x in operands(a, v)]
    if any(x.ndim != 1 or not x.size for x in vectors):
        raise ValueError(f"{name}: expected two vectors that are not empty, got {describe(a)} and {describe(v)}")
    return vectors[0], vectors[1]


def _slide(a: Any, v: Any, mode: str, reverse: bool) -> Any:
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode is 'full', 'same' or 'valid', got {mode!r}")
    if len(v) > len(a):
        swapped = _slide(v, a, mode, reverse)
        return swapped if reverse else np.flip(swapped)
    dtype, n = np.result_type(a.dtype, v.dtype), len(v)
    before = {"full": n - 1, "same": n // 2, "valid": 0}[mode]
    after = {"full": n - 1, "same": n - 1 - n // 2, "valid": 0}[mode]
    padded = np.pad(astype(a, dtype), (before, after))
    return np.matmul(astype(np.flip(v) if reverse else v, dtype), windows(padded, (n,), (1,), (1,)))


# Steps between two ends.


@implements("linspace")
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """`num` evenly spaced numbers from start to stop.

    They lie along a new axis, at `axis`.
    """
    if num < 0:
        raise ValueError(f"linspace: num is 0 or more, got {num}")
    intervals = num - 1 if endpoint else num
    kind = np.result_type(*[x.dtype if hasattr(x, "dtype") else x for x in (start, stop)], 0.0)
    start, stop = np.broadcast_arrays(*operands(start, stop))
    share = (np.arange(num) / max(intervals, 1)).astype(kind).reshape((num, *[1] * start.ndim))
    share = asarray_like(share, start)
    result = np.moveaxis(astype(start * (1 - share) + stop * share, kind), 0, axis)
    if dtype is not None:
        result = astype(np.floor(result) if np.dtype(dtype).kind in "iu" else result, dtype)
    return (result, (stop - start) / (intervals or np.nan)) if retstep else result


@implements("logspace")
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """`num` powers of the base, with evenly spaced exponents.

    The exponents go from start to stop.
    """
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(*operands(start, stop, base))
        base = np.expand_dims(base, axis)
    result = base ** linspace(start, stop, num, endpoint, axis=axis)
    return result if dtype is None else astype(result, dtype)


@implements("geomspace")
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: DTypeLike | None = None, axis: int = 0
) -> Any:
    """`num` numbers in geometric progression from start to stop."""
    start, stop = operands(start, stop)
    if (values(start) * values(stop) <= 0).any():
        raise ValueError("geomspace: start and stop are not 0, and have the same sign")
    ends = (np.log(np.abs(start)), np.log(np.abs(stop)))
    shape = np.broadcast_shapes(start.shape, stop.shape)
    sign = np.expand_dims(np.broadcast_to(np.sign(values(start)), shape), axis)
    result = sign * np.exp(linspace(*ends, num, endpoint, axis=axis))
    return result if dtype is None else astype(result, dtype)
