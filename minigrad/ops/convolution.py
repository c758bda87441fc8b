"""Convolution over any number of axes, and its transpose.

Convolution is bilinear in x and the weight. Three operations (convolution, transposed convolution, and the correlation
of x with a result) each compute one of x, weight and result from the other two. The derivatives of each are the other
two operations, to any order.
"""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

from minigrad.engine.apply import primitive
from minigrad.engine.errors import describe
from minigrad.ops import products
from minigrad.ops.columns import Geometry
from minigrad.ops.windows import Lengths, each

Array = NDArray[Any]
Padding = int | Lengths | Literal["same", "valid"]


convolution = primitive(
    "convolution",
    products.convolve,
    lambda g, weight, x_shape, geometry: transposed_convolution(g, weight, x_shape[2:], geometry),
    lambda g, x, weight_shape, geometry: convolution_weight(x, g, weight_shape[2:], geometry),
    lambda g: g.sum(axis=(0, *range(2, g.ndim))),
    fused=products.convolution_fused,
)
transposed_convolution = primitive(
    "transposed_convolution",
    products.transposed,
    lambda g, weight, geometry: convolution(g, weight, None, geometry),
    lambda g, y, weight_shape, geometry: convolution_weight(g, y, weight_shape[2:], geometry),
    fused=products.transposed_convolution_fused,
)
convolution_weight = primitive(
    "convolution_weight",
    products.correlate,
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
    """Convolution (cross-correlation) along one axis.

    The arguments are those of `conv2d`, with one axis less.
    """
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
    """Convolution (cross-correlation) over two axes.

    out[n, o, y, x'] = bias[o] + Σ weight[o, c, i, j] · padded x[n, c, stride y + dilation i, stride x' + dilation j],
    summed over c, i and j. The result is (N, O, H', W'), with H' = (H + 2 padding - dilation (kh - 1) - 1) // stride +
    1.

    Args:
        x: (N, C, H, W) or (C, H, W).
        weight: (O, C/groups, kh, kw).
        bias: (O,), or None.
        stride: the step of the kernel, one number or one per axis.
        padding: the zeros on both sides, one number or one per axis; "valid" for none, "same" to keep H and W (if their
            number is odd, one more at the end).
        dilation: the step between the elements of the kernel.
        groups: the number of groups of channels, each convolved separately.

    Raises:
        ValueError: for shapes that do not match, padding="same" with a stride, and numbers that are too small.
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
    """Transposed convolution along one axis.

    The arguments are those of `conv_transpose2d`, with one axis less.
    """
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
    """Transposed convolution over two axes.

    It is the gradient of `conv2d` with respect to its input, with the same weight: each element of x adds a multiple of
    the kernel to the result. The result is (N, O, H', W'), with
    H' = (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1.

    Args:
        x: (N, C, H, W) or (C, H, W).
        weight: (C, O/groups, kh, kw).
        bias: (O,), or None.
        stride: the step in the result per element of x, one number or one per axis.
        padding: the elements cut from both sides of the result.
        output_padding: the elements added at the end of each axis; less than stride or dilation.
        groups: the number of groups of channels, each convolved separately.
        dilation: the step between the elements of the kernel.

    Raises:
        ValueError: for shapes that do not match, and numbers that are too small.
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
    """Raise ValueError unless x has n spatial axes and the groups divide the channels."""
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
