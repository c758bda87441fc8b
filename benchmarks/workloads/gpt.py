"""Workload: the training step of a GPT, whose activations do not fit a cache."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Array, Goal, Workload
from benchmarks.workloads import by_hand
from benchmarks.workloads.descent import AdamW
from benchmarks.workloads.library import LARGE_STEPS, Library, Torch
from benchmarks.workloads.training import Network, Task

DEVIATION = 0.02
"""The standard deviation of initial weights, as in GPT-2, and also of biases and of gains around 1."""

BATCHES = 8


class Sizes(NamedTuple):
    """The sequences in a batch, and the sizes of a GPT with nanoGPT's names."""

    batch: int
    vocab_size: int
    block_size: int
    n_layer: int
    n_head: int
    n_embd: int


TINY = Sizes(batch=2, vocab_size=11, block_size=8, n_layer=1, n_head=2, n_embd=8)


def task(sizes: Sizes, dtype: str) -> Task:
    """Return a task on noise; inputs and targets are tokens (batch, block_size)."""
    random = np.random.default_rng(0)
    width = sizes.n_embd

    def normal(*shape: int) -> Array:
        return (DEVIATION * random.standard_normal(shape)).astype(dtype)

    def norm(name: str) -> dict[str, Array]:
        return {f"{name}.weight": 1 + normal(width), f"{name}.bias": normal(width)}

    weights = {"wte.weight": normal(sizes.vocab_size, width), "wpe.weight": normal(sizes.block_size, width)}
    for i in range(sizes.n_layer):
        block = {
            **norm("ln_1"),
            "attn.in_proj_weight": normal(3 * width, width),
            "attn.in_proj_bias": normal(3 * width),
            "attn.out_proj.weight": normal(width, width),
            "attn.out_proj.bias": normal(width),
            **norm("ln_2"),
            "mlp.0.weight": normal(4 * width, width),
            "mlp.0.bias": normal(4 * width),
            "mlp.2.weight": normal(width, 4 * width),
            "mlp.2.bias": normal(width),
        }
        weights |= {f"h.{i}.{name}": weight for name, weight in block.items()}
    weights |= norm("ln_f")
    weights["lm_head.weight"] = weights["wte.weight"]
    shape = (BATCHES, 2, sizes.batch, sizes.block_size)
    return Task(sizes, weights, [(x, y) for x, y in random.integers(0, sizes.vocab_size, shape)])


def _module(library: Library, sizes: Sizes) -> tuple[Any, Any]:
    if isinstance(library, Torch):
        from benchmarks.workloads import gpt_torch

        return gpt_torch.GPT(*sizes[1:]), gpt_torch.cross_entropy
    from models.gpt import GPT

    return GPT(*sizes[1:]), library.nn.CrossEntropyLoss(axis=-1)


def _gradients(sizes: Sizes, weights: list[Array], tokens: Array, targets: Array) -> tuple[Any, list[Array]]:
    """Return loss and gradients; activations are matrices with a row for each position of each sequence."""
    wte, wpe, *blocks, gain, shift = weights
    x = (wte[tokens] + wpe).reshape(-1, sizes.n_embd)
    kept: list[Any] = []
    for i in range(sizes.n_layer):
        x, saved = _block(sizes, x, *blocks[12 * i : 12 * i + 12])
        kept.append(saved)
    out, normed = by_hand.layer_norm(x, gain, shift)
    loss, g = by_hand.cross_entropy(out @ wte.T, targets.ravel())
    g_wte = g.T @ out
    g, *gradients = by_hand.layer_norm_back(g @ wte, gain, *normed)
    for i in reversed(range(sizes.n_layer)):
        g, *slopes = _block_back(g, *blocks[12 * i : 12 * i + 12], *kept.pop())
        gradients = [*slopes, *gradients]
    g_wte += np.equal(np.arange(sizes.vocab_size)[:, None], tokens.ravel()).astype(g.dtype) @ g
    return loss, [g_wte, g.reshape(-1, *wpe.shape).sum(axis=0), *gradients]


def _block(sizes: Sizes, x: Array, *weights: Array) -> tuple[Array, Any]:
    gain_1, shift_1, w_in, b_in, w_out, b_out, gain_2, shift_2, w_up, b_up, w_down, b_down = weights
    read, norm_1 = by_hand.layer_norm(x, gain_1, shift_1)
    told, heads = by_hand.attention(read, w_in, b_in, w_out, b_out, sizes.block_size, sizes.n_head, is_causal=True)
    told += x
    normed, norm_2 = by_hand.layer_norm(told, gain_2, shift_2)
    wide = by_hand.linear(normed, w_up, b_up)
    active, tanh = by_hand.gelu(wide)
    out = by_hand.linear(active, w_down, b_down)
    out += told
    return out, (read, norm_1, heads, normed, norm_2, wide, active, tanh)


def _block_back(g: Array, *weights_and_saved: Any) -> list[Array]:
    """Return the gradients of the input and of the weights."""
    gain_1, _, w_in, _, w_out, _, gain_2, _, w_up, _, w_down, _ = weights_and_saved[:12]
    read, norm_1, heads, normed, norm_2, wide, active, tanh = weights_and_saved[12:]
    back, *down = by_hand.linear_back(g, active, w_down)
    back, *up = by_hand.linear_back(by_hand.gelu_back(back, wide, tanh), normed, w_up)
    back, *after = by_hand.layer_norm_back(back, gain_2, *norm_2)
    g = g + back
    back, *attention = by_hand.attention_back(g, read, w_in, w_out, *heads)
    back, *before = by_hand.layer_norm_back(back, gain_1, *norm_1)
    g += back
    return [g, *before, *attention, *after, *up, *down]


def _loss(np: Any, sizes: Sizes, weights: Any, tokens: Any, targets: Any) -> Any:
    """Return the loss in JAX, with its own functions where these are faster."""
    from jax.nn import dot_product_attention, gelu, log_softmax, standardize

    wte, wpe, *blocks, gain, shift = weights
    heads = sizes.batch, sizes.block_size, 3, sizes.n_head, sizes.n_embd // sizes.n_head
    norm = partial(standardize, epsilon=by_hand.LAYER_NORM_EPS)
    x = wte[tokens] + wpe
    for i in range(sizes.n_layer):
        gain_1, shift_1, w_in, b_in, w_out, b_out, gain_2, shift_2, w_up, b_up, w_down, b_down = blocks[
            12 * i : 12 * i + 12
        ]
        packed = ((norm(x) * gain_1 + shift_1) @ w_in.T + b_in).reshape(heads)
        told = dot_product_attention(packed[:, :, 0], packed[:, :, 1], packed[:, :, 2], is_causal=True)
        x += told.reshape(x.shape) @ w_out.T + b_out
        x += gelu((norm(x) * gain_2 + shift_2) @ w_up.T + b_up, approximate=True) @ w_down.T + b_down
    logs = log_softmax((norm(x) * gain + shift) @ wte.T)
    return -np.mean(np.take_along_axis(logs, targets[..., None], axis=-1))


# The bias of the keys has no effect, so its gradient is a rounding error, which a smaller eps would amplify.
network = Network(AdamW(lr=1e-3, betas=(0.9, 0.99), eps=1e-5, weight_decay=0.1), _gradients, _module, _loss)


def _workload(name: str, sizes: Sizes, goals: Mapping[str, Goal], without: str = "") -> Workload:
    batch, vocab_size, block_size, n_layer, n_head, n_embd = sizes
    return Workload(
        name,
        f"GPT training step: {n_layer} layers, {n_head} heads, {n_embd} wide, block {block_size}, batch {batch}, "
        f"vocabulary {vocab_size}, AdamW",
        lambda dtype, smoke: task(TINY if smoke else sizes, dtype),
        {peer: trial for peer, trial in network.peers(LARGE_STEPS).items() if peer != without},
        goals=goals,
        turn=2.0,
    )


SMALL = Sizes(batch=12, vocab_size=65, block_size=64, n_layer=4, n_head=4, n_embd=128)

workloads = (
    _workload(
        "gpt_4x128",
        SMALL,
        {"torch": Goal(1.3, memory=1 / 0.6), "torch_fused": Goal(1.1), "torch_compiled": Goal(1.1)},
    ),
    _workload(
        "gpt_6x384",
        Sizes(batch=4, vocab_size=65, block_size=256, n_layer=6, n_head=6, n_embd=384),
        {"torch": Goal(1.05), "torch_fused": Goal(1.0), "torch_compiled": Goal(1.0)},
        without="jax",  # its first step takes more than five minutes
    ),
)
