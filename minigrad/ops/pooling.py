"""Max and average pooling over the last axes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.apply import primitive
from minigrad.engine.arrays import asarray_like
from minigrad.engine.broadcast import broadcast_to
from minigrad.engine.errors import describe
from minigrad.ops.blocks import by_parts
from minigrad.ops.shape import pad
from minigrad.ops.windows import Lengths, counts, each, overlap_add, places

Array = NDArray[Any]


class Window(NamedTuple):
    """A pooling kernel: size, stride, padding and dilation.

    Each has one number per axis. `more` is additional padding at the end.
    """

    kernel: Lengths
    stride: Lengths
    padding: Lengths
    dilation: Lengths
    more: Lengths

    def places(self, size: Lengths) -> list[Any]:
        """The index of the elements at each kernel position.

        `size` is the size of the (padded) axes.
        """
        count = counts(size, self.kernel, self.stride, self.dilation)
        return [index for _, index in places(self.kernel, count, self.stride, self.dilation)]

    def tiles(self, size: Lengths) -> bool:
        """Whether the windows cover each element exactly once.

        `size` is the size of the (padded) axes.
        """
        lengths = zip(size, self.kernel, self.stride, self.dilation, strict=True)
        return all(n % k == 0 and k == s and (d == 1 or k == 1) for n, k, s, d in lengths)

    def pads(self, ndim: int) -> list[tuple[int, int]]:
        """Return the padding in the form that `pad` takes."""
        own = [(p, p + more) for p, more in zip(self.padding, self.more, strict=True)]
        return [(0, 0)] * (ndim - len(own)) + own


# Max pooling, one kernel position at a time: a reduction over a view of the windows takes ten times as long.


def _pad_lowest(x: Array, window: Window) -> Array:
    """Return x, padded with the lowest number of its dtype."""
    if not any(window.padding + window.more):
        return x
    return np.pad(x, window.pads(x.ndim), constant_values=lowest(x.dtype))


def lowest(dtype: Any) -> Any:
    """The lowest number of a dtype."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def _max_pool(x: Array, window: Window) -> Array:
    """The maxima of windows: (..., *size) to (..., *counts)."""
    lead, x = x.shape[: -len(window.kernel)], _flatten_leading(_pad_lowest(x, window), window)
    first, *others = window.places(x.shape[1:])
    out = np.empty(x[first].shape, x.dtype, like=x)

    def work(part: slice) -> None:
        seen, largest = x[part], out[part]
        largest[...] = seen[first]
        for index in others:
            np.maximum(largest, seen[index], out=largest)

    by_parts(work, x)
    return out.reshape(*lead, *out.shape[1:])


def _winners(x: Array, out: Array, window: Window) -> tuple[list[Any], list[Array], Array]:
    """Return where each kernel position has the maximum, and counts.

    Returns:
        For each kernel position its index, and where its element is the maximum of the window; then the number of
        maxima in each window.
    """
    indices = window.places(x.shape[-len(window.kernel) :])
    holds = [x[index] == out for index in indices]
    ties = np.zeros(out.shape, np.uint8 if len(holds) < 256 else np.intp, like=out)  # bytes are the fastest to sum
    for hold in holds:
        ties += hold
    return indices, holds, ties.astype(x.dtype)


def _max_pool_spread(y: Array, x: Array, out: Array, window: Window) -> Array:
    """Add each y to the elements of its window equal to the maximum `out`, in equal shares."""
    x = _pad_lowest(x, window)
    tiles = window.tiles(x.shape[-len(window.kernel) :])
    result = (np.empty if tiles else np.zeros)(x.shape, y.dtype, like=y)
    stacks = [_flatten_leading(array, window) for array in (y, x, out, result)]

    def work(part: slice) -> None:
        y, x, out, result = (stack[part] for stack in stacks)
        indices, holds, ties = _winners(x, out, window)
        share = y / ties
        for index, hold in zip(indices, holds, strict=True):
            if tiles:
                np.multiply(share, hold, out=result[index])
            else:
                result[index] += share * hold

    by_parts(work, stacks[1])
    return result[tuple(slice(p, n - q) for n, (p, q) in zip(x.shape, window.pads(x.ndim), strict=True))]


def _flatten_leading(x: Array, window: Window) -> Array:
    """x (..., *size) flattened to (n, *size)."""
    n = len(window.kernel)
    return x.reshape(math.prod(x.shape[:-n]), *x.shape[-n:])


def _max_pool_collect(y: Array, x: Array, out: Array, window: Window) -> Array:
    """The mean of y over the maxima of each window: the adjoint of `_max_pool_spread`."""
    x, y = _pad_lowest(x, window), np.pad(y, window.pads(y.ndim))
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

# Average pooling.


def _sum_pool(x: Array, window: Window) -> Array:
    """The sums of windows, without padding: (..., *size) to (..., *counts)."""
    first, *others = window.places(x.shape[-len(window.kernel) :])
    out = x[first].copy()
    for index in others:
        out += x[index]
    return out


def _sum_pool_rule(g: Any, x_shape: tuple[int, ...], window: Window) -> Any:
    kernel = window.kernel
    return overlap_add(broadcast_to(g, (*kernel, *g.shape)), x_shape[-len(kernel) :], window.stride, window.dilation)


sum_pool = primitive("sum_pool", _sum_pool, _sum_pool_rule)

# PyTorch's functions.


def max_pool1d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    dilation: int | Lengths = 1,
    ceil_mode: bool = False,
) -> Any:
    """Max pooling over the last axis.

    The arguments are those of `max_pool2d`.
    """
    return max_pool(x, _window("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode))


def max_pool2d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    dilation: int | Lengths = 1,
    ceil_mode: bool = False,
) -> Any:
    """Max pooling over the last two axes.

    The result is (..., H', W'), with H' = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1. Equal maxima
    share the gradient equally, as in `max` and `maximum`; PyTorch gives it to the first.

    Args:
        x: (..., H, W).
        kernel_size: the size of the kernel, one number or one per axis.
        stride: the step of the kernel; by default its size, so that windows do not overlap.
        padding: the padding on both sides, at most half of the kernel; it is never the maximum.
        dilation: the step between the elements of the kernel.
        ceil_mode: whether to round H' up: the last window may then extend beyond the end, if it starts before it.

    Raises:
        ValueError: if x has fewer than two axes, the kernel does not fit, or the padding is more than half of it.
    """
    return max_pool(x, _window("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode))


def avg_pool1d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Average pooling over the last axis.

    The arguments are those of `avg_pool2d`.
    """
    return _avg_pool(x, _window("avg_pool1d", 1, x, kernel_size, stride, padding, 1, ceil_mode), count_include_pad)


def avg_pool2d(
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None = None,
    padding: int | Lengths = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Average pooling over the last two axes.

    The result is (..., H', W'), with H' as in `max_pool2d`.

    Args:
        x: (..., H, W).
        kernel_size: the size of the kernel, one number or one per axis.
        stride: the step of the kernel; by default its size, so that windows do not overlap.
        padding: the zeros on both sides, at most half of the kernel.
        ceil_mode: whether to round H' up: the last window may then extend beyond the end, where nothing counts.
        count_include_pad: whether the zeros of the padding count in a mean.

    Raises:
        ValueError: if x has fewer than two axes, the kernel does not fit, or the padding is more than half of it.
    """
    return _avg_pool(x, _window("avg_pool2d", 2, x, kernel_size, stride, padding, 1, ceil_mode), count_include_pad)


def _window(
    name: str,
    n: int,
    x: Any,
    kernel_size: int | Lengths,
    stride: int | Lengths | None,
    padding: int | Lengths,
    dilation: int | Lengths,
    ceil_mode: bool,
) -> Window:
    kernel = each(f"{name}: kernel_size", kernel_size, n)
    stride = kernel if stride is None else each(f"{name}: stride", stride, n)
    padding = each(f"{name}: padding", padding, n, 0)
    dilation = each(f"{name}: dilation", dilation, n)
    expect_axes(name, n, x)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ValueError(f"{name}: padding is at most half of the kernel {kernel}, got {padding}")
    padded = tuple(length + 2 * p for length, p in zip(x.shape[-n:], padding, strict=True))
    if min(counts(padded, kernel, stride, dilation)) < 1:
        raise ValueError(
            f"{name} of x {describe(x)}: the kernel {kernel} with dilation {dilation} does not fit into {padded}; use "
            "a smaller kernel or more padding"
        )
    more = [0] * n
    if ceil_mode:
        for i, (size, k, s, d, p) in enumerate(zip(padded, kernel, stride, dilation, padding, strict=True)):
            reach = d * (k - 1) + 1
            last = -((reach - size) // s) * s  # the last start before the end
            more[i] = max(0, (last if last < size - p else last - s) + reach - size)
    return Window(kernel, stride, padding, dilation, tuple(more))


def expect_axes(name: str, n: int, x: Any) -> None:
    """Raise ValueError for fewer than n axes."""
    if x.ndim < n:
        raise ValueError(f"{name} of x {describe(x)}: expected at least {n} axes, as in (N, C, H, W)[-{n}:]")


def _avg_pool(x: Any, window: Window, count_include_pad: bool) -> Any:
    count: Any = math.prod(window.kernel)
    if any(window.padding + window.more):
        if any(window.more) or not count_include_pad:
            counted = np.ones(x.shape[-len(window.kernel) :], x.dtype)
            if count_include_pad:
                counted = np.pad(counted, [(p, p) for p in window.padding], constant_values=1)
                counted = np.pad(counted, [(0, more) for more in window.more])
            else:
                counted = np.pad(counted, window.pads(counted.ndim))
            count = asarray_like(
                np.maximum(sum_pool(counted, window), 1), x
            )  # a window of padding only gives 0, not 0 / 0
        x = pad(x, window.pads(x.ndim))
    return sum_pool(x, window) / count
