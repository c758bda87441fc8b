"""Resizing of images and signals."""

from __future__ import annotations

from math import floor
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.arrays import asarray_like
from minigrad.ops.indexing import take
from minigrad.ops.shape import reshape, swapaxes, transpose
from minigrad.ops.windows import each

Array = NDArray[Any]
Mode = Literal["nearest", "linear", "bilinear", "bicubic", "trilinear"]

AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
"""The number of axes of each mode."""

SHARPNESS = -0.75
"""The parameter a of the cubic kernel, -0.75 as in PyTorch and OpenCV (Keys, IEEE Trans. ASSP 29, 1981: -0.5)."""


def interpolate(
    x: Any,
    size: int | tuple[int, ...] | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: Mode = "nearest",
    align_corners: bool | None = None,
) -> Any:
    """Resize x (N, C, *lengths), as `torch.nn.functional.interpolate`.

    Args:
        x: (N, C, *lengths).
        size: the new lengths, one number or one per axis.
        scale_factor: the factor of the lengths, one number or one per axis; the products are rounded down. Give either
            this or `size`.
        mode: "nearest" takes the nearest element; "linear", "bilinear" and "trilinear" interpolate linearly over one,
            two and three axes; "bicubic" interpolates with cubics over two axes.
        align_corners: whether the centers of the corner elements are aligned; otherwise their outer edges are.

    Every mode but "nearest" is a product with a matrix of mostly zeros, so an infinite element makes its line NaN.

    Raises:
        ValueError: for a mode that does not match the number of axes, `align_corners` with "nearest", none or both of
            `size` and `scale_factor`, or lengths below 1.
    """
    n = x.ndim - 2
    if not 1 <= n <= 3:
        raise ValueError(f"interpolate takes (N, C, *lengths) with one to three lengths, got {x.shape}")
    if mode != "nearest" and AXES.get(mode) != n:
        fitting = [name for name in ("nearest", *AXES) if AXES.get(name, n) == n]
        raise ValueError(f"mode {mode!r} is not for {n} axes, as of x {x.shape}; these are: {', '.join(fitting)}")
    if mode == "nearest" and align_corners is not None:
        raise ValueError("align_corners is for modes that draw lines between elements, and mode is 'nearest'")
    lengths, scales = _lengths(x.shape[2:], size, scale_factor)
    for axis, (length, new, scale) in enumerate(zip(x.shape[2:], lengths, scales, strict=True), 2):
        if mode == "nearest":
            # In single precision, as in PyTorch: which of two elements is nearest may depend on it.
            places = np.floor(np.arange(new, dtype=np.float32) * np.float32(scale)).astype(np.intp)
            x = take(x, np.minimum(places, length - 1), axis)
        else:
            places = _places(length, new, scale, bool(align_corners))
            weights = (_cubic if mode == "bicubic" else _linear)(length, places)
            x = swapaxes(swapaxes(x, axis, -1) @ asarray_like(weights.astype(x.dtype), x), axis, -1)
    return x


def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    """Rearrange r² channels into the pixels of a square.

    (..., C · r², H, W) becomes (..., C, H · r, W · r) (Shi et al., arXiv:1609.05158).

    Args:
        x: (..., C · r², H, W).
        upscale_factor: r.

    Raises:
        ValueError: for fewer than three axes, or if the number of channels is not a multiple of r².
    """
    (r,) = each("upscale_factor", upscale_factor, 1)
    if x.ndim < 3 or x.shape[-3] % r**2:
        raise ValueError(f"pixel_shuffle takes (..., C · {r**2}, H, W) for upscale_factor {r}, got {x.shape}")
    *lead, channels, height, width = x.shape
    x = reshape(x, (*lead, channels // r**2, r, r, height, width))
    k = len(lead)
    x = transpose(x, (*range(k + 1), k + 3, k + 1, k + 4, k + 2))
    return reshape(x, (*lead, channels // r**2, height * r, width * r))


def _lengths(old: tuple[int, ...], size: Any, scale_factor: Any) -> tuple[tuple[int, ...], list[float]]:
    """The new lengths, and the input step per output element."""
    n = len(old)
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate takes size or scale_factor, one of the two")
    if not all(old):
        raise ValueError(f"an axis without elements has nothing to interpolate: lengths {old}")
    if size is not None:
        new = each("size", size, n)
        return new, [length / m for length, m in zip(old, new, strict=True)]
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * n
    if len(factors) != n:
        raise ValueError(f"scale_factor is a number, or {n} of them, got {scale_factor!r}")
    new = tuple(floor(length * factor) for length, factor in zip(old, factors, strict=True))
    if min(new) < 1:
        raise ValueError(f"lengths {old} times {scale_factor} are below 1")
    return new, [1 / factor for factor in factors]


def _places(old: int, new: int, scale: float, align_corners: bool) -> Array:
    """The input coordinates of new elements: (new,)."""
    if align_corners:
        return np.arange(new) * ((old - 1) / (new - 1) if new > 1 else 0.0)
    return (np.arange(new) + 0.5) * scale - 0.5


def _linear(length: int, places: Array) -> Array:
    """The matrix (length, new) of linear interpolation."""
    places = np.clip(places, 0, length - 1)
    return np.maximum(0, 1 - np.abs(np.arange(length)[:, None] - places))


def _cubic(length: int, places: Array) -> Array:
    """The matrix (length, new) of cubic interpolation, with the end elements repeated."""
    a = SHARPNESS
    weights = np.zeros((length, len(places)))
    columns = np.arange(len(places))
    for neighbor in range(-1, 3):
        at = np.floor(places) + neighbor
        d = np.abs(places - at)
        near = ((a + 2) * d - (a + 3)) * d * d + 1  # for |d| ≤ 1
        far = ((d - 5) * d + 8) * d * a - 4 * a  # for 1 < |d| < 2
        weight = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
        np.add.at(weights, (np.clip(at, 0, length - 1).astype(np.intp), columns), weight)
    return weights
