"""Pooling: one number for what a kernel sees, the largest or the mean. Axes in front of the pooled ones are free."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.broadcast import broadcast_to
from minigrad.engine.dispatch import primitive
from minigrad.engine.primitive import describe
from minigrad.ops.shape import pad, swapaxes
from minigrad.ops.windows import Lengths, counts, each, overlap_add, places

Array = NDArray[Any]


class Window(NamedTuple):
    """A kernel and how it moves: one number an axis."""

    kernel: Lengths
    stride: Lengths
    padding: Lengths
    dilation: Lengths

    def places(self, size: Lengths) -> list[Any]:
        """For each element of the kernel the index of what meets it, on axes of a (padded) size."""
        count = counts(size, self.kernel, self.stride, self.dilation)
        return [index for _, index in places(self.kernel, count, self.stride, self.dilation)]

    def pads(self, ndim: int) -> list[tuple[int, int]]:
        """The padding of an array, as `pad` takes it."""
        return [(0, 0)] * (ndim - len(self.padding)) + [(p, p) for p in self.padding]


# The largest. Element by element of the kernel: a reduction over the axes of a view of windows takes ten times as long.


def _bordered(x: Array, window: Window) -> Array:
    """x with its padding: less than any number."""
    if not any(window.padding):
        return x
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return np.pad(x, window.pads(x.ndim), constant_values=lowest)


def _max_pool(x: Array, window: Window) -> Array:
    """The largest element that the kernel sees at each place: (..., *size) to (..., *counts)."""
    x = _bordered(x, window)
    first, *others = window.places(x.shape[-len(window.kernel) :])
    out = x[first].copy()
    for index in others:
        np.maximum(out, x[index], out=out)
    return out


def _winners(x: Array, out: Array, window: Window) -> tuple[list[Any], list[Array], Array]:
    """For each element of the kernel its index and where it is the largest; and how many are that."""
    indices = window.places(x.shape[-len(window.kernel) :])
    holds = [x[index] == out for index in indices]
    ties = np.zeros(out.shape, x.dtype)
    for hold in holds:
        ties += hold
    return indices, holds, ties


def _max_pool_spread(y: Array, x: Array, out: Array, window: Window) -> Array:
    """Adds each y to the element of x that is the largest there, `out`, in equal shares where several are."""
    x = _bordered(x, window)
    indices, holds, ties = _winners(x, out, window)
    share = y / ties
    result = np.zeros(x.shape, y.dtype)
    for index, hold in zip(indices, holds, strict=True):
        result[index] += share * hold
    return result[tuple(slice(p, n - q) for n, (p, q) in zip(x.shape, window.pads(x.ndim), strict=True))]


def _max_pool_collect(y: Array, x: Array, out: Array, window: Window) -> Array:
    """The mean of y over the elements where x is the largest that the kernel sees: the adjoint of the spread."""
    x, y = _bordered(x, window), np.pad(y, window.pads(y.ndim))
    indices, holds, ties = _winners(x, out, window)
    return sum(y[index] * hold for index, hold in zip(indices, holds, strict=True)) / ties


max_pool = primitive("max_pool", _max_pool, lambda g, x, out, window: max_pool_spread(g, x, out, window))
max_pool_spread = primitive(
    "max_pool_spread",
    _max_pool_spread,
    lambda g, x, out, window: max_pool_collect(g, x, out, window),
    None,
    None,
)
max_pool_collect = primitive(
    "max_pool_collect",
    _max_pool_collect,
    lambda g, x, out, window: max_pool_spread(g, x, out, window),
    None,
    None,
)

# The mean.


def _sum_pool(x: Array, window: Window) -> Array:
    """The sum of what the kernel sees at each place, without padding: (..., *size) to (..., *counts)."""
    first, *others = window.places(x.shape[-len(window.kernel) :])
    out = x[first].copy()
    for index in others:
        out += x[index]
    return out


def _sum_pool_rule(g: Any, x_shape: tuple[int, ...], window: Window) -> Any:
    kernel, stride, _, dilation = window
    return overlap_add(broadcast_to(g, (*kernel, *g.shape)), x_shape[-len(kernel) :], stride, dilation)


sum_pool = primitive("sum_pool", _sum_pool, _sum_pool_rule)

# PyTorch's functions.


def max_pool1d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    dilation: int | Lengths = 1,
) -> Any:
    """The largest element in each stretch of the last axis; arguments as `max_pool2d`."""
    return max_pool(x, _window("max_pool1d", 1, x, kernel_size, stride, padding, dilation))


def max_pool2d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    dilation: int | Lengths = 1,
) -> Any:
    """The largest element that a kernel sees as it moves over the last two axes: (..., H, W) to (..., H', W').

    H' is (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1. The gradient goes to the largest element,
    in equal shares where several are: so do `max` and `maximum`, but PyTorch gives all of it to the first.

    Args:
        kernel_size: the size of the kernel, for both axes or each.
        stride: its step; the kernel's size if None, so that nothing is seen twice.
        padding: on both sides, at most half of the kernel; it is never the largest.
        dilation: the step between the elements of the kernel.

    Raises: ValueError if x has fewer axes, the kernel does not fit, or the padding is more than half of it.
    """
    return max_pool(x, _window("max_pool2d", 2, x, kernel_size, stride, padding, dilation))


def avg_pool1d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    *,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each stretch of the last axis; arguments as `avg_pool2d`."""
    return _avg_pool(x, _window("avg_pool1d", 1, x, kernel_size, stride, padding), count_include_pad)


def avg_pool2d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    *,
    count_include_pad: bool = True,
) -> Any:
    """The mean of what a kernel sees as it moves over the last two axes: (..., H, W) to (..., H', W').

    Args:
        kernel_size: the size of the kernel, for both axes or each.
        stride: its step; the kernel's size if None, so that nothing is seen twice.
        padding: the zeros on both sides, at most half of the kernel.
        count_include_pad: whether the zeros count as elements of a mean.

    Raises: ValueError if x has fewer axes, the kernel does not fit, or the padding is more than half of it.
    """
    return _avg_pool(x, _window("avg_pool2d", 2, x, kernel_size, stride, padding), count_include_pad)


def adaptive_avg_pool1d(x: Any, output_size: int | tuple[int | None, ...] | None) -> Any:
    """The means of `output_size` stretches of the last axis; see `adaptive_avg_pool2d`."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: int | tuple[int | None, ...] | None) -> Any:
    """The means of a grid of stretches of the last two axes: (..., H, W) to (..., *output_size).

    Stretch i of m over n elements goes from floor(i n / m) to ceil((i + 1) n / m): they overlap where m does not
    divide n.

    Args:
        output_size: the size of the grid, for both axes or each; None leaves an axis as it is.

    Raises: ValueError if x has fewer axes, or a size is less than one.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, x, output_size)


def _window(
    name: str,
    n: int,
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None,
    padding: int | Lengths,
    dilation: int | Lengths = 1,
) -> Window:
    kernel = each(f"{name}: kernel_size", kernel_size, n)
    window = Window(
        kernel,
        kernel if stride is None else each(f"{name}: stride", stride, n),
        each(f"{name}: padding", padding, n, 0),
        each(f"{name}: dilation", dilation, n),
    )
    _expect_axes(name, n, x)
    if any(2 * p > k for p, k in zip(window.padding, kernel, strict=True)):
        raise ValueError(f"{name}: padding is at most half of the kernel {kernel}, got {window.padding}")
    padded = tuple(length + 2 * p for length, p in zip(x.shape[-n:], window.padding, strict=True))
    if min(counts(padded, kernel, window.stride, window.dilation)) < 1:
        raise ValueError(
            f"{name} of x {describe(x)}: the kernel {kernel} with dilation {window.dilation} does not fit into "
            f"{padded}; use a smaller kernel or more padding"
        )
    return window


def _expect_axes(name: str, n: int, x: Any) -> None:
    if x.ndim < n:
        raise ValueError(f"{name} of x {describe(x)}: expected at least {n} axes, as in (N, C, H, W)[-{n}:]")


def _avg_pool(x: Any, window: Window, count_include_pad: bool) -> Any:
    count: Any = math.prod(window.kernel)
    if any(window.padding):
        if not count_include_pad:
            ones = np.ones(x.shape[-len(window.kernel) :], x.dtype)
            count = sum_pool(np.pad(ones, window.pads(ones.ndim)), window)
        x = pad(x, window.pads(x.ndim))
    return sum_pool(x, window) / count


def _adaptive_avg_pool(name: str, n: int, x: Any, output_size: int | tuple[int | None, ...] | None) -> Any:
    _expect_axes(name, n, x)
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * n
    given = each(f"{name}: output_size", tuple(1 if m is None else m for m in sizes), n)
    for axis, size, m in zip(range(-n, 0), sizes, given, strict=True):
        if size is not None:
            x = swapaxes(swapaxes(x, axis, -1) @ _means(x.shape[axis], m, x.dtype), axis, -1)
    return x


def _means(n: int, m: int, dtype: Any) -> Array:
    """The matrix (n, m) by which n elements become the means of m stretches."""
    i = np.arange(m)
    start, stop = i * n // m, -(-(i + 1) * n // m)
    inside = (start <= np.arange(n)[:, None]) & (np.arange(n)[:, None] < stop)
    return (inside / (stop - start)).astype(dtype)
