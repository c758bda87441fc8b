"""Layers in plain NumPy, forward and backward, in place where possible.

A forward function returns its result and the saved arrays, if any, that its backward function takes after the gradient
of the result. Rows of a matrix are examples, or positions of sequences.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from benchmarks.workload import Array

LAYER_NORM_EPS = 1e-5  # PyTorch's
GELU_SCALE, GELU_CUBE = sqrt(2 / pi), 0.044715  # Hendrycks and Gimpel, arXiv:1606.08415, section 2


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """Return x (N, in) times a matrix (out, in), plus a bias: (N, out)."""
    out = x @ weight.T
    out += bias
    return out


def linear_back(g: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Return the gradients of x, the matrix and the bias."""
    return g @ weight, g.T @ x, g.sum(axis=0)


def cross_entropy(scores: Array, labels: Array) -> tuple[Any, Array]:
    """Return the mean loss of scores (N, C), which are overwritten, and their gradient."""
    rows = np.arange(len(scores)), labels
    scores -= scores.max(axis=1, keepdims=True)
    right = scores[rows]
    np.exp(scores, out=scores)
    total = scores.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - right)
    scores /= total
    scores[rows] -= 1
    scores /= len(scores)
    return loss, scores


def layer_norm(x: Array, gain: Array, shift: Array) -> tuple[Array, tuple[Array, Array]]:
    """Return rows normalized to mean 0 and variance 1, then scaled and shifted."""
    normed = x - x.mean(axis=1, keepdims=True)
    scale = np.einsum("ij,ij->i", normed, normed)[:, None]
    scale /= x.shape[1]
    scale += LAYER_NORM_EPS
    np.sqrt(scale, out=scale)
    np.reciprocal(scale, out=scale)
    normed *= scale
    out = normed * gain
    out += shift
    return out, (normed, scale)


def layer_norm_back(g: Array, gain: Array, normed: Array, scale: Array) -> tuple[Array, Array, Array]:
    """Return the gradients of the rows, the gain and the shift."""
    g_gain, g_shift = np.einsum("ij,ij->j", g, normed), g.sum(axis=0)
    g = g * gain
    along = np.einsum("ij,ij->i", g, normed)[:, None] / g.shape[1]
    g -= g.mean(axis=1, keepdims=True)
    g -= normed * along
    g *= scale
    return g, g_gain, g_shift


def gelu(x: Array) -> tuple[Array, Array]:
    """Return the tanh approximation of GELU."""
    tanh = x * x
    tanh *= GELU_CUBE
    tanh += 1
    tanh *= x
    tanh *= GELU_SCALE
    np.tanh(tanh, out=tanh)
    out = tanh + 1
    out *= x
    out *= 0.5
    return out, tanh


def gelu_back(g: Array, x: Array, tanh: Array) -> Array:
    """Return the gradient of x, overwriting g.

    It is g · (0.5 · (1 + tanh) + 0.5 · x · (1 - tanh²) · scale · (1 + 3 · cube · x²)).
    """
    slope = x * x
    slope *= 3 * GELU_CUBE
    slope += 1
    slope *= x
    slope *= GELU_SCALE
    slope *= 1 - tanh * tanh
    slope += tanh
    slope += 1
    slope *= 0.5
    g *= slope
    return g


def attention(
    x: Array, w_in: Array, b_in: Array, w_out: Array, b_out: Array, length: int, heads: int, is_causal: bool
) -> tuple[Array, tuple[Array, ...]]:
    """Return multi-head self-attention of N sequences, the rows of x (N · length, C), with PyTorch's parameters."""
    rows, width = x.shape
    packed = linear(x, w_in, b_in).reshape(-1, length, 3, heads, width // heads)
    query, key, value = packed.transpose(2, 0, 3, 1, 4)
    weights = query @ key.swapaxes(-1, -2)
    weights *= (width // heads) ** -0.5
    if is_causal:
        weights += np.triu(np.full((length, length), -np.inf, x.dtype), 1)
    weights -= weights.max(axis=-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    joined = (weights @ value).swapaxes(1, 2).reshape(rows, width)
    return linear(joined, w_out, b_out), (query, key, value, weights, joined)


def attention_back(
    g: Array,
    x: Array,
    w_in: Array,
    w_out: Array,
    query: Array,
    key: Array,
    value: Array,
    weights: Array,
    joined: Array,
) -> tuple[Array, Array, Array, Array, Array]:
    """Return the gradients of x, and of the parameters in the order of `attention`."""
    n, heads, length, size = query.shape
    g, g_w_out, g_b_out = linear_back(g, joined, w_out)
    g = g.reshape(n, length, heads, size).swapaxes(1, 2)
    packed = np.empty((n, length, 3, heads, size), x.dtype)
    g_query, g_key, g_value = packed.transpose(2, 0, 3, 1, 4)
    g_value[...] = weights.swapaxes(-1, -2) @ g
    g_scores = g @ value.swapaxes(-1, -2)
    g_scores -= np.einsum("...ij,...ij->...i", g_scores, weights)[..., None]
    g_scores *= weights
    g_scores *= size**-0.5
    g_query[...] = g_scores @ key
    g_key[...] = g_scores.swapaxes(-1, -2) @ query
    g_x, g_w_in, g_b_in = linear_back(packed.reshape(len(x), -1), x, w_in)
    return g_x, g_w_in, g_b_in, g_w_out, g_b_out
