"""Convolution over any number of axes, and its transpose.

Convolution is linear in x and in the weight, so that x, weight and result meet in one sum of products of three. Three
operations make one of them out of the two others; the derivatives of each are the other two, to any order.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.dispatch import primitive
from minigrad.engine.primitive import describe
from minigrad.ops.columns import Geometry, collect, plan_for
from minigrad.ops.windows import Lengths, each

Array = NDArray[Any]
Padding = int | Lengths | Literal["same", "valid"]


def _convolution(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """x (N, C, *size), weight (O, C/groups, *kernel), bias (O,), result (N, O, *places)."""
    n, o = len(x), len(weight)
    plan = plan_for(x.shape[2:], weight.shape[2:], geometry, x.shape[1], o)
    matrices = plan.matrices(weight)
    out = np.empty((n, o, *plan.places[2 - weight.ndim :]), np.result_type(x, weight))
    results = plan.results(out)
    start = 0 if bias is None else bias.reshape(*results.shape[:2], *[1] * (results.ndim - 2))
    for batch, columns in zip(plan.batches(n), plan.columns(x), strict=True):
        products = (matrices @ columns).reshape(plan.groups, plan.kernel[0], o // plan.groups, -1, *plan.area)
        collect(products, results[:, :, batch], plan.heights, start)
    return out


def _transposed_convolution(y: Array, weight: Array, size: Lengths, geometry: Geometry) -> Array:
    """y (N, O, *places), weight (O, C/groups, *kernel), result (N, C, *size): each number of y scatters the kernel."""
    n, channels = len(y), weight.shape[1] * geometry.groups
    plan = plan_for(size, weight.shape[2:], geometry, channels, len(weight))
    matrices = plan.matrices(weight).mT
    out = np.empty((n, channels, *size), np.result_type(y, weight))
    images = plan.images(out)
    for batch, products in zip(plan.batches(n), plan.products(y), strict=True):
        columns = (matrices @ products).reshape(*images.shape[:2], *plan.kernel[1:], -1, *plan.area)
        collect(columns, images[:, :, batch], plan.moves)
    return out


def _convolution_weight(x: Array, y: Array, kernel: Lengths, geometry: Geometry) -> Array:
    """x (N, C, *size), y (N, O, *places), result (O, C/groups, *kernel): what each pair of channels has in common."""
    plan = plan_for(x.shape[2:], kernel, geometry, x.shape[1], y.shape[1])
    groups, lines, places = plan.groups, plan.kernel[0], math.prod(plan.kernel[1:])
    inside, outside = x.shape[1] // groups, y.shape[1] // groups
    weight = np.zeros((groups, inside * places, lines * outside), np.result_type(x, y))
    for columns, products in zip(plan.columns(x), plan.products(y), strict=True):
        weight += columns @ products.mT
    weight = weight.reshape(groups, inside, places, lines, outside)
    return weight.transpose(0, 4, 1, 3, 2).reshape(y.shape[1], inside, *kernel)


convolution = primitive(
    "convolution",
    _convolution,
    lambda g, weight, x_shape, geometry: transposed_convolution(g, weight, x_shape[2:], geometry),
    lambda g, x, weight_shape, geometry: convolution_weight(x, g, weight_shape[2:], geometry),
    lambda g: g.sum(axis=(0, *range(2, g.ndim))),
)
transposed_convolution = primitive(
    "transposed_convolution",
    _transposed_convolution,
    lambda g, weight, geometry: convolution(g, weight, None, geometry),
    lambda g, y, weight_shape, geometry: convolution_weight(g, y, weight_shape[2:], geometry),
)
convolution_weight = primitive(
    "convolution_weight",
    _convolution_weight,
    lambda g, y, x_shape, geometry: transposed_convolution(y, g, x_shape[2:], geometry),
    lambda g, x, geometry: convolution(x, g, None, geometry),
)

# PyTorch's functions.


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: int | Lengths = 1,
    padding: Padding = 0,
    dilation: int | Lengths = 1,
    groups: int = 1,
) -> Any:
    """Convolution (cross-correlation) along one axis; arguments as `conv2d` with one axis less."""
    return _conv("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: int | Lengths = 1,
    padding: Padding = 0,
    dilation: int | Lengths = 1,
    groups: int = 1,
) -> Any:
    """Convolution as networks have it (cross-correlation): (N, C, H, W) to (N, O, H', W'), or one (C, H, W).

    out[n, o] = bias[o] + the sum over c, i, j of weight[o, c, i, j] x[n, c] seen from (i, j). H' is
    (H + 2 padding - dilation (kh - 1) - 1) // stride + 1.

    Args:
        x: (N, C, H, W) or (C, H, W).
        weight: (O, C/groups, kh, kw).
        bias: (O,), or None.
        stride: the step of the kernel, for all axes or each.
        padding: the zeros on both sides of all axes or each; "valid" for none, "same" for as many as keep H and W (of
            an odd number one more at the end).
        dilation: the step between the elements of the kernel.
        groups: the channels are divided into so many parts, each of which sees only its own.

    Raises: ValueError for shapes that do not fit, padding="same" with a stride, and numbers below their least.
    """
    return _conv("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: int | Lengths = 1,
    padding: int | Lengths = 0,
    output_padding: int | Lengths = 0,
    groups: int = 1,
    dilation: int | Lengths = 1,
) -> Any:
    """Transposed convolution along one axis; arguments as `conv_transpose2d` with one axis less."""
    return _conv_transpose("conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: int | Lengths = 1,
    padding: int | Lengths = 0,
    output_padding: int | Lengths = 0,
    groups: int = 1,
    dilation: int | Lengths = 1,
) -> Any:
    """Transposed convolution: (N, C, H, W) to (N, O, H', W'), or one (C, H, W).

    It does to x what the derivative of `conv2d` with the same weight does to a gradient: every number of x puts a
    multiple of the kernel into the result. H' is
    (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1.

    Args:
        x: (N, C, H, W) or (C, H, W).
        weight: (C, O/groups, kh, kw).
        bias: (O,), or None.
        stride: the step in the result for one in x, for all axes or each.
        padding: what is cut from both sides of the result.
        output_padding: what is added at the end of each axis; less than stride or dilation.
        groups: the channels are divided into so many parts, each of which makes its own.
        dilation: the step between the elements of the kernel.

    Raises: ValueError for shapes that do not fit, and numbers below their least.
    """
    return _conv_transpose("conv_transpose2d", 2, x, weight, bias, stride, padding, output_padding, groups, dilation)


def _conv(
    name: str,
    n: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: int | Lengths,
    padding: Padding,
    dilation: int | Lengths,
    groups: int,
) -> Any:
    stride, dilation = each(f"{name}: stride", stride, n), each(f"{name}: dilation", dilation, n)
    _check(name, n, x, weight, groups, 0)
    if x.ndim == n + 1:
        return _conv(name, n, x[None], weight, bias, stride, padding, dilation, groups)[0]
    if x.shape[1] != weight.shape[1] * groups:
        raise ValueError(
            f"{name} of x {x.shape} and weight {weight.shape}: x has {x.shape[1]} channels, expected "
            f"{weight.shape[1] * groups}: weight is (out, in / groups, ...), and groups is {groups}"
        )
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if isinstance(padding, str) and padding not in ("same", "valid"):
        raise ValueError(f"{name}: padding is 'same', 'valid', an integer or {n} of them; got {padding!r}")
    if padding == "same" and max(stride) > 1:
        raise ValueError(f"{name}: padding='same' is for stride 1, got stride {stride}; give the padding in numbers")
    if padding == "same":
        pads = tuple(((e - 1) // 2, e // 2) for e in extent)
    else:
        lengths = each(f"{name}: padding", 0 if padding == "valid" else padding, n, 0)
        pads = tuple((p, p) for p in lengths)
    for length, (before, after), e in zip(x.shape[2:], pads, extent, strict=True):
        if before + length + after < e:
            raise ValueError(
                f"{name} of x {x.shape} and weight {weight.shape}: the kernel covers {tuple(extent)}, more than x with "
                f"its padding {pads}; use a larger x, more padding or a smaller kernel"
            )
    _check_bias(name, bias, weight.shape[0])
    return convolution(x, weight, bias, Geometry(stride, pads, dilation, groups))


def _conv_transpose(
    name: str,
    n: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: int | Lengths,
    padding: int | Lengths,
    output_padding: int | Lengths,
    groups: int,
    dilation: int | Lengths,
) -> Any:
    stride, dilation = each(f"{name}: stride", stride, n), each(f"{name}: dilation", dilation, n)
    padding = each(f"{name}: padding", padding, n, 0)
    extra = each(f"{name}: output_padding", output_padding, n, 0)
    _check(name, n, x, weight, groups, 1)
    if x.ndim == n + 1:
        return _conv_transpose(name, n, x[None], weight, bias, stride, padding, extra, groups, dilation)[0]
    if x.shape[1] != weight.shape[0]:
        raise ValueError(
            f"{name} of x {x.shape} and weight {weight.shape}: x has {x.shape[1]} channels, expected "
            f"{weight.shape[0]}: weight is (in, out / groups, ...)"
        )
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ValueError(f"{name}: output_padding is less than stride or dilation, got {extra}")
    size = tuple(
        (m - 1) * s - 2 * p + d * (k - 1) + e + 1
        for m, s, p, d, k, e in zip(x.shape[2:], stride, padding, dilation, weight.shape[2:], extra, strict=True)
    )
    if min(size) < 1:
        raise ValueError(f"{name} of x {x.shape}: the result would be {size}; use less padding than {padding}")
    geometry = Geometry(stride, tuple((p, p - e) for p, e in zip(padding, extra, strict=True)), dilation, groups)
    _check_bias(name, bias, weight.shape[1] * groups)
    out = transposed_convolution(x, weight, size, geometry)
    return out if bias is None else out + bias.reshape(-1, *[1] * n)


def _check(name: str, n: int, x: Any, weight: Any, groups: int, axis: int) -> None:
    """Raises a ValueError for a number of axes that is not n, or channels that groups do not divide."""
    axes = ", ".join(["length"] if n == 1 else ["height", "width"])
    if x.ndim not in (n + 1, n + 2):
        raise ValueError(f"{name} of x {describe(x)}: expected (N, channels, {axes}) or (channels, {axes})")
    if weight.ndim != n + 2:
        raise ValueError(f"{name} of weight {describe(weight)}: expected {n + 2} axes, two for channels and ({axes})")
    if groups < 1 or weight.shape[0] % groups:
        raise ValueError(
            f"{name} of weight {describe(weight)}: its {weight.shape[0]} {('out', 'in')[axis]}put channels cannot be "
            f"divided into groups={groups}"
        )


def _check_bias(name: str, bias: Any, channels: int) -> None:
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"{name}: expected bias ({channels},), one number for each output channel, got {bias.shape}")
