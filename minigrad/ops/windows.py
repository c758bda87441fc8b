"""What a kernel sees as it moves over an array, and the adjoint of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from minigrad.engine.dispatch import primitive

Array = NDArray[Any]
Lengths = tuple[int, ...]


def each(name: str, value: int | Lengths, n: int, least: int = 1) -> Lengths:
    """One integer for each of n axes: the same for all, or those given. Raises: ValueError for any other value."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    if len(values) != n or not all(isinstance(v, (int, np.integer)) and v >= least for v in values):
        raise ValueError(f"{name} is an integer of at least {least}, or {n} of them; got {value!r}")
    return values


def counts(size: Lengths, kernel: Lengths, stride: Lengths, dilation: Lengths) -> Lengths:
    """How often a kernel fits along each axis."""
    return tuple(
        (length - d * (k - 1) - 1) // s + 1 for length, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    )


def within(length: int, count: int, shift: int, stride: int) -> tuple[slice, slice]:
    """Of `count` places, of which number p stands at shift + p · stride: those on an axis of `length`, and where."""
    first = max(0, -(shift // stride))
    stop = max(first, min(count, (length - 1 - shift) // stride + 1))
    return slice(first, stop), slice(shift + stride * first, shift + stride * stop, stride)


def places(kernel: Lengths, count: Lengths, stride: Lengths, dilation: Lengths) -> Iterator[tuple[Lengths, Any]]:
    """Yields each offset in the kernel, and the index of the elements that meet it there, on the last axes."""
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
    """What each element of a kernel sees: x (..., *size), result (*kernel, ..., *counts); a read-only view."""
    n = len(kernel)
    places = counts(x.shape[-n:], kernel, stride, dilation)
    lead, steps = x.strides[:-n], x.strides[-n:]
    by_offset, by_place = (tuple(a * b for a, b in zip(steps, times, strict=True)) for times in (dilation, stride))
    return as_strided(x, (*kernel, *x.shape[:-n], *places), (*by_offset, *lead, *by_place), writeable=False)


def _overlap_add(x: Array, size: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """Puts windows back, and adds where they overlap: x (*kernel, ..., *counts), result (..., *size)."""
    n = len(size)
    out = np.zeros((*x.shape[n:-n], *size), x.dtype)
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
