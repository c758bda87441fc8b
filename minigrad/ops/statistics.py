"""NumPy's averages, quantiles, covariances and counts."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import DTypeLike

from minigrad.devices import on_cpu
from minigrad.engine.arrays import asarray_like, filled
from minigrad.engine.broadcast import astype
from minigrad.ops.compositions import constant, implements, np, operands, values
from minigrad.ops.indexing import as_operand, index_add, normalize_axis
from minigrad.ops.reductions import Axis


@implements("average")
def average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """The weighted mean over an axis, several, or all.

    Args:
        a: the array.
        axis: the axes to average over; None for all.
        weights: the weights, in the shape of the array or of the averaged axes; None for equal weights.
        returned: whether to return the sum of the weights as well.
        keepdims: whether the averaged axes are kept with length one.
    """
    a = as_operand(a)
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        total = filled(result.shape, a.size / max(result.size, 1), result)
        return (result, total) if returned else result
    a, weights = operands(a, weights)
    weights = _broadcast_weights("average", weights, a, axis)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    result = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (result, np.broadcast_to(total, result.shape)) if returned else result


def _broadcast_weights(name: str, weights: Any, a: Any, axis: Axis) -> Any:
    """Broadcast weights, of the elements or of the reduced axes, to the shape of the array."""
    if weights.shape == a.shape:
        return weights
    axes = [normalize_axis(i, a.ndim, name) for i in np.atleast_1d([] if axis is None else axis).tolist()]
    if weights.shape != tuple([a.shape[i] for i in axes]):
        raise ValueError(
            f"{name}: weights of shape {weights.shape} fit neither the array, {a.shape}, nor the axes {axis}"
        )
    along = np.transpose(weights, np.argsort(axes).tolist())
    return np.broadcast_to(along.reshape([n if i in axes else 1 for i, n in enumerate(a.shape)]), a.shape)


# Quantiles.


def _rows(a: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """Return the array with the reduced axes flattened into the last, and its shape with them as axes of length one."""
    given = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [normalize_axis(i, a.ndim, "quantile") for i in given]
    rest = [i for i in range(a.ndim) if i not in axes]
    front = np.transpose(a, [*rest, *axes])
    length = math.prod(a.shape[i] for i in axes)
    kept = tuple([1 if i in axes else n for i, n in enumerate(a.shape)])
    return front.reshape([*(a.shape[i] for i in rest), length]), kept


def _between(rows: Any, q: Any, method: str) -> Any:
    """The quantiles of sorted rows, by interpolation.

    Each lies between two neighbors, at a position that depends only on the number of elements. The position is the
    quantile of 0, 1, 2, ..., which NumPy computes by any of its methods.
    """
    n = rows.shape[-1]
    place = np.asarray(np.quantile(np.arange(n, dtype=np.float64), q, method=method))
    low = np.clip(np.floor(place), 0, n - 1).astype(np.intp)
    share = (place - low).astype(rows.dtype if rows.dtype.kind == "f" else np.float64)
    share = asarray_like(share, rows)
    below, above = rows[..., low], rows[..., np.minimum(low + 1, n - 1)]
    # where both neighbors are infinite, their difference is NaN
    return np.where(share == 0, below, np.where(share == 1, above, below + (above - below) * share))


def _weighted(rows: Any, weights: Any, q: Any, without_nan: bool) -> Any:
    """Weighted quantiles of rows.

    Each is the first element, in ascending order, at which the cumulative weight reaches the fraction q of the total.
    """
    order = np.argsort(rows, axis=-1)
    rows, weights = np.take_along_axis(rows, order, -1), np.take_along_axis(weights, order, -1)
    shares = np.cumsum(np.where(np.isnan(rows), 0, weights) if without_nan else weights, axis=-1)
    shares = shares / shares[:, -1:]
    shares = np.where(shares == 0, -1, shares)  # q = 0 gives the first element with a weight
    place = np.minimum(np.sum(shares[:, None] < asarray_like(q.reshape((-1, 1)), rows), axis=-1), rows.shape[-1] - 1)
    found = np.take_along_axis(rows, place, -1)
    return found if without_nan else np.where(np.isnan(rows[:, -1:]), np.nan, found)


def _unweighted(rows: Any, q: Any, method: str, without_nan: bool) -> Any:
    """The quantiles of rows: of their non-NaN elements if `without_nan`, else NaN for a row with a NaN."""
    rows, ones = np.sort(rows, axis=-1), (1,) * q.ndim  # NaN comes last
    if not without_nan:
        return np.where(np.isnan(rows[:, -1]).reshape((-1, *ones)), np.nan, _between(rows, q, method))
    counts = on_cpu(np.sum(~np.isnan(values(rows)), axis=-1)).tolist()
    nothing = filled(q.shape, np.nan, rows)
    return np.stack([_between(row[:n], q, method) if n else nothing for row, n in zip(rows, counts, strict=True)])


def _quantile(
    name: str, a: Any, q: Any, axis: Axis, method: str, keepdims: bool, weights: Any, without_nan: bool = False
) -> Any:
    a, q = as_operand(a), np.asarray(on_cpu(constant(q, f"np.{name} in its q")), np.float64)
    if ((q < 0) | (q > 1)).any():
        raise ValueError(f"np.{name}: expected shares in [0, 1] (percentiles in [0, 100]), got {q.tolist()}")
    rows, kept = _rows(a if a.dtype.kind == "f" else astype(a, np.float64), axis)
    places, rows = rows.shape[:-1], rows.reshape((-1, rows.shape[-1]))
    if weights is not None:
        if method != "inverted_cdf":
            raise ValueError(f"np.{name} takes weights with method='inverted_cdf', got {method!r}")
        weights = asarray_like(np.asarray(on_cpu(constant(weights, f"np.{name} in its weights")), np.float64), a)
        if not (weights >= 0).all():
            raise ValueError(f"np.{name}: weights are at least 0")
        weights = _rows(_broadcast_weights(name, weights, a, axis), axis)[0].reshape(rows.shape)
    if not rows.size:
        result = filled((*places, *q.shape), np.nan, rows)
    elif weights is not None:
        result = _weighted(rows, weights, q, without_nan)
    else:
        result = _unweighted(rows, q, method, without_nan)
    result = np.moveaxis(result.reshape((*places, *q.shape)), range(len(places), len(places) + q.ndim), range(q.ndim))
    return result.reshape((*q.shape, *kept)) if keepdims else result


@implements("quantile")
def quantile(
    a: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False, *, weights: Any = None
) -> Any:
    """The q-th quantile over an axis, several, or all.

    The gradient goes to the two elements between which it lies; there is none with respect to q.
    """
    return _quantile("quantile", a, q, axis, method, keepdims, weights)


@implements("percentile")
def percentile(
    a: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False, *, weights: Any = None
) -> Any:
    """`quantile` of q / 100."""
    return _quantile("percentile", a, np.true_divide(values(q), 100), axis, method, keepdims, weights)


@implements("median")
def median(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The median over an axis, several, or all."""
    return _quantile("median", a, 0.5, axis, "linear", keepdims, None)


@implements("nanquantile")
def nanquantile(
    a: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False, *, weights: Any = None
) -> Any:
    """`quantile` ignoring NaN."""
    return _quantile("nanquantile", a, q, axis, method, keepdims, weights, True)


@implements("nanpercentile")
def nanpercentile(
    a: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False, *, weights: Any = None
) -> Any:
    """`percentile` ignoring NaN."""
    return _quantile("nanpercentile", a, np.true_divide(values(q), 100), axis, method, keepdims, weights, True)


@implements("nanmedian")
def nanmedian(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """`median` ignoring NaN."""
    return _quantile("nanmedian", a, 0.5, axis, "linear", keepdims, None, True)


# Covariances.


@implements("cov")
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: DTypeLike | None = None,
) -> Any:
    """The covariance matrix of variables.

    Args:
        m: the variables, one per row.
        y: further variables, in the same form.
        rowvar: whether variables are rows; if False, they are columns.
        bias: whether to divide by the number of observations, not by one less.
        ddof: the number to subtract from the number of observations instead.
        fweights: how often each observation counts, as integers.
        aweights: the weight of each observation.
        dtype: the dtype of the result.
    """
    parts = []
    for part in operands(m, y):
        if part is not None:
            if part.ndim > 2:
                raise ValueError(f"cov: expected vectors or matrices, got {part.ndim} axes")
            part = part.reshape((1, -1)) if part.ndim < 2 else part if rowvar else part.T
            parts.append(part if part.dtype.kind == "f" else astype(part, np.float64))
    x = np.concatenate(parts) if len(parts) > 1 else parts[0]
    x = x if dtype is None else astype(x, dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    frequencies = None if fweights is None else as_operand(constant(fweights, "cov in fweights"))
    if frequencies is not None and frequencies.dtype.kind == "f" and (frequencies != np.round(frequencies)).any():
        raise TypeError("cov: fweights are integers; use aweights for others")
    aweights = operands(x, aweights)[1]
    weights = [w for w in (frequencies, aweights) if w is not None]
    for w in weights:
        if w.shape != x.shape[1:]:
            raise ValueError(f"cov: expected a weight for each of {x.shape[1]} observations, got the shape {w.shape}")
    if not weights:
        centered = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(centered @ (centered.T / max(x.shape[1] - ddof, 0)))
    w = math.prod(weights[1:], start=weights[0])
    total = np.sum(w)
    if aweights is not None and ddof:
        factor = total - ddof * np.sum(w * aweights) / total
    else:
        factor = total - ddof
    centered = x - (np.sum(x * w, axis=1) / total)[:, None]
    return np.squeeze((centered * w) @ centered.T / np.maximum(factor, 0))


@implements("corrcoef")
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: DTypeLike | None = None) -> Any:
    """The correlation matrix of variables, as `cov` takes them."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    return np.clip(c / deviation[:, None] / deviation, -1, 1)


# Counts.


@implements("bincount")
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Count each integer, or sum its weights."""
    places = np.asarray(on_cpu(constant(x, "the places of bincount")))
    if weights is None:
        return np.bincount(places, None, minlength)
    length = max(minlength, int(places.max(initial=-1)) + 1)
    return index_add(as_operand(weights), places, (length,))


@implements("histogram")
def histogram(a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None) -> Any:
    """The counts of bins, or sums of weights, and edges."""
    numbers, bins = on_cpu(values(a)), on_cpu(values(bins))
    if weights is None:
        return np.histogram(numbers, bins, range, density)
    edges = np.histogram_bin_edges(numbers, bins, range, None)
    flat = np.asarray(numbers).reshape(-1)
    place = np.searchsorted(edges, flat, "right") - 1
    place[flat == edges[-1]] = len(edges) - 2
    inside = np.flatnonzero((place >= 0) & (place < len(edges) - 1))
    count = index_add(as_operand(weights).reshape(-1)[inside], place[inside], (len(edges) - 1,))
    return (count / asarray_like(np.diff(edges), count) / np.sum(count) if density else count), edges
