"""Adaptive pooling: the mean or maximum over a fixed grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.arrays import asarray_like
from minigrad.ops.elementwise import where
from minigrad.ops.pooling import expect_axes, lowest
from minigrad.ops.reduction import max as maximum_of
from minigrad.ops.shape import swapaxes
from minigrad.ops.windows import Lengths, each

Array = NDArray[Any]
Sizes = int | tuple[int | None, ...] | None


def adaptive_avg_pool1d(x: Any, output_size: Sizes) -> Any:
    """Average the last axis to `output_size`.

    See `adaptive_avg_pool2d`.
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: Sizes) -> Any:
    """Average the last two axes to a grid.

    Window i of m over n elements goes from floor(i n / m) to ceil((i + 1) n / m). Windows overlap if m does not divide
    n.

    Args:
        x: (..., H, W); the result is (..., *output_size).
        output_size: the size of the grid, one number for both axes or one for each; None leaves an axis unchanged.

    Raises:
        ValueError: if x has fewer than two axes, or a size is less than one.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, x, output_size)


def adaptive_max_pool1d(x: Any, output_size: Sizes) -> Any:
    """Take the maxima of the last axis over `output_size` windows.

    See `adaptive_max_pool2d`.
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, x, output_size)


def adaptive_max_pool2d(x: Any, output_size: Sizes) -> Any:
    """Take maxima of the last two axes over a grid.

    Windows and arguments are those of `adaptive_avg_pool2d`. Equal maxima share the gradient equally.

    Raises:
        ValueError: if x has fewer than two axes, if a pooled axis is empty, or if a size is less than one.
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, x, output_size)


def _adaptive_avg_pool(name: str, n: int, x: Any, output_size: Sizes) -> Any:
    for axis, m in _grid(name, n, x, output_size):
        start, stop = _windows(x.shape[axis], m)
        places = np.arange(x.shape[axis])[:, None]
        means = ((start <= places) & (places < stop)) / (stop - start)  # the matrix (n, m) of averages
        x = swapaxes(swapaxes(x, axis, -1) @ asarray_like(means.astype(x.dtype), x), axis, -1)
    return x


def _adaptive_max_pool(name: str, n: int, x: Any, output_size: Sizes) -> Any:
    grid = _grid(name, n, x, output_size)
    if not grid:
        return x
    index: list[Any] = [slice(None)] * (x.ndim - n)
    inside: Any = True  # grid axes, then window axes
    lengths = dict(grid)
    for i in range(n):
        length = x.shape[i - n]
        start, stop = _windows(length, lengths.get(i - n, length))
        places = start[:, None] + np.arange((stop - start).max(initial=1))
        shape = [1] * (2 * n)
        shape[i], shape[n + i] = places.shape
        index.append(np.minimum(places, length - 1).reshape(shape))
        inside = inside & (places < stop[:, None]).reshape(shape)  # window lengths differ by at most one
    found = x[tuple(index)]
    return maximum_of(where(asarray_like(inside, x), found, lowest(x.dtype)), axis=tuple(range(-n, 0)))


def _grid(name: str, n: int, x: Any, output_size: Sizes) -> list[tuple[int, int]]:
    """Return the pooled axes, counted from the end, with their output lengths."""
    expect_axes(name, n, x)
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * n
    given: Lengths = each(f"{name}: output_size", tuple(1 if m is None else m for m in sizes), n)
    grid = [(axis, m) for axis, size, m in zip(range(-n, 0), sizes, given, strict=True) if size is not None]
    for axis, _ in grid:
        if not x.shape[axis]:
            raise ValueError(f"{name} of x {x.shape}: an axis without elements has no stretches")
    return grid


def _windows(n: int, m: int) -> tuple[Array, Array]:
    """Return the starts and ends of m windows over n elements."""
    i = np.arange(m)
    return i * n // m, -(-(i + 1) * n // m)
