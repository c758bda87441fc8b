"""Attention layers: one head step by step, and multi-head attention."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import ops
from minigrad.arguments import as_flag, as_integer
from minigrad.engine import Tensor
from minigrad.engine.arrays import asarray, asarray_like, like_of
from minigrad.nn import init
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.low_rank import LowRank
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.position import RotaryEmbedding


class SelfAttentionHead(Module):
    """One head of self-attention, by the formula.

    The input is (..., L, embed_dim), the output (..., L, head_dim). Vaswani et al., "Attention is all you need",
    arXiv:1706.03762, section 3.2.1. `MultiHeadAttention` computes several heads at once, concatenates them along the
    last axis, and applies a linear map.

    Args:
        embed_dim: the length of the input vectors.
        head_dim: the length of queries, keys and values; embed_dim if None.
        is_causal: whether each position attends only to itself and those before it.
        bias: whether the three linear maps have a bias.

    Raises:
        ValueError: for sizes below 1.
    """

    def __init__(self, embed_dim: int, head_dim: int | None = None, is_causal: bool = False, bias: bool = True) -> None:
        self.is_causal = as_flag("is_causal", is_causal)
        self.head_dim = embed_dim if head_dim is None else as_integer("head_dim", head_dim, 1)
        # 1. Weight matrices, (head_dim, embed_dim): the queries, keys and values.
        self.query = Linear(embed_dim, self.head_dim, bias)
        self.key = Linear(embed_dim, self.head_dim, bias)
        self.value = Linear(embed_dim, self.head_dim, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the attention-weighted mean of values at each position."""
        # 2. Queries, keys and values: (..., L, head_dim) each.
        query, key, value = self.query(x), self.key(x), self.value(x)
        # 3. Scores, (..., L, L): row i holds the match of query i with each key. Dot products of vectors grow with the
        #    square root of their length; dividing by it keeps softmax from saturating.
        scores = query @ key.swapaxes(-1, -2) / sqrt(self.head_dim)
        # 4. Mask: minus infinity, whose exponential is 0, where query i may not attend.
        if self.is_causal:
            places = np.arange(x.shape[-2], like=like_of(x))
            scores = ops.where(places <= places[:, None], scores, -np.inf)
        # 5. Softmax: each row becomes positive weights with sum 1.
        weights = ops.softmax(scores, axis=-1)
        # 6. Weighting the values: (..., L, L) times (..., L, head_dim).
        mean = weights @ value
        # 7. The output, (..., L, head_dim).
        return mean


class KeyValueCache:
    """A cache of keys and values, for generation.

    Use one cache per attention layer, pass it to each call of the layer, and call the layer under `no_grad`. The length
    of a cache is the number of positions so far. A copy, also by `copy.copy`, has memory of its own, so two
    continuations of a text are independent.
    """

    def __init__(self) -> None:
        self._room: NDArray[Any] | None = None
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __copy__(self) -> KeyValueCache:
        return deepcopy(self)

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append keys and values; return those of all positions.

        Args:
            key: the keys of new positions, (..., L, head_dim).
            value: the values of new positions, (..., L, head_dim).

        Raises:
            ValueError: if the leading axes differ from those of earlier calls.
            RuntimeError: if gradients are recorded.
        """
        if key.requires_grad or value.requires_grad:
            raise RuntimeError("a cache is for generation, and remembers no gradients; call the layer under no_grad()")
        stop, lead = self._length + key.shape[-2], (2, *key.shape[:-2])
        if self._room is not None and lead != self._room.shape[:-2]:
            raise ValueError(f"the cache holds keys {self._room.shape[1:-2]} + (places, head_dim), got {key.shape}")
        if self._room is None or stop > self._room.shape[-2]:
            room = np.empty(
                (*lead, 2 * stop, key.shape[-1]), key.dtype, like=like_of(key)
            )  # room for later positions, so that most calls copy nothing
            if self._room is not None:
                room[..., : self._length, :] = self._room[..., : self._length, :]
            self._room = room
        for room, new in zip(self._room, (key, value), strict=True):
            room[..., self._length : stop, :] = new.data
        self._length = stop
        keys, values = self._room[..., :stop, :]
        return Tensor(keys), Tensor(values)


class MultiHeadAttention(Module):
    """Multi-head attention.

    `mha(x)` is self-attention; `mha(query, memory)` attends to another sequence. In boolean masks True means *masked*,
    as in `torch.nn.MultiheadAttention`. Vaswani et al., arXiv:1706.03762, section 3.2.2.

    Parameters have PyTorch's names, layout and initial values: `in_proj_weight` (3 · embed_dim, embed_dim), or
    `q_proj_weight`, `k_proj_weight` and `v_proj_weight` if `kdim` or `vdim` differs; `in_proj_bias`; `out_proj.weight`
    and `out_proj.bias`. The rows of `in_proj_weight` are those of the queries, the keys and the values, each with one
    head after another.

    Args:
        embed_dim: the length of the input and output vectors; each head has embed_dim / num_heads.
        num_heads: the number of heads.
        dropout: the probability of dropping an attention weight in training.
        bias: whether the linear maps have a bias.
        kdim: the length of the `key` vectors; embed_dim if None.
        vdim: the length of the `value` vectors; embed_dim if None.
        num_kv_heads: the number of key/value heads, shared by groups of query heads (grouped-query attention, Ainslie
            et al., arXiv:2305.13245); num_heads if None.
        is_causal: whether each position attends only to itself and those before it, in every call.
        rotary: the rotary embedding of queries and keys, if any.
        batch_first: whether inputs and outputs are (N, L, embed_dim); False for (L, N, embed_dim), PyTorch's default.

    Raises:
        ValueError: for sizes below 1, or sizes that do not divide each other.
    """

    in_proj_weight_lora: LowRank | None = None
    q_proj_weight_lora: LowRank | None = None
    k_proj_weight_lora: LowRank | None = None
    v_proj_weight_lora: LowRank | None = None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
        num_kv_heads: int | None = None,
        is_causal: bool = False,
        rotary: RotaryEmbedding | None = None,
        *,
        batch_first: bool = True,
    ) -> None:
        self.embed_dim = embed_dim = as_integer("embed_dim", embed_dim, 1)
        self.num_heads = num_heads = as_integer("num_heads", num_heads, 1)
        num_kv_heads = num_heads if num_kv_heads is None else as_integer("num_kv_heads", num_kv_heads, 1)
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim must be a multiple of num_heads={num_heads}, got {embed_dim}")
        if num_heads % num_kv_heads:
            raise ValueError(f"num_heads must be a multiple of num_kv_heads={num_kv_heads}, got {num_heads}")
        self.num_kv_heads = num_kv_heads
        self.head_dim = embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else as_integer("kdim", kdim, 1)
        self.vdim = embed_dim if vdim is None else as_integer("vdim", vdim, 1)
        self.is_causal = as_flag("is_causal", is_causal)
        self.batch_first = as_flag("batch_first", batch_first)
        shared = num_kv_heads * self.head_dim
        self._rows = embed_dim, shared, shared  # rows of the three weight matrices
        packs = self.kdim == self.vdim == embed_dim
        self.in_proj_weight = _matrix(sum(self._rows), embed_dim) if packs else None
        if not packs:
            self.q_proj_weight = _matrix(embed_dim, embed_dim)
            self.k_proj_weight = _matrix(shared, self.kdim)
            self.v_proj_weight = _matrix(shared, self.vdim)
        self.in_proj_bias = Parameter(np.zeros(sum(self._rows), np.float32)) if as_flag("bias", bias) else None
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)
        self.dropout = Dropout(dropout)
        self.add_module("rotary", rotary)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        key_padding_mask: Any = None,
        need_weights: bool = False,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> Any:
        """Return the outputs (N, L, embed_dim), and weights if asked.

        A query whose keys are all masked gets zeros from every head.

        Args:
            query: (N, L, embed_dim). All arguments may lack the axis N.
            key: (N, S, kdim); the query if None.
            value: (N, S, vdim); the key if None.
            key_padding_mask: (N, S); booleans, where True *masks* a key, or floats, which are added to its scores.
            need_weights: whether to also return the attention weights, (N, L, S), averaged over heads.
            attn_mask: (L, S) or (N · num_heads, L, S); booleans, where True *masks*, or floats, which are added to the
                scores.
            average_attn_weights: whether the returned weights are averaged; False for (N, num_heads, L, S).
            is_causal: whether query i attends only to the keys 0 to i.
            cache: the keys and values of earlier positions, to which those of this call are appended.

        Raises:
            ValueError: for shapes that do not match.
            TypeError: for masks of integers.
        """
        key = query if key is None else key
        value = key if value is None else value
        swaps = not self.batch_first and query.ndim == 3
        if swaps:
            query, key, value = _swap_batch_axis(query, key, value)
        self._check(query, key, value)
        seen = 0 if cache is None else len(cache)
        mask = self._mask(attn_mask, key_padding_mask, query.shape[:-2], query.shape[-2], seen + key.shape[-2])
        is_causal = is_causal or self.is_causal
        explicit = need_weights or (self.training and self.dropout.p > 0)
        if query is key is value and self._is_plain and cache is None and not explicit:
            # All seven steps at once, on concatenated queries, keys and values, (..., L, 3 · embed_dim).
            out = self.out_proj(ops.packed_attention(self._project_packed(query), mask, self.num_heads, is_causal))
            return ops.swapaxes(out, 0, 1) if swaps else out
        # 1. and 2. Queries (..., num_heads, L, head_dim), keys and values (..., num_kv_heads, S, head_dim).
        q, k, v = map(self._heads, self._project(query, key, value))
        if self.rotary is not None:
            q, k = self.rotary(q, seen), self.rotary(k, seen)
        if cache is not None:
            k, v = cache.extend(k, v)
            if is_causal and seen:
                mask, is_causal = _without_later(mask, seen, q), False
        heads = q.shape
        if q.shape[-2] == 1 and mask is None and not (is_causal or explicit):
            # the query heads of a group become queries of one head, so keys and values are not copied
            q = q.reshape((*k.shape[:-2], self.num_heads // self.num_kv_heads, self.head_dim))
        elif self.num_kv_heads != self.num_heads:
            k, v = (ops.repeat(x, self.num_heads // self.num_kv_heads, -3) for x in (k, v))
        # 3. to 6. Scores, mask, softmax, weighting the values: (..., num_heads, L, head_dim).
        if explicit:
            shares = self.dropout(ops.attention_weights(q, k, mask, is_causal))
            mean = shares @ v
        else:
            mean = ops.scaled_dot_product_attention(q, k, v, mask, is_causal).reshape(heads)
        # 7. The output: the heads concatenated, (..., L, embed_dim), and a linear map.
        out = self.out_proj(ops.swapaxes(mean, -2, -3).reshape(query.shape))
        out = ops.swapaxes(out, 0, 1) if swaps else out
        if not need_weights:
            return out
        return out, ops.mean(shares, axis=-3) if average_attn_weights else shares

    @property
    def _is_plain(self) -> bool:
        """Whether queries, keys and values enter attention unchanged."""
        return self.in_proj_weight is not None and self.num_kv_heads == self.num_heads and self.rotary is None

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> Sequence[Tensor]:
        """Return queries, keys and values, with all heads along the last axis.

        Queries are (..., L, embed_dim), keys and values (..., S, num_kv_heads · head_dim).
        """
        cuts = [self._rows[0], self._rows[0] + self._rows[1]]
        changes: Sequence[LowRank | None] = (None,) * 3
        # 1. Weight matrices, (heads · head_dim, length of the input vectors), for queries, keys and values.
        if self.in_proj_weight is None:
            weights: Sequence[Tensor] = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
            changes = (self.q_proj_weight_lora, self.k_proj_weight_lora, self.v_proj_weight_lora)
        elif query is key is value:
            return ops.split(self._project_packed(query), cuts, -1)
        else:
            change = self.in_proj_weight_lora
            weights = ops.split(self.in_proj_weight if change is None else self.in_proj_weight + change.matrix(), cuts)
        biases = (None,) * 3 if self.in_proj_bias is None else ops.split(self.in_proj_bias, cuts)
        # 2. Queries, keys and values.
        projected = [ops.linear(*of) for of in zip((query, key, value), weights, biases, strict=True)]
        each = zip(projected, changes, (query, key, value), strict=True)
        return [y if change is None else y + change(x) for y, change, x in each]

    def _project_packed(self, x: Tensor) -> Tensor:
        """Return queries, keys and values of one sequence, concatenated: (..., L, rows of in_proj_weight)."""
        packed = ops.linear(x, self.in_proj_weight, self.in_proj_bias)
        return packed if self.in_proj_weight_lora is None else packed + self.in_proj_weight_lora(x)

    def _heads(self, x: Tensor) -> Tensor:
        """Split (..., L, heads · head_dim) into (..., heads, L, head_dim)."""
        return x.reshape((*x.shape[:-1], x.shape[-1] // self.head_dim, self.head_dim)).swapaxes(-2, -3)

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        given = query.shape, key.shape, value.shape
        lengths = self.embed_dim, self.kdim, self.vdim
        alike = given[0][:-2] == given[1][:-2] and given[1][:-1] == given[2][:-1]
        if not alike or any(len(shape) < 2 or shape[-1] != n for shape, n in zip(given, lengths, strict=True)):
            expected = "query (..., L, {}), key (..., S, {}) and value (..., S, {})".format(*lengths)
            raise ValueError(f"expected {expected} with the same leading axes, got {given[0]}, {given[1]}, {given[2]}")

    def _mask(self, attn_mask: Any, key_padding_mask: Any, lead: tuple[int, ...], queries: int, keys: int) -> Any:
        """Return both masks combined for `scaled_dot_product_attention`, where True means *takes part*; or None."""
        masks = []
        if attn_mask is not None:
            attn_mask = _as_mask("attn_mask", attn_mask)
            shapes = (queries, keys), (prod(lead) * self.num_heads, queries, keys)
            if attn_mask.shape not in shapes:
                raise ValueError(
                    f"attn_mask must be (queries, keys), {shapes[0]}, or (N · num_heads, queries, keys), {shapes[1]}; "
                    f"got {attn_mask.shape}"
                )
            masks.append(
                attn_mask if attn_mask.ndim == 2 else attn_mask.reshape((*lead, self.num_heads, queries, keys))
            )
        if key_padding_mask is not None:
            key_padding_mask = _as_mask("key_padding_mask", key_padding_mask)
            if key_padding_mask.shape != (*lead, keys):
                raise ValueError(f"key_padding_mask must be (N, keys), {(*lead, keys)}; got {key_padding_mask.shape}")
            masks.append(key_padding_mask.reshape((*lead, 1, 1, keys)))
        if not masks:
            return None
        if any(mask.dtype != bool for mask in masks):
            return sum(ops.where(mask, -np.inf, np.float32(0)) if mask.dtype == bool else mask for mask in masks)
        return ops.logical_not(masks[0] if len(masks) == 1 else ops.logical_or(*masks))

    def extra_repr(self) -> str:
        """Sizes."""
        shared = "" if self.num_kv_heads == self.num_heads else f", num_kv_heads={self.num_kv_heads}"
        return f"{self.embed_dim}, {self.num_heads}{shared}, is_causal={self.is_causal}"


def _swap_batch_axis(*sequences: Tensor) -> list[Tensor]:
    """Return sequences (L, N, ...) as (N, L, ...).

    A sequence that is passed twice stays one object, so that its projections are computed as one product.
    """
    once = {id(x): ops.swapaxes(x, 0, 1) for x in sequences}
    return [once[id(x)] for x in sequences]


def _matrix(rows: int, columns: int) -> Parameter:
    return init.xavier_uniform_(Parameter(np.empty((rows, columns), np.float32)))


def _as_mask(name: str, mask: Any) -> Any:
    mask = mask if isinstance(mask, Tensor) else asarray(mask)
    if mask.dtype != bool and mask.dtype.kind != "f":
        raise TypeError(f"{name} must be boolean, True where a key is hidden, or of floating point; got {mask.dtype}")
    return mask


def _without_later(mask: Any, seen: int, q: Tensor) -> Any:
    """Return the mask, with the keys after each query masked too; the first query is at position `seen`."""
    queries = q.shape[-2]
    shown = asarray_like(np.arange(seen + queries) <= np.arange(seen, seen + queries)[:, None], q)
    if mask is None:
        return None if queries == 1 else shown
    return ops.logical_and(mask, shown) if mask.dtype == bool else ops.where(shown, mask, -np.inf)
