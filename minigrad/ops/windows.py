"""Sliding windows of an array, and their adjoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from minigrad.engine.apply import primitive

Array = NDArray[Any]
Lengths = tuple[int, ...]


def each(name: str, value: Any, n: int, least: int = 1) -> Lengths:
    """One integer per axis, from one number or several.

    Raises:
        ValueError: for any other value.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) and v >= least for v in values)
    if len(values) != n or not whole:
        raise ValueError(f"{name} is an integer of at least {least}, or {n} of them; got {value!r}")
    return tuple(map(int, values))


def counts(size: Lengths, kernel: Lengths, stride: Lengths, dilation: Lengths) -> Lengths:
    """The number of windows along each axis."""
    _expect_kernel(kernel)
    return tuple(
        (length - d * (k - 1) - 1) // s + 1 for length, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    )


def _expect_kernel(kernel: Lengths) -> None:
    if not kernel or min(kernel) < 1:
        raise ValueError(f"a kernel has at least one axis, and is at least 1 long along each; got {kernel}")


def within(length: int, count: int, shift: int, stride: int) -> tuple[slice, slice]:
    """The windows inside an axis of `length`, and their indices.

    There are `count` windows; window p takes the element at shift + p · stride.
    """
    first = max(0, -(shift // stride))
    stop = max(first, min(count, (length - 1 - shift) // stride + 1))
    return slice(first, stop), slice(shift + stride * first, shift + stride * stop, stride)


def places(kernel: Lengths, count: Lengths, stride: Lengths, dilation: Lengths) -> Iterator[tuple[Lengths, Any]]:
    """Yield each kernel offset, with the index of its elements."""
    _expect_kernel(kernel)
    for offset in np.ndindex(kernel):
        yield (
            offset,
            (
                ...,
                *(
                    slice(d * o, d * o + s * (c - 1) + 1, s)
                    for o, c, s, d in zip(offset, count, stride, dilation, strict=True)
                ),
            ),
        )


def _windows(x: Array, kernel: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """Sliding windows of x (..., *size), as a read-only view (*kernel, ..., *counts)."""
    n = len(kernel)
    count = counts(x.shape[-n:], kernel, stride, dilation)
    if type(x) is not np.ndarray:  # arrays of other libraries may lack strides, so this is a copy
        parts = [x[index] for _, index in places(kernel, count, stride, dilation)]
        return np.stack(parts).reshape((*kernel, *x.shape[:-n], *count))
    lead, steps = x.strides[:-n], x.strides[-n:]
    by_offset, by_place = (tuple(a * b for a, b in zip(steps, times, strict=True)) for times in (dilation, stride))
    return as_strided(x, (*kernel, *x.shape[:-n], *count), (*by_offset, *lead, *by_place), writeable=False)


def _overlap_add(x: Array, size: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """Sum overlapping windows x (*kernel, ..., *counts) into an array (..., *size)."""
    n = len(size)
    out = np.zeros((*x.shape[n:-n], *size), x.dtype, like=x)
    for offset, index in places(x.shape[:n], x.shape[-n:], stride, dilation):
        out[index] += x[offset]
    return out


windows = primitive(
    "windows",
    _windows,
    lambda g, x_shape, kernel, stride, dilation: overlap_add(g, x_shape[-len(kernel) :], stride, dilation),
)
overlap_add = primitive(
    "overlap_add",
    _overlap_add,
    lambda g, x_shape, stride, dilation: windows(g, x_shape[: len(stride)], stride, dilation),
)
