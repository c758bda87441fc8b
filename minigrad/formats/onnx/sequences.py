"""ONNX converters of attention, rotary positions and recurrent layers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minigrad.formats.onnx.call import Call, Converter


def _attend(
    c: Call, heads: Sequence[str], ndim: int, length: int, mask: int, is_causal: bool, scale: float | None
) -> str:
    """Add attention in basic operators, because runtimes disagree on causal masks in opset 23's operator.

    Args:
        c: the call.
        heads: query (..., L, E), key (..., S, E) and value (..., S, Ev).
        ndim: the number of their axes, the same for all.
        length: E.
        mask: the number of the argument that is the mask or None.
        is_causal: whether a query sees only the keys up to its own position.
        scale: the factor of the products, by default 1/sqrt(E).
    """
    query, key, value = heads
    factor = c.number(1 / math.sqrt(max(length, 1)) if scale is None else scale)
    keys = c.op("Transpose", key, perm=[*range(ndim - 2), ndim - 1, ndim - 2])
    scores = c.op("MatMul", c.op("Mul", query, factor), keys)
    shown = []
    if c.given(mask) and c.dtype_of(mask) == np.bool_:
        shown.append(c[mask])
    elif c.given(mask):
        shown.append(c.op("Greater", c.cast(mask, c.dtype), c.number(-np.inf)))
        scores = c.op("Add", scores, c.cast(mask, c.dtype))
    if is_causal:
        ones = c.op("Expand", c.graph.constant(1, np.float32), c.op("Shape", scores, start=-2))
        shown.append(c.graph.cast(c.op("Trilu", ones, upper=0), np.bool_))
    if not shown:
        return str(c.op("MatMul", c.op("Softmax", scores, axis=-1), value))
    seen = shown[0] if len(shown) == 1 else c.op("And", *shown)
    lowest = c.number(np.finfo(c.dtype).min)  # finite, since the softmax of only -inf is NaN
    weights = c.op("Softmax", c.op("Where", seen, scores, lowest), axis=-1)
    if c.given(mask):  # a query whose keys are all masked gets zeros
        weights = c.op("Where", seen, weights, c.number(0))
    return str(c.op("MatMul", weights, value))


def _attention(c: Call) -> str:
    heads, ndim = [], max(len(c.shape(i)) for i in range(3))
    for i in range(3):
        name, missing = c.cast(i, c.dtype), ndim - len(c.shape(i))
        heads.append(c.op("Unsqueeze", name, c.ints(*range(missing))) if missing else name)
    return _attend(c, heads, ndim, c.shape(0)[-1], 3, c.attribute(4), c.attribute(5))


def _packed_attention(c: Call) -> str:
    """Queries, keys and values of all heads are adjacent: (..., L, 3 · heads · E)."""
    count, shapes = int(c.attribute(2)), c.shapes(0)
    length, n = shapes[0][-1] // 3 // count, len(shapes[0])
    parts = c.op("Split", c[0], outputs=3, axis=-1, num_outputs=3 if c.opset >= 18 else None)
    apart = [(*shape[:-1], count, length) for shape in shapes]
    order = [*range(n - 2), n - 1, n - 2, n]  # (..., L, heads, E) to (..., heads, L, E), and back
    heads = [c.op("Transpose", c.reshape(part, apart), perm=order) for part in parts]
    attended = _attend(c, heads, n + 1, length, 1, c.attribute(3), c.attribute(4))
    return c.reshape(c.op("Transpose", attended, perm=order))


def _rotary(c: Call) -> str:
    """Rotary positions for any length, with angles in float64 because distant positions need it."""
    offset, base, is_back = c.graph.expression(c.values(1)), float(c.attribute(2)), c.attribute(3)
    shapes = c.shapes(0)
    size = shapes[0][-1]
    length = c.graph.length(c.graph.expression([shape[-2] for shape in shapes]))
    first = c.graph.length(offset)
    counted = c.op(
        "Range", c.op("Squeeze", first), c.op("Squeeze", c.op("Add", first, length)), c.graph.constant(1, np.int64)
    )
    places = c.op("Unsqueeze", c.graph.cast(counted, np.float64), c.ints(-1))
    speeds = base ** (-np.arange(0, size, 2) / size)
    angles = c.op("Mul", places, c.graph.constant(-speeds if is_back else speeds, np.float64))
    cos, sin = (c.op("Unsqueeze", c.graph.cast(c.op(kind, angles), c.dtype), c.ints(-1)) for kind in ("Cos", "Sin"))
    pairs = c.reshape(c[0], [(*shape[:-1], size // 2, 2) for shape in shapes])
    real, imaginary = c.slice(pairs, -1, 0, 1), c.slice(pairs, -1, 1, 2)
    turned = (
        c.op("Sub", c.op("Mul", real, cos), c.op("Mul", imaginary, sin)),
        c.op("Add", c.op("Mul", real, sin), c.op("Mul", imaginary, cos)),
    )
    return c.reshape(c.op("Concat", *turned, axis=-1))


def _recurrent(kind: str, gates: tuple[int, ...]) -> Converter:
    """Return the converter of a recurrent layer; `gates` is the order of its gates in ONNX."""

    def convert(c: Call) -> str:
        names = [c.graph.name(values) for values in zip(*c.values(0), strict=True)]
        networks = int(c.attribute(1)) if kind == "LSTM" else 1
        size = len(names) // networks
        outputs = [network(c, names[i * size : (i + 1) * size]) for i in range(networks)]
        return outputs[0] if networks == 1 else str(c.op("Concat", *outputs, axis=1))

    def network(c: Call, names: list[str]) -> str:
        states = 2 if kind == "LSTM" else 1
        x, *first, weight_ih, weight_hh = names[: states + 3]
        hidden = c.steps[0].arguments[0][1].shape[-1]
        order = c.graph.constant(np.concatenate([np.arange(hidden) + gate * hidden for gate in gates]), np.int64)

        def ordered(name: str) -> str:
            return str(c.op("Gather", name, order, axis=0)) if len(gates) > 1 else name

        one = c.ints(0)  # the axis of directions
        weights = [c.op("Unsqueeze", ordered(name), one) for name in (weight_ih, weight_hh)]
        biases = names[states + 3 :]
        bias = ""
        if biases:
            bias = c.op("Unsqueeze", c.op("Concat", *map(ordered, biases), axis=0), one)
        y, *last = c.op(
            kind,
            x,
            *weights,
            bias,
            "",
            *(c.op("Unsqueeze", state, one) for state in first),
            outputs=3 if kind == "LSTM" else 2,
            hidden_size=hidden,
            linear_before_reset=1 if kind == "GRU" else None,
            activations=[c.attribute(1).title()] if kind == "RNN" else None,
        )
        y = c.op("Squeeze", y, c.ints(1))
        return str(c.op("Concat", y, last[1], axis=0)) if kind == "LSTM" else str(y)

    return convert


CONVERTERS: dict[str, Converter] = {
    "scaled_dot_product_attention": _attention,
    "packed_attention": _packed_attention,
    "rotary": _rotary,
    "lstm_states": _recurrent("LSTM", (0, 3, 1, 2)),
    "gru_states": _recurrent("GRU", (1, 0, 2)),
    "rnn_states": _recurrent("RNN", (0,)),
}
"""The converters by operation."""
