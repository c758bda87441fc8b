"""The LSTM over a sequence, as one operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad.engine.apply import primitive
from minigrad.ops import recurrent
from minigrad.ops.activation import sigmoid
from minigrad.ops.elementwise import tanh
from minigrad.ops.kernels import linear
from minigrad.ops.recurrent import Array
from minigrad.ops.shape import concatenate, split, stack


def _lstm(x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, *biases: Any) -> Any:
    states = []
    for step in recurrent.unstacked(linear(x, weight_ih, *biases[:1])):
        i, f, g, o = split(step + linear(h, weight_hh, *biases[1:]), 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        states.append(h)
    return stack([*states, c])


def _lstms(*inputs: Any, networks: int) -> Any:
    return concatenate([_lstm(*part) for part in _split_networks(list(inputs), networks)], 1)


# The kernel orders the gates i, f, o, g, so that the sigmoid gates are adjacent; one call of tanh computes all four.


def _to_kernel_order(rows: Array, factor: float = 1.0) -> Array:
    """Reorder gates i, f, g, o as i, f, o, g.

    They are rows of a weight or a bias. The rows of the sigmoid gates are scaled by `factor`.
    """
    i, f, g, o = np.split(rows, 4)
    rows = np.concatenate([i, f, o, g])
    rows[: 3 * len(g)] *= factor
    return rows


def _from_kernel_order(rows: Array) -> Array:
    """Reorder gates i, f, o, g as i, f, g, o."""
    i, f, o, g = np.split(rows, 4)
    return np.concatenate([i, f, g, o])


def _lstm_forward(inputs: Sequence[Array], networks: int = 1) -> tuple[Array, Array, Array, Array]:
    """Return the hidden states and the last cell state, (L + 1, N, H).

    The inputs are [x, h, c, weight_ih, weight_hh, bias_ih, bias_hh]. Several networks of one size step together, in as
    many calls as one: `inputs` has the inputs of the first network, then of the second and so on, and the results are
    concatenated along the batch axis, (L + 1, networks · N, H).

    Also returns the gates (L, 4, networks, N, H), the cell states before the first step and after each, and tanh(c)
    after each step.
    """
    parts = _split_networks(recurrent.working(inputs), networks)
    x, (n, hidden) = parts[0][0], parts[0][1].shape
    length, shape = len(x), (networks, n, hidden)
    from_x, weight = (
        recurrent.empty_aligned((networks, length, n, 4 * hidden), x),
        recurrent.empty_aligned((4, networks, hidden, hidden), x),
    )
    out = np.empty((length + 1, networks * n, hidden), x.dtype, like=x)
    gates, cs, tanh_c = (
        recurrent.empty_aligned(sizes, x) for sizes in ((length, 4, *shape), (length + 1, *shape), (length, *shape))
    )
    h, product = recurrent.empty_aligned(shape, x), recurrent.empty_aligned(shape, x)
    for i, (x, h[i], cs[0, i], weight_ih, weight_hh, *biases) in enumerate(parts):
        bias = _to_kernel_order(biases[0] + biases[1], 0.5) if biases else None
        recurrent.products(x, _to_kernel_order(weight_ih, 0.5), bias, from_x[i])
        weight[:, i] = _to_kernel_order(weight_hh, 0.5).reshape(4, hidden, hidden).mT
    steps, from_x = out.reshape(length + 1, *shape), recurrent.by_gate(from_x, 4)
    for k in range(length):
        gate, c = gates[k], cs[k + 1]
        np.matmul(h, weight, out=gate)
        gate += from_x[k]
        np.tanh(gate, out=gate)
        recurrent.sigmoid_from_tanh(gate[:3])
        i, f, o, new = gate
        np.multiply(f, cs[k], out=c)
        c += np.multiply(i, new, out=product)
        h = np.multiply(o, np.tanh(c, out=tanh_c[k]), out=steps[k])
    steps[length] = cs[length]
    return out.astype(np.result_type(*inputs), copy=False), gates, cs, tanh_c


def _split_networks(inputs: list[Any], networks: int) -> list[list[Any]]:
    """Split the inputs by network."""
    size = len(inputs) // networks
    return [inputs[i * size : (i + 1) * size] for i in range(networks)]


def _lstm_fused(
    g: Array,
    needs: Sequence[Any],
    inputs: Sequence[Array],
    out: Array,
    gates: Array,
    cs: Array,
    tanh_c: Array,
    networks: int,
) -> list[Array | None]:
    g, out, *inputs = recurrent.working([g, out, *inputs])
    parts = _split_networks(inputs, networks)
    length, _, n, hidden = tanh_c.shape
    shape = (networks, n, hidden)
    g, out = g.reshape(length + 1, *shape), out.reshape(length + 1, *shape)
    slopes, weight = (
        recurrent.empty_aligned((networks, length, n, 4 * hidden), g),
        recurrent.empty_aligned((4, networks, hidden, hidden), g),
    )
    for i, part in enumerate(parts):
        weight[:, i] = _to_kernel_order(part[4]).reshape(4, hidden, hidden)
    by_gate = recurrent.by_gate(slopes, 4)
    slope, product = recurrent.empty_aligned((4, *shape), g), recurrent.empty_aligned((4, *shape), g)
    to_i, to_f, to_o, to_new = slope
    sigmoids, guarded, work = slope[:3], slope[:2], product[0]
    one = recurrent.number(1, g)
    to_h, to_c = np.zeros(shape, g.dtype, like=g), g[length].copy()
    for k in range(length - 1, -1, -1):
        gate = gates[k]
        i, f, o, new = gate
        to_h += g[k]
        np.square(tanh_c[k], out=work)
        np.subtract(one, work, out=work)
        work *= o
        work *= to_h
        to_c += work
        # The gradients of the gates before σ and tanh: multiples of the gradient of c for i, f and g, and of h for o.
        np.subtract(one, gate[:3], out=sigmoids)
        sigmoids *= gate[:3]
        to_i *= new
        to_f *= cs[k]
        to_o *= tanh_c[k]
        to_o *= to_h
        np.square(new, out=to_new)
        np.subtract(one, to_new, out=to_new)
        to_new *= i
        to_new *= to_c
        guarded *= to_c
        to_c *= f
        by_gate[k] = slope
        np.add.reduce(np.matmul(slope, weight, out=product), axis=0, out=to_h)
    gradients: list[Array | None] = []
    for i, (x, first, _, weight_ih, _, *biases) in enumerate(parts):
        to_weight_ih = recurrent.weight_gradient(slopes[i], x)
        to_weight_hh = recurrent.weight_gradient(slopes[i], recurrent.previous_states(first, out[:-1, i]))
        to_x = recurrent.input_gradient(slopes[i], _to_kernel_order(weight_ih)) if needs[len(gradients)] else None
        gradients += [to_x, to_h[i], to_c[i], _from_kernel_order(to_weight_ih), _from_kernel_order(to_weight_hh)]
        if biases:
            to_bias = _from_kernel_order(recurrent.bias_gradient(slopes[i]))
            gradients += [to_bias, to_bias.copy()]
    return gradients


lstm_states = primitive(
    "lstm_states",
    _lstm_forward,
    lambda g, inputs, networks: recurrent.derived(partial(_lstms, networks=networks), g, inputs),
    fused=_lstm_fused,
    residuals=("gates", "cs", "tanh_c"),
    variadic=True,
)


def lstm(
    x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any = None, bias_hh: Any = None
) -> tuple[Any, Any]:
    """One layer of `nn.LSTM`.

    Args:
        x: the inputs, (L, N, I), with L at least 1.
        h: the hidden state before the first step, (N, H).
        c: the cell state before the first step, (N, H).
        weight_ih: (4 H, I), the gates in the order i, f, g, o.
        weight_hh: (4 H, H).
        bias_ih: (4 H,), or None.
        bias_hh: (4 H,), or None if bias_ih is.

    Returns:
        The hidden state after each step, (L, N, H), and the cell state after the last, (N, H).

    Raises:
        ValueError: for shapes that do not match.
    """
    return lstms([(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh)])[0]


def lstms(networks: Sequence[Sequence[Any]]) -> list[tuple[Any, Any]]:
    """The results of `lstm` for several networks, stepped together.

    The time of a step of a small network is mostly call overhead, and several networks need as many calls as one.

    Args:
        networks: the arguments of `lstm` for each network.

    Raises:
        ValueError: as `lstm`, and for networks of different sizes.
    """
    parts = []
    for x, h, c, weight_ih, weight_hh, *biases in networks:
        bias_ih, bias_hh = biases or (None, None)
        parts.append(recurrent.checked("lstm", 4, x, {"h": h, "c": c}, weight_ih, weight_hh, bias_ih, bias_hh))
    sizes = {tuple(value.shape for value in part) for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"lstm: networks that take their steps together are of one size, got inputs of shapes {sizes}")
    states = lstm_states([value for part in parts for value in part], len(parts))
    each = [states] if len(parts) == 1 else split(states, len(parts), 1)
    return [(state[:-1], state[-1]) for state in each]
