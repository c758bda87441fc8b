"""Attention block by block, in plain NumPy: scores that fit into a cache, and no more of them at a time.

Of the weights one number is kept for each query, the logarithm of what its exponentials were divided by (Dao et al.,
"FlashAttention", arXiv:2205.14135): memory grows with the sequence, not with its square. A block has a row for each
key, so that what is done for each query runs along rows: NumPy takes maxima twice as fast that way.

All arrays of a call have the same leading axes, the axes of a mask are all there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Index = tuple[Any, ...]

BLOCK = 2**17
"""Scores in a block: 512 KiB in float32, so that most of what is done to them finds them in a cache of 1 MiB."""

THINNEST = 64
"""Queries in a block, if there are so many: products of thinner matrices take longer than they save, and the more so
where two threads hand each other the interpreter's lock from call to call.
"""


def _blocks(
    query: Array, key: Array, mask: Array | None, is_causal: bool, scale: float
) -> Iterator[tuple[Index, Index, Array]]:
    """The masked scores, block by block: (which queries, which keys, the scores (..., keys, queries)).

    The last queries, which see all keys, come first; what no query of a block may see is left out.
    """
    lead, length, keys = query.shape[:-2], query.shape[-2], key.shape[-2]
    step = min(max(length, 1), max(THINNEST, BLOCK // max(keys, 1)))
    if is_causal:
        step = min(step, max(THINNEST, length // 4))
    for at in _parts(lead, BLOCK // max(step * keys, 1)):
        for start in reversed(range(0, max(length, 1), step)):
            stop = min(start + step, length)
            seen = keys if stop == length or not is_causal else min(stop, keys)
            of_queries = (*at, ..., slice(start, stop), slice(None))
            of_keys = (*at, ..., slice(0, seen), slice(None))
            columns = np.multiply(query[of_queries].swapaxes(-1, -2), scale, order="C")
            scores = np.matmul(key[of_keys], columns)
            if mask is not None:
                of_mask = (*at, ..., slice(start, stop), slice(0, seen))
                part = mask[of_mask].swapaxes(-1, -2)
                if mask.dtype == bool:
                    np.copyto(scores, -np.inf, where=~part)
                else:
                    scores += part
            if is_causal and start < seen:
                scores[..., start:, :] += _later(seen - start, stop - start, scores.dtype)
            yield of_queries, of_keys, scores


def _parts(lead: tuple[int, ...], count: int) -> Iterator[Index]:
    """Indices that cut leading axes into parts of at most `count` matrices, or of one."""
    inner = prod(lead[1:])
    if not lead:
        yield ()
    elif inner > max(count, 1):
        for i in range(lead[0]):
            for rest in _parts(lead[1:], count):
                yield (i, *rest)
    else:
        step = max(count // max(inner, 1), 1)
        for i in range(0, lead[0], step):
            yield (slice(i, i + step),)


@lru_cache(maxsize=16)
def _later(keys: int, queries: int, dtype: np.dtype[Any]) -> Array:
    """-inf where the number of the key is above that of the query, else 0: to be added to scores (keys, queries)."""
    later = np.where(np.tri(keys, queries, -1, dtype=bool), np.asarray(-np.inf, dtype), np.asarray(0, dtype))
    later.flags.writeable = False
    return later


def _largest(scores: Array) -> Array:
    """The maxima of scores (..., keys, queries) over keys, as (..., 1, queries).

    Halves are laid on one another, which is four times as fast as a reduction of all rows.
    """
    while (rows := scores.shape[-2]) > 4:
        half = (rows + 1) // 2
        scores = np.maximum(scores[..., :half, :], scores[..., rows - half :, :])
    return scores.max(axis=-2, keepdims=True, initial=-np.inf)


def attend(
    query: Array, key: Array, value: Array, mask: Array | None, is_causal: bool, scale: float
) -> tuple[Array, Array]:
    """The result, and for each query the logarithm of the sum of its exponentials, (..., L, 1)."""
    dtype = np.result_type(query, key, value, 0.0)
    out = np.empty_like(query, dtype, shape=(*query.shape[:-1], value.shape[-1]))  # its axes lie as the query's do
    logsumexp = np.empty((*query.shape[:-1], 1), dtype)
    for of_queries, of_keys, scores in _blocks(query, key, mask, is_causal, scale):
        largest = _largest(scores)
        largest[largest == -np.inf] = 0  # a query that sees no key: its exponentials are 0, and so is its mean
        scores -= largest
        np.exp(scores, out=scores)
        total = np.ones((1, scores.shape[-2]), dtype) @ scores  # a seventh of the time of a sum
        total[total == 0] = 1
        part = np.matmul(scores.swapaxes(-1, -2), value[of_keys], out=out[of_queries])
        part /= total.swapaxes(-1, -2)
        logsumexp[of_queries] = (largest + np.log(total)).swapaxes(-1, -2)
    return out, logsumexp


def attend_back(
    g: Array,
    into: Sequence[Array | None],
    query: Array,
    key: Array,
    value: Array | None,
    mask: Array | None,
    out: Array | None,
    logsumexp: Array,
    is_causal: bool,
    scale: float,
) -> None:
    """Fills the arrays `into` with the gradients of query, key and value; None stands for one that nobody needs.

    `value` and `out` are looked at for the first two alone.
    """
    to_query, to_key, to_value = into
    mean = None if out is None else scale * np.vecdot(g, out)[..., None]
    for of_queries, of_keys, weights in _blocks(query, key, mask, is_causal, scale):
        weights -= logsumexp[of_queries].swapaxes(-1, -2)
        np.exp(weights, out=weights)
        if to_value is not None:
            _put(to_value, of_keys, of_queries, weights, g)
        if value is not None and mean is not None:
            columns = np.multiply(g[of_queries].swapaxes(-1, -2), scale, order="C")
            slopes = np.matmul(value[of_keys], columns)
            slopes -= mean[of_queries].swapaxes(-1, -2)
            slopes *= weights
            if to_query is not None:
                np.matmul(slopes.swapaxes(-1, -2), key[of_keys], out=to_query[of_queries])
            if to_key is not None:
                _put(to_key, of_keys, of_queries, slopes, query)


def _put(into: Array, of_keys: Index, of_queries: Index, block: Array, array: Array) -> None:
    """Adds block (keys, queries) times the queries' rows of `array`; the first block, of the last queries, sets it."""
    rows = array[of_queries]
    if of_queries[-2].stop == array.shape[-2]:
        np.matmul(block, rows, out=into[of_keys])
    else:
        into[of_keys] += block @ rows
