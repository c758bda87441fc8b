"""ONNX converters of layers: products, normalization, convolution, pooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.formats.onnx.call import Call, Converter
from minigrad.formats.onnx.reductions import add_reduction


def _linear(c: Call) -> str:
    x, weight, ndim = c.cast(0, c.dtype), c.cast(1, c.dtype), len(c.shape(0))
    bias = [c.cast(2, c.dtype)] if c.given(2) else []
    if ndim == 2:
        return str(c.op("Gemm", x, weight, *bias, transB=1))
    product = c.op("MatMul", x, c.op("Transpose", weight, perm=[1, 0]))
    return str(c.op("Add", product, *bias)) if bias else str(product)


def _matmul(c: Call) -> str:
    return str(c.op("MatMul", c.cast(0, c.dtype), c.cast(1, c.dtype)))


def _contract(c: Call) -> str:
    """Einsum, after expanding axes of length one, because only NumPy broadcasts them."""
    subscripts, names = c.attribute(1), []
    operands = [letters.strip() for letters in subscripts.split("->")[0].split(",")]
    lengths: dict[str, tuple[int, ...]] = {}
    for letters, arrays in zip(operands, zip(*c.values(0), strict=True), strict=True):
        for letter, each in zip(letters, zip(*(array.shape for array in arrays), strict=True), strict=True):
            lengths[letter] = max(lengths.get(letter, each), each)
    for letters, arrays in zip(operands, zip(*c.values(0), strict=True), strict=True):
        name = c.graph.name(arrays)
        name = name if arrays[0].dtype == c.dtype else c.graph.cast(name, c.dtype)
        wanted = list(zip(*(lengths[letter] for letter in letters), strict=True))
        if wanted and wanted != [tuple(array.shape) for array in arrays]:
            name = c.op("Expand", name, c.graph.lengths(wanted))
        names.append(name)
    return str(c.op("Einsum", *names, equation=subscripts))


def _standardize(c: Call) -> str:
    """(x - mean) / sqrt(variance + eps) · weight + bias, as LayerNormalization if possible."""
    shape, eps, center = c.shape(0), float(c.attribute(4)), c.attribute(5)
    axes = tuple(int(a) % len(shape) for a in c.attribute(3))
    is_last = axes == tuple(range(len(shape) - len(axes), len(shape)))
    row = tuple(shape[a] for a in axes)
    factors_fit = all(not c.given(i) or c.shape(i) == row for i in (1, 2))
    if (
        center
        and is_last
        and factors_fit
        and not c.given(6)
        and all(shapes[axes[0] :] == row for shapes in c.shapes(0))
    ):
        weight = c[1] if c.given(1) else c.number(np.ones(row))
        bias = [c[2]] if c.given(2) else []
        return str(c.op("LayerNormalization", c[0], weight, *bias, axis=axes[0], epsilon=eps))
    x = c.cast(0, c.dtype)
    if c.given(6):
        mean, variance = (c.op("Gather", c.cast(6, c.dtype), c.graph.constant(i, np.int64), axis=0) for i in (0, 1))
        x = c.op("Sub", x, mean) if center else x
    else:
        x = c.op("Sub", x, add_reduction(c, "ReduceMean", x, axes, True)) if center else x
        variance = add_reduction(c, "ReduceMean", c.op("Mul", x, x), axes, True)
    out = c.op("Div", x, c.op("Sqrt", c.op("Add", variance, c.number(eps))))
    out = c.op("Mul", out, c.cast(1, c.dtype)) if c.given(1) else out
    return str(c.op("Add", out, c.cast(2, c.dtype)) if c.given(2) else out)


def _moments(c: Call) -> str:
    """Mean and variance, stacked."""
    x, axes = c.cast(0, c.dtype), [int(a) for a in c.attribute(1)]
    mean = add_reduction(c, "ReduceMean", x, axes, True)
    apart = c.op("Sub", x, mean)
    variance = add_reduction(c, "ReduceMean", c.op("Mul", apart, apart), axes, True)
    return str(c.op("Concat", *(c.op("Unsqueeze", part, c.ints(0)) for part in (mean, variance)), axis=0))


def _softmax(kind: str) -> Converter:
    return lambda c: c.op(kind, c.cast(0, c.dtype), axis=int(c.attribute(1)))


def _convolution(c: Call) -> str:
    geometry = c.attribute(3)
    x, before, after = c[0], [p for p, _ in geometry.padding], [q for _, q in geometry.padding]
    if min(after) < 0:  # the output is cropped
        x = c.op("Pad", x, c.ints(0, 0, *[0] * len(after), 0, 0, *(min(q, 0) for q in after)), c.number(0))
    bias = [c[2]] if c.given(2) else []
    return str(
        c.op(
            "Conv",
            x,
            c[1],
            *bias,
            strides=list(geometry.stride),
            pads=[*before, *(max(q, 0) for q in after)],
            dilations=list(geometry.dilation),
            group=geometry.groups,
        )
    )


def _transposed_convolution(c: Call) -> str:
    """The padding at the end determines the output size; if negative, it is added to the output."""
    geometry, kernel = c.attribute(3), c.shape(1)[2:]
    cuts = [
        tuple(
            (n - 1) * s + d * (k - 1) + 1 - before - size
            for size, n, s, d, k, (before, _) in zip(
                sizes, shape[2:], geometry.stride, geometry.dilation, kernel, geometry.padding, strict=True
            )
        )
        for sizes, shape in zip(c.values(2), c.shapes(0), strict=True)
    ]
    if len(set(cuts)) > 1:
        c.refuse("its output size is not the same function of every input size")
    return str(
        c.op(
            "ConvTranspose",
            c[0],
            c[1],
            strides=list(geometry.stride),
            pads=[*(before for before, _ in geometry.padding), *(max(cut, 0) for cut in cuts[0])],
            output_padding=[max(-cut, 0) for cut in cuts[0]],
            dilations=list(geometry.dilation),
            group=geometry.groups,
        )
    )


def _pool(c: Call, kind: str, x: str, **attributes: Any) -> str:
    """Add a pooling of the last axes of an array."""
    window = c.attribute(1)
    n = len(window.kernel)
    is_stack = len(c.shape(0)) != n + 2  # without a channel axis
    if is_stack:
        x = c.reshape(x, [(math.prod(shape[:-n]), 1, *shape[-n:]) for shape in c.shapes(0)])
    dilations = None if set(window.dilation) == {1} else list(window.dilation)
    out = c.op(
        kind,
        x,
        kernel_shape=list(window.kernel),
        strides=list(window.stride),
        dilations=dilations,
        **attributes,
    )
    return c.reshape(out) if is_stack else str(out)


def _max_pool(c: Call) -> str:
    window = c.attribute(1)
    if c.dtype.kind != "f":
        c.refuse("ONNX supports it only for real numbers: convert with .astype(np.float32)")
    if not any(window.more):
        return _pool(c, "MaxPool", c[0], pads=list(window.padding) * 2)
    widths = np.array(window.pads(len(c.shape(0)))).T.reshape(-1)
    return _pool(c, "MaxPool", c.op("Pad", c[0], c.ints(*widths.tolist()), c.number(-np.inf)))


def _sum_pool(c: Call) -> str:
    window = c.attribute(1)
    if set(window.dilation) != {1} and c.opset < 19:
        c.refuse("dilation needs opset 19")
    return str(c.op("Mul", _pool(c, "AveragePool", c.cast(0, c.dtype)), c.number(math.prod(window.kernel))))


def _mse_loss(c: Call) -> str:
    difference = c.op("Sub", c.cast(0, c.dtype), c.cast(1, c.dtype))
    return add_reduction(c, "ReduceMean", c.op("Mul", difference, difference), None, False)


CONVERTERS: dict[str, Converter] = {
    "linear": _linear,
    "matmul": _matmul,
    "contract": _contract,
    "standardize": _standardize,
    "moments": _moments,
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "convolution": _convolution,
    "transposed_convolution": _transposed_convolution,
    "max_pool": _max_pool,
    "sum_pool": _sum_pool,
    "mse_loss": _mse_loss,
    "det": lambda c: c.op("Det", c[0]),
}
"""The converters by operation."""
