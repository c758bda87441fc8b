"""Attention by blocks that fit the cache, in plain NumPy.

As in FlashAttention (Dao et al., arXiv:2205.14135), only one number per query is saved for the backward pass, the
logsumexp of its scores, so memory grows linearly with the sequence length. A block has one row per key, so that
reductions over keys run along the first axis: NumPy takes maxima twice as fast that way.

All arrays of a call have the same leading axes, and a mask has all of its axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.cores import in_halves
from minigrad.engine.arrays import asarray_like, filled
from minigrad.ops.reduction import vecdot

Array = NDArray[Any]
Index = tuple[Any, ...]

BLOCK = 2**17
"""Scores in a block: 512 KiB in float32, so that most passes over them stay in a cache of 1 MiB."""

THINNEST = 64
"""The fewest queries in a block, if there are as many.

Products of thinner matrices cost more than they save, especially when two threads pass the interpreter's lock back and
forth at each call.
"""


def _by_blocks(work: Callable[[Index, Index], None], query: Array, key: Array, is_causal: bool) -> None:
    """Call `work` for each block of queries.

    `work` takes the index of the queries and the index of the keys they may attend to. The last queries, which attend
    to all keys, come first. A large call shares its matrices between both cores.
    """
    lead, length, keys = query.shape[:-2], query.shape[-2], key.shape[-2]
    step = min(max(length, 1), max(THINNEST, BLOCK // max(keys, 1)))
    if is_causal:
        step = min(step, max(THINNEST, length // 4))
    parts = list(_parts(lead, BLOCK // max(step * keys, 1)))

    def work_on(first: int, last: int) -> None:
        for at in parts[first:last]:
            for start in reversed(range(0, max(length, 1), step)):
                stop = min(start + step, length)
                seen = keys if stop == length or not is_causal else min(stop, keys)
                work((*at, ..., slice(start, stop), slice(None)), (*at, ..., slice(0, seen), slice(None)))

    in_halves(work_on, len(parts), prod(lead) * length * keys)


def _product(rows: Array, columns: Array, out: Array | None = None) -> Array:
    """Return the matrix product, in blocks of 64 rows if possible.

    Products of at most a million multiplications have faster BLAS kernels (by a third for K = 32).

    Args:
        rows: (..., n, K); blocks need n to be a multiple of 64.
        columns: (..., K, m).
        out: the array to write to, (..., n, m), if any.
    """
    n, (k, m) = rows.shape[-2], columns.shape[-2:]
    if n % 64 or n == 64 or 64 * k * m > 10**6:
        return np.matmul(rows, columns, out=out)
    if out is None:
        out = np.empty_like(columns, np.result_type(rows, columns), "C", shape=(*columns.shape[:-2], n, m))
    columns = columns[..., None, :, :]
    np.matmul(_in_blocks(rows), columns, out=_in_blocks(out))
    return out


def _sum_of_rows(scores: Array, rows: Array, out: Array) -> Array:
    """Fill `out` (..., n, m) with weighted sums of rows.

    A product of more than a million multiplications is computed in parts, which are added up: BLAS would split it
    across threads, and two threads that compute attention would wait for each other in every product.

    Args:
        scores: the weights, (..., k, n), one column for each sum.
        rows: (..., k, m).
        out: the array to fill, (..., n, m).
    """
    (k, n), m = scores.shape[-2:], rows.shape[-1]
    width = m if m <= 32 else 32
    chunk = min(k & -k, 512 if width <= 16 else 256)  # a power of two that divides k
    if n * k * m <= 10**6 or n % 64 or m not in (width, 64) or chunk < 128 or type(rows) is not np.ndarray:
        return np.matmul(scores.swapaxes(-1, -2), rows, out=out)
    lead = scores.shape[:-2]
    parts = np.moveaxis(scores.reshape((*lead, k // chunk, 1, chunk, n // 64, 64)), -3, -1).swapaxes(-4, -3)
    rows = rows.reshape((*lead, k // chunk, 1, chunk, m // width, width)).swapaxes(-3, -2)
    into = out.reshape((*lead, n // 64, 64, m // width, width)).swapaxes(-3, -2)
    np.add.reduce(np.matmul(parts, rows), axis=-5, out=into)
    return out


def _in_blocks(rows: Array) -> Array:
    """Return a view of rows (..., n, K) as (..., n / 64, 64, K)."""
    return rows.reshape((*rows.shape[:-2], rows.shape[-2] // 64, 64, rows.shape[-1]))


def _scores(
    columns: Array, key: Array, mask: Array | None, is_causal: bool, of_queries: Index, of_keys: Index
) -> Array:
    """Return the masked scores of a block, (..., keys, queries), from its queries as columns."""
    start, stop, seen = of_queries[-2].start, of_queries[-2].stop, of_keys[-2].stop
    scores = _product(key[of_keys], columns)
    if mask is not None:
        of_mask = (*of_queries[:-1], slice(0, seen))
        part = mask[of_mask].swapaxes(-1, -2)
        if mask.dtype == bool:
            np.copyto(scores, -np.inf, where=~part)
        else:
            scores += part
    if is_causal and start < seen:
        scores[..., start:, :] += asarray_like(_causal_mask(seen - start, stop - start, scores.dtype), scores)
    return scores


def _columns(rows: Array, of_rows: Index, scale: float, less: Array | None = None) -> Array:
    """Return some of the rows (..., L, E), scaled, as columns (..., E, l).

    If `less` is given, a row of -`less` is appended. Multiplied by rows that end in a one, it subtracts `less` from
    each result without another pass.
    """
    if less is None:
        return _scaled_columns(rows[of_rows], scale)
    turned = rows[of_rows].swapaxes(-1, -2)
    shape = (*turned.shape[:-2], turned.shape[-2] + 1, turned.shape[-1])
    columns = np.empty_like(rows, np.result_type(rows, less), "C", shape=shape)
    np.multiply(turned, scale, out=columns[..., :-1, :])
    np.negative(less[of_rows].swapaxes(-1, -2), out=columns[..., -1:, :])
    return columns


def _ending_in_one(rows: Array) -> Array:
    """Append a one to each row: (..., L, E) becomes (..., L, E + 1)."""
    longer = np.empty_like(rows, order="C", shape=(*rows.shape[:-1], rows.shape[-1] + 1))
    longer[..., :-1] = rows
    longer[..., -1] = 1
    return longer


def _scaled_columns(rows: Array, scale: float) -> Array:
    """Return queries (..., L, E), scaled, as contiguous columns (..., E, L)."""
    if type(rows) is np.ndarray:
        return np.multiply(rows.swapaxes(-1, -2), scale, order="C")
    return np.ascontiguousarray(rows.swapaxes(-1, -2), like=rows) * scale


def _parts(lead: tuple[int, ...], count: int) -> Iterator[Index]:
    """Yield indices that split the leading axes into parts of at most `count` matrices (at least one)."""
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
def _causal_mask(keys: int, queries: int, dtype: np.dtype[Any]) -> Array:
    """The causal mask, to add to scores (keys, queries).

    It is -inf where the key comes after the query, else 0.
    """
    later = np.where(np.tri(keys, queries, -1, dtype=bool), np.asarray(-np.inf, dtype), np.asarray(0, dtype))
    later.flags.writeable = False
    return later


def _largest(scores: Array) -> Array:
    """The maxima of scores over keys: (..., 1, queries).

    It repeatedly takes the maximum of two halves, which is four times as fast as `max`.
    """
    while (rows := scores.shape[-2]) > 4:
        half = (rows + 1) // 2
        scores = np.maximum(scores[..., :half, :], scores[..., rows - half :, :])
    if not rows:
        return filled((*scores.shape[:-2], 1, scores.shape[-1]), -np.inf, scores)
    return scores.max(axis=-2, keepdims=True)


def _sums(scores: Array) -> Array:
    """The sums of scores over keys, (..., 1, queries), in a seventh of the time of `sum`."""
    return np.ones_like(scores, shape=(1, scores.shape[-2])) @ scores


def _are_extreme(total: Array) -> Array:
    """Return which sums of exponentials risk overflow or underflow.

    These need their largest score subtracted first; the others are as exact without it, which saves two passes. Each
    query is judged separately, so that its bits do not depend on the others.
    """
    limits = np.finfo(total.dtype)
    return ~((total > float(limits.tiny) ** (1 / 3)) & (total < float(limits.max) ** (1 / 3)))


def attend(
    query: Array, key: Array, value: Array, mask: Array | None, is_causal: bool, scale: float
) -> tuple[Array, Array]:
    """Return the attention output and each query's logsumexp.

    The logsumexp is (..., L, 1).
    """
    dtype = np.result_type(query, key, value, 0.0)
    out = np.empty_like(query, dtype, shape=(*query.shape[:-1], value.shape[-1]))  # in the memory layout of the query
    logsumexp = np.empty((*query.shape[:-1], 1), dtype, like=query)

    def work(of_queries: Index, of_keys: Index) -> None:
        columns = _columns(query, of_queries, scale)
        scores = _scores(columns, key, mask, is_causal, of_queries, of_keys)
        with np.errstate(over="ignore", invalid="ignore"):
            np.exp(scores, out=scores)
            total = _sums(scores)
        largest: Any = 0
        if (extreme := _are_extreme(total)).any():
            shifted = _scores(columns, key, mask, is_causal, of_queries, of_keys)
            largest = _largest(shifted)
            largest[~extreme | (largest == -np.inf)] = 0  # exponentials are 0 for a query whose keys are all masked
            shifted -= largest
            np.copyto(scores, np.exp(shifted, out=shifted), where=extreme)
            total = _sums(scores)
            total[total == 0] = 1
        part = _sum_of_rows(scores, value[of_keys], out[of_queries])
        part /= total.swapaxes(-1, -2)
        logsumexp[of_queries] = (largest + np.log(total)).swapaxes(-1, -2)

    _by_blocks(work, query, key, is_causal)
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
    """Fill `into` with the gradients of query, key and value.

    None in `into` skips a gradient. `value` and `out` are only read for the gradients of query and key.
    """
    to_query, to_key, to_value = into
    mean = None if out is None else scale * vecdot(g, out)[..., None]
    longer_key, longer_value = _ending_in_one(key), None if value is None else _ending_in_one(value)

    def work(of_queries: Index, of_keys: Index) -> None:
        weights = _scores(
            _columns(query, of_queries, scale, logsumexp), longer_key, mask, is_causal, of_queries, of_keys
        )
        np.exp(weights, out=weights)
        if to_value is not None:
            _put(to_value, of_keys, of_queries, weights, g)
        if longer_value is not None and mean is not None:
            slopes = _product(longer_value[of_keys], _columns(g, of_queries, scale, mean))
            slopes *= weights
            if to_query is not None:
                _sum_of_rows(slopes, key[of_keys], to_query[of_queries])
            if to_key is not None:
                _put(to_key, of_keys, of_queries, slopes, query)

    _by_blocks(work, query, key, is_causal)


def _put(into: Array, of_keys: Index, of_queries: Index, block: Array, array: Array) -> None:
    """Add a block's product with its queries' rows of `array`.

    The block is (keys, queries). The first block, with the last queries, overwrites `into`; the others add to it.
    """
    rows = array[of_queries]
    if of_queries[-2].stop == array.shape[-2]:
        _product(block, rows, into[of_keys])
    else:
        into[of_keys] += _product(block, rows)
