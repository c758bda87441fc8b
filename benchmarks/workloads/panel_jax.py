"""The rows of the panel in JAX, as pure functions of the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.workload import STEPS, Array, Trial
from benchmarks.workloads.descent import SGD, AdamW
from benchmarks.workloads.library import Minigrad

if TYPE_CHECKING:
    from benchmarks.workloads.panel import Batches, Row

Weights = Mapping[str, Any]
"""Arrays by `state_dict` name."""


def trial(row: Row, problem: tuple[str, bool, Batches]) -> Trial:
    """Return a trial of one compiled function of weights, moments and a batch, with donated buffers."""
    import jax
    import jax.numpy as jnp

    dtype, smoke, batches = problem
    if dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    model, _ = row.made(Minigrad(), dtype, smoke)
    names = sorted(name for name, _ in model.named_parameters())
    first = {name: parameter.data.copy() for name, parameter in model.named_parameters()}
    descent = row.descent
    optimizer = descent if isinstance(descent, SGD | AdamW) else AdamW(descent.lr, (0.9, 0.999), descent.eps, 0.0)

    def loss(weights: list[Any], x: Any, y: Any, key: Any) -> Any:
        return LOSSES[row.name](dict(zip(names, weights, strict=True)), x, y, key)

    def update(weights: Any, moments: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any, Any]:
        value, slopes = jax.value_and_grad(loss)(weights, x, y, key)
        return value, *optimizer.functional(jnp, weights, slopes, moments)

    take = jax.jit(update, donate_argnums=(0, 1))
    weights: Any = [jnp.asarray(first[name]) for name in names]
    moments = optimizer.moments([jnp.zeros_like(weight) for weight in weights])
    endless = cycle([(jnp.asarray(x), jnp.asarray(y)) for x, y in batches])
    key, done = jax.random.key(0), 0

    def step() -> Any:
        nonlocal weights, moments, done
        drawn = jax.random.fold_in(key, done) if row.is_random and done >= STEPS else None
        done += 1
        value, weights, moments = take(weights, moments, *next(endless), drawn)
        return value

    return Trial(step, lambda: [np.asarray(weight) for weight in weights])


def chain(problem: Array) -> Trial:
    """Return a trial of only elementwise operations, without an optimizer."""
    import jax
    import jax.numpy as jnp

    learn = jax.jit(jax.value_and_grad(lambda x: (jnp.tanh(x * 2 + 1) * jax.nn.sigmoid(x)).sum()))
    x = jnp.asarray(problem)
    found: list[Any] = []

    def step() -> Any:
        value, slope = learn(x)
        found[:] = [slope]
        return value

    return Trial(step, lambda: [np.asarray(found[0])])


def convolution(problem: Any) -> Trial:
    """Return a trial of a convolution, forward and backward from the gradient of its result."""
    import jax
    import jax.numpy as jnp

    x, weight, bias, gradient = map(jnp.asarray, problem)

    @jax.jit
    def learn(*leaves: Any) -> tuple[Any, Any]:
        out, back = jax.vjp(lambda x, w, b: _convolve({"weight": w, "bias": b}, "", x), *leaves)
        return out[0, 0, 0, 0], back(gradient)

    found: list[Any] = []

    def step() -> Any:
        first, found[:] = learn(x, weight, bias)
        return first

    return Trial(step, lambda: [np.asarray(slope) for slope in found])


def _cross_entropy(logits: Any, labels: Any) -> Any:
    import jax
    import jax.numpy as jnp

    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], axis=-1).mean()


def _squared_error(out: Any, y: Any) -> Any:
    return ((out - y) ** 2).mean()


def _linear(w: Weights, name: str, x: Any) -> Any:
    return x @ w[f"{name}weight"].T + w[f"{name}bias"]


def _attend(w: Weights, name: str, query: Any, other: Any, heads: int, is_causal: bool = False) -> Any:
    import jax
    import jax.numpy as jnp

    width = query.shape[-1]
    parts = zip(jnp.split(w[f"{name}in_proj_weight"], 3), jnp.split(w[f"{name}in_proj_bias"], 3), strict=True)
    q, k, v = (
        (x @ weight.T + bias).reshape(*x.shape[:2], heads, width // heads)
        for x, (weight, bias) in zip((query, other, other), parts, strict=True)
    )
    out = jax.nn.dot_product_attention(q, k, v, is_causal=is_causal).reshape(query.shape)
    return _linear(w, f"{name}out_proj.", out)


def _attention(
    w: Weights, x: Any, y: Any, key: Any, heads: int = 8, is_causal: bool = False, is_cross: bool = False
) -> Any:
    heads = min(heads, x.shape[-1] // 4)  # tiny sizes have two heads of four
    split = x.shape[1] // 5 if is_cross else 0
    query, other = (x[:, :split], x[:, split:]) if is_cross else (x, x)
    return _squared_error(_attend(w, "attention.", query, other, heads, is_causal), y)


def _norm(w: Weights, name: str, x: Any, axes: Any = -1) -> Any:
    """Layer norm over the last axis; batch norm with `axes` of (0, 2, 3)."""
    import jax.numpy as jnp

    shape = (-1,) if axes == -1 else (-1, 1, 1)
    gain, shift = w[f"{name}weight"].reshape(shape), w[f"{name}bias"].reshape(shape)
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + 1e-5) * gain + shift


def _encoder(w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax

    x = _norm(w, "norm1.", x + _attend(w, "self_attn.", x, x, 4 if x.shape[-1] > 8 else 2))
    inner = _linear(w, "linear2.", jax.nn.relu(_linear(w, "linear1.", x)))
    return _squared_error(_norm(w, "norm2.", x + inner), y)


def _lstm(w: Weights, suffix: str, x: Any, is_reversed: bool = False) -> Any:
    """All outputs (N, T, H) of inputs (N, T, F)."""
    import jax
    import jax.numpy as jnp

    inner, bias = w[f"rnn.weight_hh_{suffix}"].T, w[f"rnn.bias_ih_{suffix}"] + w[f"rnn.bias_hh_{suffix}"]
    inputs = x.swapaxes(0, 1) @ w[f"rnn.weight_ih_{suffix}"].T + bias

    def cell(state: Any, at: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(at + h @ inner, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((len(x), len(inner)), x.dtype)
    return jax.lax.scan(cell, (start, start), inputs, reverse=is_reversed)[1].swapaxes(0, 1)


def _gru(w: Weights, x: Any) -> Any:
    """All outputs (N, T, H) of inputs (N, T, F)."""
    import jax
    import jax.numpy as jnp

    inner, bias = w["rnn.weight_hh_l0"].T, w["rnn.bias_hh_l0"]
    inputs = x.swapaxes(0, 1) @ w["rnn.weight_ih_l0"].T + w["rnn.bias_ih_l0"]

    def cell(h: Any, at: Any) -> Any:
        (r, z, n), (hr, hz, hn) = jnp.split(at, 3, axis=-1), jnp.split(h @ inner + bias, 3, axis=-1)
        z = jax.nn.sigmoid(z + hz)
        h = (1 - z) * jnp.tanh(n + jax.nn.sigmoid(r + hr) * hn) + z * h
        return h, h

    return jax.lax.scan(cell, jnp.zeros((len(x), len(inner)), x.dtype), inputs)[1].swapaxes(0, 1)


def _reads(layer: Callable[[Weights, Any], Any], w: Weights, x: Any, y: Any, key: Any) -> Any:
    return _cross_entropy(_linear(w, "head.", layer(w, x)[:, -1]), y)


def _bilstm(w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax
    import jax.numpy as jnp

    for level in range(2):
        if level and key is not None:
            x = x * jax.random.bernoulli(key, 0.8, x.shape) / 0.8
        ways = [_lstm(w, f"l{level}", x), _lstm(w, f"l{level}_reverse", x, is_reversed=True)]
        x = jnp.concatenate(ways, axis=-1)
    return _cross_entropy(_linear(w, "head.", x[:, -1]), y)


def _char_rnn(w: Weights, x: Any, y: Any, key: Any) -> Any:
    return _cross_entropy(_linear(w, "head.", _lstm(w, "l0", w["embed.weight"][x])), y)


def _convolve(w: Weights, name: str, x: Any, stride: int = 1, padding: int = 1, groups: int = 1) -> Any:
    import jax

    dims, bias = x.ndim - 2, w.get(f"{name}bias")
    letters = "NCHW"[: x.ndim] if dims == 2 else "NCH"
    kernel = letters.replace("N", "O").replace("C", "I")
    out = jax.lax.conv_general_dilated(
        x,
        w[f"{name}weight"],
        (stride,) * dims,
        [(padding, padding)] * dims,
        dimension_numbers=(letters, kernel, letters),
        feature_group_count=groups,
    )
    return out if bias is None else out + bias.reshape(-1, *(1,) * dims)


def _cnn(w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax

    for i in (0, 4):
        x = jax.nn.relu(_norm(w, f"{i + 1}.", _convolve(w, f"{i}.", x), (0, 2, 3)))
        x = jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return _cross_entropy(_linear(w, "9.", x.reshape(len(x), -1)), y)


def _residual(w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax

    for i in range(4):
        inner = jax.nn.relu(_convolve(w, f"{i}.first.", x))
        x = jax.nn.relu(x + _convolve(w, f"{i}.second.", inner))
    return _cross_entropy(_linear(w, "5.", x.reshape(len(x), -1)), y)


def _separable(w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax

    x = jax.nn.relu(_convolve(w, "1.", _convolve(w, "0.", x, padding=2, groups=32), padding=0))
    return _cross_entropy(_linear(w, "4.", x.reshape(len(x), -1)), y)


def _autoencoder(w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax

    x = jax.nn.relu(_convolve(w, "0.", x, stride=2))
    kernel = w["2.weight"].swapaxes(0, 1)[:, :, ::-1, ::-1]
    out = jax.lax.conv_general_dilated(x, kernel, (1, 1), [(1, 2), (1, 2)], lhs_dilation=(2, 2))
    return _squared_error(out + w["2.bias"].reshape(-1, 1, 1), y)


def _conv1d(w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax

    for i in (0, 2):
        x = jax.nn.relu(_convolve(w, f"{i}.", x, padding=2))
    return _cross_entropy(_linear(w, "5.", x.mean(-1)), y)


def _embedding(w: Weights, x: Any, y: Any, key: Any) -> Any:
    return _cross_entropy(_linear(w, "head.", w["embed.weight"][x].mean(1)), y)


def _mlp(loss: Callable[[Any, Any], Any], w: Weights, x: Any, y: Any, key: Any) -> Any:
    import jax

    x = jax.nn.relu(_linear(w, "0.", x))
    x = jax.nn.relu(_linear(w, "2.", x)) if "4.weight" in w else x
    return loss(_linear(w, "4." if "4.weight" in w else "2.", x), y)


LOSSES: Mapping[str, Callable[[Weights, Any, Any, Any], Any]] = {
    "attention": _attention,
    "cross_attention": partial(_attention, is_cross=True),
    "causal": partial(_attention, heads=4, is_causal=True),
    "encoder": _encoder,
    "lstm": partial(_reads, lambda w, x: _lstm(w, "l0", x)),
    "gru": partial(_reads, _gru),
    "bilstm": _bilstm,
    "char_rnn": _char_rnn,
    "cnn": _cnn,
    "residual": _residual,
    "separable": _separable,
    "autoencoder": _autoencoder,
    "conv1d": _conv1d,
    "embedding": _embedding,
    "vocabulary": lambda w, x, y, key: _cross_entropy(_linear(w, "", x), y),
    "wide_mlp": partial(_mlp, _cross_entropy),
    "batch_of_one": partial(_mlp, _squared_error),
    "float64": partial(_mlp, _squared_error),
}
"""The loss of each row by name, `loss(weights, x, y, key)`; `key` is for dropout, and None in eval mode."""
