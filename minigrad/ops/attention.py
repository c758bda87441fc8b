"""Scaled dot-product attention.

Vaswani et al., "Attention is all you need", arXiv:1706.03762, section 3.2.1. The rules, which are the specification,
recompute the weights from queries and keys. The forward and the fused backward work in blocks (`attention_blocks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.apply import primitive
from minigrad.ops.attention_blocks import attend, attend_back
from minigrad.ops.elementwise import where
from minigrad.ops.kernels import softmax
from minigrad.ops.shape import concatenate

Array = NDArray[Any]
Needs = Sequence[bool]


def attention_weights(
    query: Any, key: Any, mask: Any = None, is_causal: bool = False, scale: float | None = None
) -> Any:
    """Attention weights, by softmax along the keys.

    softmax(scale · query keyᵀ + mask), for query (..., L, E) and key (..., S, E); the result is (..., L, S).
    """
    scores = query @ key.swapaxes(-1, -2) * _scale(query, scale)
    shown = _visible_keys(mask, is_causal, scores.shape, getattr(scores, "_data", scores))
    if shown is None or not scores.shape[-1]:
        return softmax(scores) if scores.shape[-1] else scores
    if mask is not None and mask.dtype != bool:
        scores = scores + mask
    sees = shown.any(axis=-1, keepdims=True)
    scores = where(sees, where(shown, scores, -np.inf), 0.0)  # a row of -inf only would have a softmax of NaN
    return where(sees, softmax(scores), 0.0)


def _visible_keys(mask: Any, is_causal: bool, shape: tuple[int, ...], x: Array) -> Array | None:
    """Return which keys each query may attend to, or None for all.

    The result is broadcast to scores of `shape` (..., L, S), and is on the device of x.
    """
    shown = None
    if is_causal:
        shown = np.broadcast_to(np.arange(shape[-1], like=x) <= np.arange(shape[-2], like=x)[:, None], shape)
    if mask is None:
        return shown
    _check_mask(mask, shape)
    allowed = np.broadcast_to(mask if mask.dtype == bool else mask > -np.inf, shape)
    return allowed if shown is None else allowed & shown


def _check_mask(mask: Any, shape: tuple[int, ...]) -> None:
    if mask.dtype != bool and mask.dtype.kind != "f":
        raise TypeError(
            f"a mask is boolean, True where a key takes part, or of floating point, to be added; got {mask.dtype}"
        )
    if mask.ndim > len(shape) or any(n not in (1, m) for n, m in zip(mask.shape[::-1], shape[::-1], strict=False)):
        raise ValueError(f"the mask, {mask.shape}, does not broadcast to the scores, (..., queries, keys): {shape}")


def _scale(query: Any, scale: float | None) -> float:
    return 1 / sqrt(max(query.shape[-1], 1)) if scale is None else float(scale)


# The operation.


def _scaled_dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> tuple[Array, Array]:
    """Scaled dot-product attention.

    softmax(scale · query keyᵀ + mask) value. The result is (..., L, Ev); leading axes are broadcast. A query whose keys
    are all masked gets zeros.

    Args:
        query: (..., L, E).
        key: (..., S, E).
        value: (..., S, Ev).
        mask: broadcast to (..., L, S); booleans, where True means *takes part*, or floats, which are added to the
            scores.
        is_causal: whether query i attends only to the keys 0 to i.
        scale: the factor of the scores; 1/sqrt(E) if None.

    Raises:
        ValueError: for shapes that do not match.
        TypeError: for a mask of integers.
    """
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise ValueError("expected query (..., L, E), key (..., S, E) and value (..., S, Ev)")
    lead = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    if mask is not None:
        _check_mask(mask, (*lead, query.shape[-2], key.shape[-2]))
    return attend(*_broadcast(lead, query, key, value, mask), is_causal, _scale(query, scale))


def _broadcast(lead: tuple[int, ...], query: Any, key: Any, value: Any, mask: Any) -> tuple[Any, Any, Any, Any]:
    """Broadcast the leading axes of all four arrays, and the last axes of the mask."""
    if mask is not None:
        mask = np.broadcast_to(mask, (*lead, query.shape[-2], key.shape[-2]))
    return *[
        x if x is None or x.shape[:-2] == lead else np.broadcast_to(x, (*lead, *x.shape[-2:]))
        for x in (query, key, value)
    ], mask


def _slope(g: Any, query: Any, key: Any, value: Any, mask: Any, out: Any, is_causal: bool, scale: float | None) -> Any:
    """Return the gradient with respect to the argument of softmax."""
    weights = attention_weights(query, key, mask, is_causal, scale)
    return weights * (g @ value.swapaxes(-1, -2) - (g * out).sum(axis=-1, keepdims=True))


def _query_rule(
    g: Any, query: Any, key: Any, value: Any, mask: Any, out: Any, is_causal: bool, scale: float | None
) -> Any:
    return _slope(g, query, key, value, mask, out, is_causal, scale) @ key * _scale(query, scale)


def _key_rule(
    g: Any, query: Any, key: Any, value: Any, mask: Any, out: Any, is_causal: bool, scale: float | None
) -> Any:
    return _slope(g, query, key, value, mask, out, is_causal, scale).swapaxes(-1, -2) @ query * _scale(query, scale)


def _value_rule(g: Any, query: Any, key: Any, mask: Any, is_causal: bool, scale: float | None) -> Any:
    return attention_weights(query, key, mask, is_causal, scale).swapaxes(-1, -2) @ g


def _fused(
    g: Array,
    needs: Needs,
    query: Array,
    key: Array,
    value: Array | None,
    mask: Array | None,
    out: Array | None,
    logsumexp: Array,
    is_causal: bool,
    scale: float | None,
) -> list[Array | None]:
    to_mask = _slope(g, query, key, value, mask, out, is_causal, scale) if needs[3] else None
    query, key, value, mask = _broadcast(g.shape[:-2], query, key, value, mask)
    likes = (query, query.shape), (key, key.shape), (key, (*key.shape[:-1], g.shape[-1]))
    into = [np.empty_like(x, shape=shape) if need else None for (x, shape), need in zip(likes, needs, strict=False)]
    attend_back(g, into, query, key, value, mask, out, logsumexp, is_causal, _scale(query, scale))
    return [*into, to_mask]


scaled_dot_product_attention = primitive(
    "scaled_dot_product_attention",
    _scaled_dot_product_attention,
    _query_rule,
    _key_rule,
    _value_rule,
    _slope,
    fused=_fused,
    residuals=("logsumexp",),
)

# Self-attention of queries, keys and values packed along the last axis, as one linear layer computes them.


def _packed_attention(
    x: Array, mask: Array | None = None, num_heads: int = 1, is_causal: bool = False, scale: float | None = None
) -> tuple[Array, Array]:
    """Self-attention of packed queries, keys and values.

    It computes `scaled_dot_product_attention` of the three parts, without concatenating their gradients in the backward
    pass.

    Args:
        x: (..., L, 3 · num_heads · E): along the last axis the queries of all heads, then the keys, then the values.
            The result is (..., L, num_heads · E), with the heads concatenated.
        mask: as in `scaled_dot_product_attention`, broadcast to (..., num_heads, L, L).
        num_heads: the number of heads.
        is_causal: whether position i attends only to the positions 0 to i.
        scale: the factor of the scores; 1/sqrt(E) if None.

    Raises:
        ValueError: for shapes that do not match.
        TypeError: for a mask of integers.
    """
    if x.ndim < 2 or num_heads < 1 or x.shape[-1] % (3 * num_heads):
        raise ValueError(f"expected (..., L, E) with E a multiple of 3 · {num_heads}, three times the heads")
    query, key, value = _split_heads(x, 3, num_heads)
    out, logsumexp = _scaled_dot_product_attention(query, key, value, mask, is_causal, scale)
    return _join_heads(out), logsumexp


def _split_heads(x: Any, count: int, num_heads: int) -> Any:
    """Split the last axis into `count` parts of heads.

    (..., L, count · num_heads · E) becomes `count` views (..., num_heads, L, E).
    """
    parts = x.reshape((*x.shape[:-1], count, num_heads, x.shape[-1] // (count * num_heads)))
    return [parts[..., i, :, :].swapaxes(-2, -3) for i in range(count)]


def _join_heads(x: Any) -> Any:
    """Concatenate heads (..., num_heads, L, E): (..., L, num_heads · E)."""
    x = x.swapaxes(-2, -3)
    return x.reshape((*x.shape[:-2], x.shape[-2] * x.shape[-1]))


def _packed_rule(g: Any, x: Any, mask: Any, out: Any, num_heads: int, is_causal: bool, scale: float | None) -> Any:
    query, key, value = _split_heads(x, 3, num_heads)
    (g,), (out,) = _split_heads(g, 1, num_heads), _split_heads(out, 1, num_heads)
    return concatenate(
        [
            _join_heads(_query_rule(g, query, key, value, mask, out, is_causal, scale)),
            _join_heads(_key_rule(g, query, key, value, mask, out, is_causal, scale)),
            _join_heads(_value_rule(g, query, key, mask, is_causal, scale)),
        ],
        -1,
    )


def _packed_slope(g: Any, x: Any, mask: Any, out: Any, num_heads: int, is_causal: bool, scale: float | None) -> Any:
    query, key, value = _split_heads(x, 3, num_heads)
    (g,), (out,) = _split_heads(g, 1, num_heads), _split_heads(out, 1, num_heads)
    return _slope(g, query, key, value, mask, out, is_causal, scale)


def _packed_fused(
    g: Array,
    needs: Needs,
    x: Array,
    mask: Array | None,
    out: Array,
    logsumexp: Array,
    num_heads: int,
    is_causal: bool,
    scale: float | None,
) -> list[Array | None]:
    to_mask = _packed_slope(g, x, mask, out, num_heads, is_causal, scale) if needs[1] else None
    if not needs[0]:
        return [None, to_mask]
    gradient = np.empty(x.shape, x.dtype, like=x)
    (g,), (out,) = _split_heads(g, 1, num_heads), _split_heads(out, 1, num_heads)
    query, key, value = _split_heads(x, 3, num_heads)
    if mask is not None:
        mask = np.broadcast_to(mask, (*g.shape[:-1], key.shape[-2]))
    into = _split_heads(gradient, 3, num_heads)
    attend_back(g, into, query, key, value, mask, out, logsumexp, is_causal, _scale(query, scale))
    return [gradient, to_mask]


packed_attention = primitive(
    "packed_attention",
    _packed_attention,
    _packed_rule,
    _packed_slope,
    fused=_packed_fused,
    residuals=("logsumexp",),
)
