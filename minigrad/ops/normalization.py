"""Normalization by mean and deviation, as one operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.cores import LARGE, in_halves
from minigrad.engine.apply import primitive
from minigrad.engine.arrays import filled
from minigrad.engine.broadcast import sum_to
from minigrad.engine.errors import describe
from minigrad.ops.blocks import by_parts
from minigrad.ops.reduction import mean_of, vecdot

Array = NDArray[Any]
Axes = tuple[int, ...]


def _is_by_channel(shape: Axes, axis: Axes) -> bool:
    """Whether `axis` is all axes of (N, C, ...) but the channels, as in batch normalization."""
    return len(shape) > 2 and axis == (0, *range(2, len(shape))) and 0 not in shape


def _are_by_channel(shape: Axes, axis: Axes, *others: Axes | None) -> bool:
    """Whether `axis` is by channel, and weight and bias, if given, have one number per channel."""
    if not _is_by_channel(shape, axis):
        return False
    each = (shape[1], *[1] * (len(shape) - 2))
    return all(other is None or other in (each, (1, *each)) for other in others)


def _are_rows(shape: Axes, axis: Axes, *others: Axes | None) -> bool:
    """Whether `axis` is the last of several, and weight and bias, if given, have the shape of a row."""
    return axis == (-1,) and len(shape) > 1 and all(other is None or other == shape[-1:] for other in others)


def _channel_sums(x: Array, *others: Array) -> Array:
    """Channel sums of x and of its products with others.

    The result is (1 + number of others, 1, C, 1, ...). The products are not stored.
    """
    flats = [array.reshape(*x.shape[:2], -1) for array in (x, *others)]
    sums = np.empty((len(flats), *x.shape[:2]), x.dtype, like=x)
    ones = filled(flats[0].shape[-1], 1, x)

    def work(part: slice) -> None:
        first = flats[0][part]
        for total, other in zip(sums[:, part], (ones, *[flat[part] for flat in flats[1:]]), strict=True):
            total[...] = vecdot(first, other)

    by_parts(work, x)
    return sums.sum(axis=1).reshape(-1, 1, x.shape[1], *[1] * (x.ndim - 2))


def _channel_moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance of each channel, (1, C, 1, ...); not finite where sums overflow the dtype."""
    count = x.size // x.shape[1]
    (mean,) = _channel_sums(x) / count
    squares = np.empty(x.shape[:2], x.dtype, like=x)

    def work(part: slice) -> None:
        block = (x[part] - mean).reshape(-1, x.shape[1], count // len(x))
        squares[part] = vecdot(block, block)

    by_parts(work, x)
    return mean, squares.sum(axis=0).reshape(mean.shape) / count


def _by_rows(work: Callable[[slice], None], x: Array) -> None:
    """Call `work` with all rows, or with half of them on each core."""
    in_halves(lambda start, stop: work(slice(start, stop)), len(x), x.size)


def _mean(x: Array, axis: Axes) -> Array:
    """The mean of x over axes, kept with length one. For rows it is a product with ones, four times as fast."""
    if axis == (-1,):
        return vecdot(x, filled(x.shape[-1], 1, x))[..., None] / x.shape[-1]
    if _is_by_channel(x.shape, axis):
        return _channel_sums(x)[0] / (x.size // x.shape[1])
    return _average(x, axis)


def _average(x: Any, axis: Axes) -> Any:
    """The mean over axes, kept with length one; 0 for no elements, as in an empty batch."""
    return x.mean(axis=axis, keepdims=True) if x.size else x.sum(axis=axis, keepdims=True)


def _mean_product(x: Array, y: Array, axis: Axes) -> Array:
    """The mean of x y over axes, kept with length one. For rows the products are not stored."""
    if axis == (-1,):
        return vecdot(x, y)[..., None] / x.shape[-1]
    if _is_by_channel(x.shape, axis):
        return _channel_sums(x, y)[1] / (x.size // x.shape[1])
    return _average(x * y, axis)


def _standardize(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    axis: Axes = (-1,),
    eps: float = 1e-5,
    center: bool = True,
    moments: Array | None = None,
) -> tuple[Array, Array, Array]:
    """(x - mean) / sqrt(variance + eps) · weight + bias.

    Args:
        x: the array.
        weight: broadcast to x; None for 1.
        bias: broadcast to x; None for 0.
        axis: the axes of the mean and variance.
        eps: added to the variance.
        center: whether to subtract the mean; if False, the variance is the mean square.
        moments: the mean and variance, as the operation `moments` returns them, if they are already known.
    """
    if x.dtype.type is np.float16:  # squares are infinite from 256 on
        out, normal, scale = _standardize(x.astype(np.float32), weight, bias, axis, eps, center, moments)
        return out.astype(np.float16), normal, scale
    if center and _are_by_channel(x.shape, axis, *(None if value is None else value.shape for value in (weight, bias))):
        mean, variance = _channel_moments(x) if moments is None else moments
        if type(x) is not np.ndarray or np.isfinite(variance).all():
            return _standardize_channels(x, weight, bias, mean, 1 / np.sqrt(variance + eps))
    shapes = [None if value is None else value.shape for value in (weight, bias)]
    if x.size >= LARGE and type(x) is np.ndarray and moments is None and _are_rows(x.shape, axis, *shapes):
        found = _standardize_rows(x, weight, bias, eps, center)
        if found is not None:
            return found
    with np.errstate(over="ignore", invalid="ignore"):
        normal = x - (_mean(x, axis) if moments is None else moments[0]) if center else x
        variance = _mean_product(normal, normal, axis) if moments is None else moments[1]
    if type(x) is not np.ndarray or np.isfinite(variance).all():
        scale = 1 / np.sqrt(variance + eps)
        normal = np.multiply(normal, scale, out=normal) if center else normal * scale
    else:
        normal, scale = _standardize_by_size(x, variance, axis, eps, center)
    out = normal if weight is None else normal * weight
    if bias is not None:
        out = np.add(out, bias, out=None if out is normal else out)
    return out.copy() if out is normal else out, normal, scale


def _standardize_channels(
    x: Array, weight: Array | None, bias: Array | None, mean: Array, scale: Array
) -> tuple[Array, Array, Array]:
    """Return (x - mean) · scale · weight + bias, with numbers for each channel; also (x - mean) · scale, and scale."""
    normal, out = np.empty(x.shape, x.dtype, like=x), np.empty(x.shape, x.dtype, like=x)

    def work(part: slice) -> None:
        block = np.subtract(x[part], mean, out=normal[part])
        block *= scale
        result = np.multiply(block, 1 if weight is None else weight, out=out[part])
        if bias is not None:
            result += bias

    by_parts(work, x)
    return out, normal, scale


def _standardize_rows(
    x: Array, weight: Array | None, bias: Array | None, eps: float, center: bool
) -> tuple[Array, Array, Array] | None:
    """Normalize each row; None if a variance is not finite."""
    rows = x.reshape(-1, x.shape[-1])
    normal, out = np.empty(rows.shape, x.dtype), np.empty(rows.shape, x.dtype)
    scale = np.empty((len(rows), 1), x.dtype)

    def work(part: slice) -> None:
        block = rows[part]
        if center:
            block = np.subtract(block, _mean(block, (-1,)), out=normal[part])
        factor = np.divide(1, np.sqrt(_mean_product(block, block, (-1,)) + eps), out=scale[part])
        block = np.multiply(block, factor, out=normal[part])
        result = np.multiply(block, 1 if weight is None else weight, out=out[part])
        if bias is not None:
            result += bias

    with np.errstate(over="ignore", invalid="ignore"):
        _by_rows(work, rows)
    if not scale.all():  # a variance is infinite: rows must be divided by their largest element first
        return None
    return out.reshape(x.shape), normal.reshape(x.shape), scale.reshape(*x.shape[:-1], 1)


def _standardize_by_size(x: Array, variance: Array, axis: Axes, eps: float, center: bool) -> tuple[Array, Array]:
    """Return x normalized without overflow, and the factor.

    Where squares are too large, x is divided by its largest element first.
    """
    largest = np.abs(x).max(axis=axis, keepdims=True) if x.size else np.abs(x).sum(axis=axis, keepdims=True)
    unit = np.where(np.isfinite(largest) & ~np.isfinite(variance) & (largest > 0), largest, 1).astype(x.dtype)
    normal = x / unit
    if center:
        normal -= _mean(normal, axis)
    scale = 1 / np.sqrt(_mean_product(normal, normal, axis) + eps / unit / unit)
    normal *= scale
    return normal, scale / unit


def _moments(x: Array, axis: Axes) -> Array:
    """Mean and variance of x over axes, kept with length one.

    For no elements they are 0 and 1. float16 is computed in float32. A variance too large for the dtype is infinite.
    `standardize` takes them as `moments`.
    """
    if not x.size:
        shape = [1 if i in axis else n for i, n in enumerate(x.shape)]
        return np.stack([np.zeros(shape, x.dtype, like=x), filled(shape, 1, x)])
    if x.dtype.type is np.float16:
        x = x.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        if _is_by_channel(x.shape, axis):
            mean, variance = _channel_moments(x)
            if type(x) is not np.ndarray or np.isfinite(mean).all():
                return np.stack([mean, variance])
        mean = mean_of(x, axis, keepdims=True)
        if type(x) is np.ndarray:
            return np.stack([mean, x.var(axis=axis, mean=mean, keepdims=True)])
        return np.stack([mean, np.square(x - mean).mean(axis=axis, keepdims=True)])


moments = primitive("moments", _moments)


def _normal(x: Any, axis: Axes, eps: float, center: bool) -> tuple[Any, Any]:
    """Return x normalized, and the factor, as differentiable functions of x."""
    normal = x - _average(x, axis) if center else x
    scale = (_average(normal * normal, axis) + eps) ** -0.5
    return normal * scale, scale


def _standardize_x(g: Any, x: Any, weight: Any, axis: Axes, eps: float, center: bool) -> Any:
    """Ioffe and Szegedy, "Batch normalization" (2015), section 3."""
    normal, scale = _normal(x, axis, eps, center)
    slope = g if weight is None else g * weight
    slope = slope - normal * _average(slope * normal, axis)
    return (slope - _average(slope, axis) if center else slope) * scale


def _standardize_fused(
    g: Array,
    needs: Sequence[bool],
    weight: Array | None,
    normal: Array,
    scale: Array,
    axis: Axes,
    center: bool,
    weight_shape: Axes | None,
    bias_shape: Axes | None,
) -> list[Array | None]:
    if center and _are_by_channel(g.shape, axis, weight_shape, bias_shape):
        return _channels_fused(g.astype(normal.dtype, copy=False), needs, weight, normal, scale)
    if g.size >= LARGE and type(g) is np.ndarray and _are_rows(g.shape, axis, weight_shape, bias_shape):
        return _rows_fused(g.astype(normal.dtype, copy=False), needs, weight, normal, scale, center)
    slope = None
    if needs[0]:
        slope = np.multiply(g, 1 if weight is None else weight, dtype=normal.dtype)
        along = normal * _mean_product(slope, normal, axis)
        if center:
            slope -= _mean(slope, axis)
        slope -= along
        slope *= scale
    return [slope, sum_to(g * normal, weight_shape) if needs[1] else None, sum_to(g, bias_shape) if needs[2] else None]


def _channels_fused(
    g: Array, needs: Sequence[bool], weight: Array | None, normal: Array, scale: Array
) -> list[Array | None]:
    """The fused gradients with channel weights.

    The gradient of x is a g + b normal + c, with one a, b and c per channel.
    """
    to_bias, to_weight = _channel_sums(g, normal)  # (1, C, 1, ...)
    slope = None
    if needs[0]:
        a = scale if weight is None else scale * weight
        count = g.size // g.shape[1]
        b, c = a * to_weight / -count, a * to_bias / -count
        slope = np.empty(g.shape, g.dtype, like=g)

        def work(part: slice) -> None:
            block = np.multiply(g[part], a, out=slope[part])
            block += normal[part] * b + c

        by_parts(work, g)
    return [slope, to_weight if needs[1] else None, to_bias if needs[2] else None]


def _rows_fused(
    g: Array, needs: Sequence[bool], weight: Array | None, normal: Array, scale: Array, center: bool
) -> list[Array | None]:
    """The fused gradients for rows of the last axis."""
    shape, length = g.shape, g.shape[-1]
    g, normal, scale = g.reshape(-1, length), normal.reshape(-1, length), scale.reshape(-1, 1)
    slope = np.empty(g.shape, g.dtype) if needs[0] else None
    product = np.empty(g.shape, g.dtype) if needs[1] else None

    def work(part: slice) -> None:
        from_above, block = g[part], normal[part]
        if product is not None:
            np.multiply(from_above, block, out=product[part])
        if slope is not None:
            result = np.multiply(from_above, 1 if weight is None else weight, out=slope[part])
            along = block * _mean_product(result, block, (-1,))
            if center:
                result -= _mean(result, (-1,))
            result -= along
            result *= scale[part]

    _by_rows(work, g)
    return [
        None if slope is None else slope.reshape(shape),
        None if product is None else np.add.reduce(product, axis=0),
        np.add.reduce(g, axis=0) if needs[2] else None,
    ]


standardize = primitive(
    "standardize",
    _standardize,
    _standardize_x,
    lambda g, x, axis, eps, center, weight_shape: sum_to(g * _normal(x, axis, eps, center)[0], weight_shape),
    lambda g, bias_shape: sum_to(g, bias_shape),
    fused=_standardize_fused,
    residuals=("normal", "scale"),
)


def layer_norm(
    x: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Layer normalization over the last axes of x.

    Each row is centered and divided by its standard deviation (Ba et al., arXiv:1607.06450).

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the lengths of the last axes, which form a row.
        weight: the factor of the result, of shape `normalized_shape`.
        bias: added to the result, of shape `normalized_shape`.
        eps: added to the variance.

    Raises:
        ValueError: if x does not end in `normalized_shape`.
    """
    return standardize(x, weight, bias, _last_axes("layer_norm", x, normalized_shape), eps)


def rms_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """Root-mean-square normalization over the last axes of x.

    Each row is divided by its root mean square (Zhang and Sennrich, arXiv:1910.07467).

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the lengths of the last axes, which form a row.
        weight: the factor of the result, of shape `normalized_shape`.
        eps: added to the mean square; the machine epsilon of x's dtype if None.

    Raises:
        ValueError: if x does not end in `normalized_shape`.
    """
    axes = _last_axes("rms_norm", x, normalized_shape)
    return standardize(x, weight, None, axes, float(np.finfo(x.dtype).eps) if eps is None else eps, center=False)


def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Group normalization.

    Each group of channels of each example is centered and divided by its standard deviation (Wu and He,
    arXiv:1803.08494).

    Args:
        x: (N, C, ...).
        num_groups: the number of groups of channels.
        weight: the factor of each channel, (C,).
        bias: added to each channel, (C,).
        eps: added to the variance.

    Raises:
        ValueError: if x has no channels, or num_groups does not divide them.
    """
    if x.ndim < 2 or x.shape[1] % num_groups:
        raise ValueError(f"group_norm of x {describe(x)}: expected (N, C, ...) with C a multiple of {num_groups}")
    grouped = (num_groups, x.shape[1] // num_groups, *[1] * (x.ndim - 2))
    weight, bias = (None if value is None else value.reshape(grouped) for value in (weight, bias))
    groups = x.reshape((len(x), *grouped[:2], *x.shape[2:]))
    return standardize(groups, weight, bias, tuple(range(2, groups.ndim)), eps).reshape(x.shape)


def _last_axes(name: str, x: Any, normalized_shape: int | Sequence[int]) -> Axes:
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(f"{name} of x {describe(x)}: expected its last axes to be {shape}, the normalized_shape")
    return tuple(range(-len(shape), 0))
