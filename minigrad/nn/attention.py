"""Attention as layers: one head spelled out step by step, and many heads at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.position import RotaryEmbedding
from minigrad.nn.sizes import require_sizes


class SelfAttentionHead(Module):
    """One head of self-attention, by the formula: (..., L, embed_dim) to (..., L, head_dim).

    Vaswani et al., "Attention is all you need", arXiv:1706.03762, section 3.2.1. Several heads beside each other,
    joined along the last axis and sent through one linear map, are `MultiHeadAttention`, which computes all at once.

    Args:
        embed_dim: the length of the vectors of the sequence.
        head_dim: the length of queries, keys and values; embed_dim if None.
        is_causal: whether each place sees itself and those before it alone.
        bias: whether the three linear maps have one.

    Raises: ValueError for sizes below 1.
    """

    def __init__(self, embed_dim: int, head_dim: int | None = None, is_causal: bool = False, bias: bool = True) -> None:
        self.is_causal = is_causal
        self.head_dim = embed_dim if head_dim is None else head_dim
        # 1. Weight matrices, (head_dim, embed_dim): what a place asks for, what it answers to, what it tells.
        self.query = Linear(embed_dim, self.head_dim, bias)
        self.key = Linear(embed_dim, self.head_dim, bias)
        self.value = Linear(embed_dim, self.head_dim, bias)

    def forward(self, x: Tensor) -> Tensor:
        """Returns for each place a mean of the values of those that it sees."""
        # 2. Queries, keys and values: (..., L, head_dim) each.
        query, key, value = self.query(x), self.key(x), self.value(x)
        # 3. Scores, (..., L, L): row i says how well each key answers query i. Products of vectors grow with the square
        #    root of their length, which is taken back, or softmax would see one place alone.
        scores = query @ key.swapaxes(-1, -2) / sqrt(self.head_dim)
        # 4. Mask: where place i may not look, minus infinity, whose exponential is 0.
        if self.is_causal:
            places = np.arange(x.shape[-2])
            scores = ops.where(places <= places[:, None], scores, -np.inf)
        # 5. Softmax: each row becomes positive weights with the sum 1.
        weights = ops.softmax(scores, axis=-1)
        # 6. Weighting the values: (..., L, L) times (..., L, head_dim).
        mean = weights @ value
        # 7. The output, (..., L, head_dim).
        return mean


class KeyValueCache:
    """The keys and values of the places that a layer has seen, so that the next ones need not compute them again.

    Give a layer's own cache to each of its calls, under `no_grad`: its length is the number of places seen so far.
    """

    def __init__(self) -> None:
        self._room: NDArray[Any] | None = None
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Adds keys and values (..., L, head_dim), and returns those of all places.

        Raises: ValueError for other leading axes than before, RuntimeError if gradients are to be remembered.
        """
        if key.requires_grad or value.requires_grad:
            raise RuntimeError("a cache is for generation, and remembers no gradients; call the layer under no_grad()")
        new = np.stack([key.data, value.data])
        stop = self._length + new.shape[-2]
        if self._room is None or stop > self._room.shape[-2]:
            room = np.empty((*new.shape[:-2], 2 * stop, new.shape[-1]), new.dtype)  # to be filled, not copied, by most
            if self._room is not None:
                room[..., : self._length, :] = self._room[..., : self._length, :]
            self._room = room
        if new.shape[:-2] != self._room.shape[:-2]:
            raise ValueError(f"the cache holds keys {self._room.shape[1:-2]} + (places, head_dim), got {key.shape}")
        self._room[..., self._length : stop, :] = new
        self._length = stop
        keys, values = self._room[..., :stop, :]
        return Tensor(keys), Tensor(values)


class MultiHeadAttention(Module):
    """Several heads of attention at once; in boolean masks True means *hidden*, as in `torch.nn.MultiheadAttention`.

    `mha(x)` is self-attention, `mha(query, memory)` attends to another sequence. Parameters have the names, layout and
    first values of PyTorch's, with batch_first=True: `in_proj_weight` (3 · embed_dim, embed_dim), or if keys or values
    have a length of their own `q_proj_weight`, `k_proj_weight`, `v_proj_weight`; `in_proj_bias`, `out_proj.weight` and
    `out_proj.bias`. Rows are those of the queries, keys and values of all heads, one head after the other. Vaswani et
    al., arXiv:1706.03762, section 3.2.2.

    Args:
        embed_dim: the length of queries and results; each head has embed_dim / num_heads of it.
        num_heads: how many heads there are.
        dropout: the probability by which a weight is dropped in training.
        bias: whether the linear maps have one.
        kdim: the length of the vectors that keys are made of; embed_dim if None.
        vdim: the length of those that values are made of; embed_dim if None.
        num_kv_heads: so many heads of keys and values are shared by the heads of queries, in groups (Ainslie et al.,
            arXiv:2305.13245); num_heads if None.
        is_causal: whether each place sees itself and those before it alone, in every call.
        rotary: turns queries and keys by their place.

    Raises: ValueError for sizes below 1, or that do not divide each other.
    """

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
    ) -> None:
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        require_sizes(embed_dim=embed_dim, num_heads=num_heads, num_kv_heads=num_kv_heads)
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim must be a multiple of num_heads={num_heads}, got {embed_dim}")
        if num_heads % num_kv_heads:
            raise ValueError(f"num_heads must be a multiple of num_kv_heads={num_kv_heads}, got {num_heads}")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.is_causal = is_causal
        shared = num_kv_heads * self.head_dim
        self._rows = embed_dim, shared, shared  # of the three weight matrices
        packs = self.kdim == self.vdim == embed_dim
        self.in_proj_weight = _matrix(sum(self._rows), embed_dim) if packs else None
        if not packs:
            self.q_proj_weight = _matrix(embed_dim, embed_dim)
            self.k_proj_weight = _matrix(shared, self.kdim)
            self.v_proj_weight = _matrix(shared, self.vdim)
        self.in_proj_bias = Parameter(np.zeros(sum(self._rows), np.float32)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)
        self.dropout = Dropout(dropout)
        self.rotary = rotary

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
        """Returns (N, L, embed_dim) for a query (N, L, embed_dim); and with `need_weights` the weights beside it.

        A place from which all keys are hidden gets zeros from every head.

        Args:
            key: (N, S, kdim); the query if None. Everything may be without the axis N.
            value: (N, S, vdim); the key if None.
            key_padding_mask: (N, S): boolean, True *hides* a key; or of floating point, added to its scores.
            need_weights: whether to return the weights, too: (N, L, S), the mean over heads.
            attn_mask: (L, S), or (N · num_heads, L, S): boolean, True *hides*; or of floating point, added.
            average_attn_weights: False for the weights of each head, (N, num_heads, L, S).
            is_causal: whether query i sees the keys 0 to i alone.
            cache: keys and values of earlier places, which go before those of this call, and are joined by them.

        Raises: ValueError for shapes that do not fit, TypeError for masks of integers.
        """
        key = query if key is None else key
        value = key if value is None else value
        self._check(query, key, value)
        seen = 0 if cache is None else len(cache)
        mask = self._mask(attn_mask, key_padding_mask, query.shape[:-2], query.shape[-2], seen + key.shape[-2])
        is_causal = is_causal or self.is_causal
        explicit = need_weights or (self.training and self.dropout.p > 0)
        if query is key is value and self._is_plain and cache is None and not explicit:
            # All seven steps, on queries, keys and values that lie beside each other: (..., L, 3 · embed_dim).
            packed = ops.linear(query, self.in_proj_weight, self.in_proj_bias)
            return self.out_proj(ops.packed_attention(packed, mask, self.num_heads, is_causal))
        # 1. and 2. Queries (..., num_heads, L, head_dim), keys and values (..., num_kv_heads, S, head_dim).
        q, k, v = map(self._heads, self._project(query, key, value))
        if self.rotary is not None:
            q, k = self.rotary(q, seen), self.rotary(k, seen)
        if cache is not None:
            k, v = cache.extend(k, v)
            if is_causal and seen:
                mask, is_causal = _without_later(mask, seen, q.shape[-2]), False
        if self.num_kv_heads != self.num_heads:
            k, v = (ops.repeat(x, self.num_heads // self.num_kv_heads, -3) for x in (k, v))
        # 3. to 6. Scores, mask, softmax, weighting the values: (..., num_heads, L, head_dim).
        if explicit:
            shares = self.dropout(ops.attention_weights(q, k, mask, is_causal))
            mean = shares @ v
        else:
            mean = ops.scaled_dot_product_attention(q, k, v, mask, is_causal)
        # 7. The output: the heads side by side, (..., L, embed_dim), and one linear map.
        out = self.out_proj(ops.swapaxes(mean, -2, -3).reshape(query.shape))
        if not need_weights:
            return out
        return out, ops.mean(shares, axis=-3) if average_attn_weights else shares

    @property
    def _is_plain(self) -> bool:
        """Whether nothing happens to queries, keys and values before they meet."""
        return self.in_proj_weight is not None and self.num_kv_heads == self.num_heads and self.rotary is None

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> Sequence[Tensor]:
        """Queries (..., L, embed_dim), keys and values (..., S, num_kv_heads · head_dim), of all heads side by side."""
        cuts = [self._rows[0], self._rows[0] + self._rows[1]]
        # 1. Weight matrices: (heads · head_dim, length of the vectors), for queries, keys and values.
        if self.in_proj_weight is None:
            weights: Sequence[Tensor] = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        elif query is key is value:
            return ops.split(ops.linear(query, self.in_proj_weight, self.in_proj_bias), cuts, -1)
        else:
            weights = ops.split(self.in_proj_weight, cuts)
        biases = (None,) * 3 if self.in_proj_bias is None else ops.split(self.in_proj_bias, cuts)
        # 2. Queries, keys and values.
        return [ops.linear(*of) for of in zip((query, key, value), weights, biases, strict=True)]

    def _heads(self, x: Tensor) -> Tensor:
        """The heads of (..., L, heads · head_dim), which lie side by side, as (..., heads, L, head_dim)."""
        return x.reshape((*x.shape[:-1], -1, self.head_dim)).swapaxes(-2, -3)

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        given = query.shape, key.shape, value.shape
        lengths = self.embed_dim, self.kdim, self.vdim
        alike = given[0][:-2] == given[1][:-2] and given[1][:-1] == given[2][:-1]
        if not alike or any(len(shape) < 2 or shape[-1] != n for shape, n in zip(given, lengths, strict=True)):
            expected = "query (..., L, {}), key (..., S, {}) and value (..., S, {})".format(*lengths)
            raise ValueError(f"expected {expected} with the same leading axes, got {given[0]}, {given[1]}, {given[2]}")

    def _mask(self, attn_mask: Any, key_padding_mask: Any, lead: tuple[int, ...], queries: int, keys: int) -> Any:
        """Both masks as one for `scaled_dot_product_attention`, where True means that a key takes part; or None."""
        masks = []
        if attn_mask is not None:
            attn_mask = _as_mask("attn_mask", attn_mask)
            shapes = (queries, keys), (prod(lead) * self.num_heads, queries, keys)
            if attn_mask.shape not in shapes:
                raise ValueError(
                    f"attn_mask must be (queries, keys), {shapes[0]}, or (N · num_heads, queries, keys), {shapes[1]}; "
                    f"got {attn_mask.shape}"
                )
            masks.append(attn_mask if attn_mask.ndim == 2 else attn_mask.reshape((*lead, -1, queries, keys)))
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


def _matrix(rows: int, columns: int) -> Parameter:
    return init.xavier_uniform_(Parameter(np.empty((rows, columns), np.float32)))


def _as_mask(name: str, mask: Any) -> Any:
    mask = mask if isinstance(mask, Tensor) else np.asarray(mask)
    if mask.dtype != bool and mask.dtype.kind != "f":
        raise TypeError(f"{name} must be boolean, True where a key is hidden, or of floating point; got {mask.dtype}")
    return mask


def _without_later(mask: Any, seen: int, queries: int) -> Any:
    """The mask with what comes after each query, the first of which is at place `seen`, taken out."""
    shown = np.arange(seen + queries) <= np.arange(seen, seen + queries)[:, None]
    if mask is None:
        return None if queries == 1 else shown
    return ops.logical_and(mask, shown) if mask.dtype == bool else ops.where(shown, mask, -np.inf)
