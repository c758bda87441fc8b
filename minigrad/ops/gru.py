"""The gated recurrent unit over a sequence, as one operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.apply import primitive
from minigrad.ops import recurrent
from minigrad.ops.activation import sigmoid
from minigrad.ops.elementwise import tanh
from minigrad.ops.kernels import linear
from minigrad.ops.recurrent import Array
from minigrad.ops.shape import split


def _gru(x: Any, h: Any, weight_ih: Any, weight_hh: Any, *biases: Any) -> Any:
    states = []
    for step in recurrent.unstacked(linear(x, weight_ih, *biases[:1])):
        r, z, n = split(step, 3, -1)
        from_r, from_z, from_n = split(linear(h, weight_hh, *biases[1:]), 3, -1)
        n = tanh(n + sigmoid(r + from_r) * from_n)
        h = n + sigmoid(z + from_z) * (h - n)
        states.append(h)
    return recurrent.stacked(h, states)


def _halve(rows: Array) -> Array:
    """Halve the rows of the sigmoid gates, r and z, of rows r, z, n."""
    rows = rows.copy()
    rows[: 2 * len(rows) // 3] *= 0.5
    return rows


def _gru_forward(inputs: Sequence[Array]) -> tuple[Array, Array, Array]:
    """Return the hidden states after each step, (L, N, H).

    The inputs are [x, h, weight_ih, weight_hh, bias_ih, bias_hh]. Also returns the gates r, z, n (L, 3, N, H), and the
    contribution of the state to n, which r multiplies.
    """
    x, h, weight_ih, weight_hh, *biases = recurrent.working(inputs)
    length, (n, hidden) = len(x), h.shape
    bias = biases[0].copy() if biases else None
    if bias is not None:
        bias[: 2 * hidden] += biases[1][: 2 * hidden]
    from_x = recurrent.by_gate(recurrent.products(x, _halve(weight_ih), None if bias is None else _halve(bias)), 3)
    weight = recurrent.transposed(_halve(weight_hh), 3)
    out = np.empty((length, n, hidden), x.dtype, like=x)
    gates, inner = recurrent.empty_aligned((length, 3, n, hidden), x), recurrent.empty_aligned(out.shape, x)
    for k in range(length):
        gate = gates[k]
        _, z, new = np.matmul(h, weight, out=gate)
        sigmoids = gate[:2]
        sigmoids += from_x[k, :2]
        np.tanh(sigmoids, out=sigmoids)
        recurrent.sigmoid_from_tanh(sigmoids)
        if biases:
            np.add(new, biases[1][2 * hidden :], out=inner[k])
        else:
            inner[k] = new
        np.multiply(gate[0], inner[k], out=new)
        new += from_x[k, 2]
        np.tanh(new, out=new)
        h = np.subtract(h, new, out=out[k])
        h *= z
        h += new
    return out.astype(np.result_type(*inputs), copy=False), gates, inner


def _gru_fused(
    g: Array, needs: Sequence[Any], inputs: Sequence[Array], out: Array, gates: Array, inner: Array
) -> list[Array | None]:
    g, out, x, first, weight_ih, weight_hh, *biases = recurrent.working([g, out, *inputs])
    length, n, hidden = inner.shape
    before = recurrent.previous_states(first, out)
    slopes, to_new = recurrent.empty_aligned((length, n, 3 * hidden), g), recurrent.empty_aligned(inner.shape, g)
    by_gate = recurrent.by_gate(slopes, 3)
    weight = recurrent.aligned(weight_hh.reshape(3, hidden, hidden))
    slope, product = recurrent.empty_aligned((3, n, hidden), g), recurrent.empty_aligned((3, n, hidden), g)
    to_r, to_z, to_inner = slope
    work, one = product[0], recurrent.number(1, g)
    to_h = np.zeros((n, hidden), g.dtype, like=g)
    for k in range(length - 1, -1, -1):
        (r, z, new), to_n = gates[k], to_new[k]
        to_h += g[k]
        np.square(new, out=to_n)
        np.subtract(one, to_n, out=to_n)
        np.subtract(one, z, out=work)
        work *= to_h
        to_n *= work
        np.subtract(before[k], new, out=to_z)
        to_z *= work
        to_z *= z
        np.multiply(to_n, r, out=to_inner)
        np.subtract(one, r, out=to_r)
        to_r *= to_inner
        to_r *= inner[k]
        by_gate[k] = slope
        to_h *= z
        to_h += np.add.reduce(np.matmul(slope, weight, out=product), axis=0, out=work)
    to_weight_hh, to_bias_hh = recurrent.weight_gradient(slopes, before), recurrent.bias_gradient(slopes)
    by_gate[:, 2] = to_new
    to_weight_ih, to_bias_ih = recurrent.weight_gradient(slopes, x), recurrent.bias_gradient(slopes)
    to_x = recurrent.input_gradient(slopes, weight_ih) if needs[0] else None
    return [to_x, to_h, to_weight_ih, to_weight_hh, *([to_bias_ih, to_bias_hh] if biases else [])]


gru_states = primitive(
    "gru_states",
    _gru_forward,
    lambda g, inputs: recurrent.derived(_gru, g, inputs),
    fused=_gru_fused,
    residuals=("gates", "inner"),
    variadic=True,
)


def gru(x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any = None, bias_hh: Any = None) -> Any:
    """One layer of `nn.GRU`: hidden states (L, N, H).

    The arguments are those of `lstm` without c, with the three gates r, z, n.
    """
    return gru_states(recurrent.checked("gru", 3, x, {"h": h}, weight_ih, weight_hh, bias_ih, bias_hh))
