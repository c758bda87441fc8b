"""Normalisation, as one operation for layers, groups and batches: x less its mean, divided by its deviation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.dispatch import primitive
from minigrad.engine.primitive import describe

Array = NDArray[Any]
Axes = tuple[int, ...]


def _mean(x: Array, axis: Axes) -> Array:
    """The mean of x over axes, which stay as axes of length one; rows are multiplied with ones, four times as fast."""
    if axis == (-1,):
        return np.vecdot(x, np.ones(x.shape[-1], x.dtype))[..., None] / x.shape[-1]
    return x.mean(axis=axis, keepdims=True)


def _mean_product(x: Array, y: Array, axis: Axes) -> Array:
    """The mean of x y over axes, which stay as axes of length one; over rows the products are not written down."""
    if axis == (-1,):
        return np.vecdot(x, y)[..., None] / x.shape[-1]
    return (x * y).mean(axis=axis, keepdims=True)


def _standardize(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    axis: Axes = (-1,),
    eps: float = 1e-5,
    center: bool = True,
    moments: tuple[Array, Array] | None = None,
) -> tuple[Array, Array, Array]:
    """(x - mean) / sqrt(variance + eps) · weight + bias, with the mean and variance of x over `axis`.

    weight and bias are broadcast to x. Without `center` the mean stays, and the variance is the mean square. `moments`
    are the mean and variance, with `axis` as axes of length one, where they are known already.
    """
    normal = x - (moments[0] if moments else _mean(x, axis)) if center else x
    variance = moments[1] if moments else _mean_product(normal, normal, axis)
    scale = 1 / np.sqrt(variance + eps)
    normal = np.multiply(normal, scale, out=normal) if center else normal * scale
    out = normal if weight is None else normal * weight
    if bias is not None:
        out = np.add(out, bias, out=None if out is normal else out)
    return out.copy() if out is normal else out, normal, scale


def _normal(x: Any, axis: Axes, eps: float, center: bool) -> tuple[Any, Any]:
    """x normalised, and the factor by which it was, as functions of x."""
    normal = x - x.mean(axis=axis, keepdims=True) if center else x
    scale = ((normal * normal).mean(axis=axis, keepdims=True) + eps) ** -0.5
    return normal * scale, scale


def _standardize_x(g: Any, x: Any, weight: Any, axis: Axes, eps: float, center: bool) -> Any:
    """Ioffe and Szegedy, "Batch normalization" (2015), section 3."""
    normal, scale = _normal(x, axis, eps, center)
    slope = g if weight is None else g * weight
    slope = slope - normal * (slope * normal).mean(axis=axis, keepdims=True)
    return (slope - slope.mean(axis=axis, keepdims=True) if center else slope) * scale


def _standardize_fast(
    g: Array, needs: Sequence[bool], weight: Array | None, normal: Array, scale: Array, axis: Axes, center: bool
) -> list[Array | None]:
    slope = None
    if needs[0]:
        slope = g * (1 if weight is None else weight)
        along = normal * _mean_product(slope, normal, axis)
        if center:
            slope -= _mean(slope, axis)
        slope -= along
        slope *= scale
    return [slope, g * normal if needs[1] else None, g if needs[2] else None]


standardize = primitive(
    "standardize",
    _standardize,
    _standardize_x,
    lambda g, x, axis, eps, center: g * _normal(x, axis, eps, center)[0],
    lambda g: g,
    fast=_standardize_fast,
    extras=("normal", "scale"),
)


def layer_norm(
    x: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Each row, of the last axes of x, less its mean and divided by its deviation (Ba et al., arXiv:1607.06450).

    Args:
        normalized_shape: the lengths of the last axes that make a row.
        weight: of that shape; what the result is multiplied by.
        bias: of that shape; what is added then.
        eps: what is added to the variance.

    Raises: ValueError if x does not end in `normalized_shape`.
    """
    return standardize(x, weight, bias, _last_axes("layer_norm", x, normalized_shape), eps)


def rms_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """Each row, of the last axes of x, divided by its root mean square (Zhang and Sennrich, arXiv:1910.07467).

    Args:
        normalized_shape: the lengths of the last axes that make a row.
        weight: of that shape; what the result is multiplied by.
        eps: what is added to the mean square; the spacing of numbers at 1 in the dtype of x if None.

    Raises: ValueError if x does not end in `normalized_shape`.
    """
    axes = _last_axes("rms_norm", x, normalized_shape)
    return standardize(x, weight, None, axes, float(np.finfo(x.dtype).eps) if eps is None else eps, center=False)


def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each group of channels of each example less its mean, divided by its deviation (Wu and He, arXiv:1803.08494).

    Args:
        x: (N, C, ...).
        num_groups: into so many groups the channels are divided.
        weight: (C,), what each channel is multiplied by.
        bias: (C,), what is added then.
        eps: what is added to the variance.

    Raises: ValueError if x has no channels, or num_groups does not divide them.
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
