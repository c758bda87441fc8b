"""Elman's recurrent network over a sequence, as one operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from minigrad.engine.apply import primitive
from minigrad.ops import recurrent
from minigrad.ops.activation import relu
from minigrad.ops.elementwise import tanh
from minigrad.ops.kernels import linear
from minigrad.ops.recurrent import Array

Nonlinearity = Literal["tanh", "relu"]


def _rnn(x: Any, h: Any, weight_ih: Any, weight_hh: Any, *biases: Any, nonlinearity: Nonlinearity) -> Any:
    states, bend = [], tanh if nonlinearity == "tanh" else relu
    for step in recurrent.unstacked(linear(x, weight_ih, *biases[:1])):
        h = bend(step + linear(h, weight_hh, *biases[1:]))
        states.append(h)
    return recurrent.stacked(h, states)


def _rnn_forward(inputs: Sequence[Array], nonlinearity: Nonlinearity = "tanh") -> Array:
    """The hidden states after each step, (L, N, H). The inputs are [x, h, weight_ih, weight_hh, bias_ih, bias_hh]."""
    x, h, weight_ih, weight_hh, *biases = recurrent.working(inputs)
    out = recurrent.products(x, weight_ih, biases[0] + biases[1] if biases else None)
    weight, product = recurrent.aligned(weight_hh.T), np.empty(h.shape, x.dtype, like=x)
    for step in out:
        step += np.dot(h, weight, out=product)
        h = np.tanh(step, out=step) if nonlinearity == "tanh" else np.maximum(step, 0, out=step)
    return out.astype(np.result_type(*inputs), copy=False)


def _rnn_fused(
    g: Array, needs: Sequence[Any], inputs: Sequence[Array], out: Array, nonlinearity: Nonlinearity
) -> list[Array | None]:
    g, out, x, first, weight_ih, weight_hh, *biases = recurrent.working([g, out, *inputs])
    slopes = 1 - out * out if nonlinearity == "tanh" else (out > 0).astype(g.dtype)
    to_h, weight_hh = np.zeros(first.shape, g.dtype, like=g), recurrent.aligned(weight_hh)
    for k in range(len(x) - 1, -1, -1):
        to_h += g[k]
        slopes[k] *= to_h
        np.dot(slopes[k], weight_hh, out=to_h)
    to_weight_ih = recurrent.weight_gradient(slopes, x)
    to_weight_hh = recurrent.weight_gradient(slopes, recurrent.previous_states(first, out))
    to_x = recurrent.input_gradient(slopes, weight_ih) if needs[0] else None
    to_biases = [to_bias := recurrent.bias_gradient(slopes), to_bias.copy()] if biases else []
    return [to_x, to_h, to_weight_ih, to_weight_hh, *to_biases]


rnn_states = primitive(
    "rnn_states",
    _rnn_forward,
    lambda g, inputs, nonlinearity: recurrent.derived(partial(_rnn, nonlinearity=nonlinearity), g, inputs),
    fused=_rnn_fused,
    variadic=True,
)


def rnn(
    x: Any,
    h: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    *,
    nonlinearity: Nonlinearity = "tanh",
) -> Any:
    """One layer of `nn.RNN`: hidden states (L, N, H).

    The arguments are those of `lstm` without c. There are no gates, so the weights have H rows. `nonlinearity` is
    "tanh" or "relu".
    """
    return rnn_states(recurrent.checked("rnn", 1, x, {"h": h}, weight_ih, weight_hh, bias_ih, bias_hh), nonlinearity)
