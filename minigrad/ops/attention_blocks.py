"""Attention by blocks that fit the cache, in plain NumPy.

Of the weights one number is kept for each query, the logarithm of what its exponentials were divided by (Dao et al.,
"FlashAttention", arXiv:2205.14135): memory grows with the sequence, not with its square. A block has a row for each
key, so that what is done for each query runs along rows: NumPy takes maxima twice as fast that way.

All arrays of a call have the same leading axes, the axes of a mask are all there.
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
"""Scores in a block: 512 KiB in float32, so that most of what is done to them finds them in a cache of 1 MiB."""

THINNEST = 64
"""Queries in a block, at least, if there are as many: products of thinner matrices take longer than they save, and the
more so where two threads hand each other the interpreter's lock from call to call.
"""


def _by_blocks(work: Callable[[Index, Index], None], query: Array, key: Array, is_causal: bool) -> None:
    """Call `work` for each block of queries.

    It takes the indices of the queries and of the keys that they may see.

    The last queries, which see all keys, come first. Of a large call some matrices are worked on by the other core.
    """
    lead, length, keys = query.shape[:-2], query.shape[-2], key.shape[-2]
    step = min(max(length, 1), max(THINNEST, BLOCK // max(keys, 1)))
    if is_causal:
        step = min(step, max(THINNEST, length // 4))
    parts = list(_parts(lead, BLOCK // max(step * keys, 1)))

    def stretch(first: int, last: int) -> None:
        for at in parts[first:last]:
            for start in reversed(range(0, max(length, 1), step)):
                stop = min(start + step, length)
                seen = keys if stop == length or not is_causal else min(stop, keys)
                work((*at, ..., slice(start, stop), slice(None)), (*at, ..., slice(0, seen), slice(None)))

    in_halves(stretch, len(parts), prod(lead) * length * keys)


def _product(rows: Array, columns: Array, out: Array | None = None) -> Array:
    """The matrix product, in blocks of 64 rows if possible.

    Rows are (..., n, K), columns (..., K, m); n has to be a multiple of 64.

    BLAS has faster kernels for these, of at most a million multiplications (by a third for K of 32).
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

    Rows are (..., k, m), weights are columns of scores (..., k, n).

    A product of more than a million multiplications goes by parts, whose sums are added: BLAS would share it between
    threads, and two of them that compute attention would wait for each other in every product.
    """
    (k, n), m = scores.shape[-2:], rows.shape[-1]
    width = m if m <= 32 else 32
    stretch = min(k & -k, 512 if width <= 16 else 256)  # a power of two that divides k
    if n * k * m <= 10**6 or n % 64 or m not in (width, 64) or stretch < 128 or type(rows) is not np.ndarray:
        return np.matmul(scores.swapaxes(-1, -2), rows, out=out)
    lead = scores.shape[:-2]
    parts = np.moveaxis(scores.reshape((*lead, k // stretch, 1, stretch, n // 64, 64)), -3, -1).swapaxes(-4, -3)
    rows = rows.reshape((*lead, k // stretch, 1, stretch, m // width, width)).swapaxes(-3, -2)
    into = out.reshape((*lead, n // 64, 64, m // width, width)).swapaxes(-3, -2)
    np.add.reduce(np.matmul(parts, rows), axis=-5, out=into)
    return out


def _in_blocks(rows: Array) -> Array:
    """Rows (..., n, K) as (..., n / 64, 64, K), a view."""
    return rows.reshape((*rows.shape[:-2], rows.shape[-2] // 64, 64, rows.shape[-1]))


def _scores(
    columns: Array, key: Array, mask: Array | None, is_causal: bool, of_queries: Index, of_keys: Index
) -> Array:
    """The masked scores of a block, (..., keys, queries), from its queries as columns."""
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
        scores[..., start:, :] += asarray_like(_later(seen - start, stop - start, scores.dtype), scores)
    return scores


def _columns(rows: Array, of_rows: Index, scale: float, less: Array | None = None) -> Array:
    """Some rows (..., L, E), scaled, as columns (..., E, l).

    A row of -`less` is appended, if given.

    A product with rows that end in a one takes `less` from each result, without a pass over the results.
    """
    if less is None:
        return _scaled(rows[of_rows], scale)
    turned = rows[of_rows].swapaxes(-1, -2)
    shape = (*turned.shape[:-2], turned.shape[-2] + 1, turned.shape[-1])
    columns = np.empty_like(rows, np.result_type(rows, less), "C", shape=shape)
    np.multiply(turned, scale, out=columns[..., :-1, :])
    np.negative(less[of_rows].swapaxes(-1, -2), out=columns[..., -1:, :])
    return columns


def _ending_in_one(rows: Array) -> Array:
    """Rows (..., L, E), with ones appended: (..., L, E + 1)."""
    longer = np.empty_like(rows, order="C", shape=(*rows.shape[:-1], rows.shape[-1] + 1))
    longer[..., :-1] = rows
    longer[..., -1] = 1
    return longer


def _scaled(rows: Array, scale: float) -> Array:
    """Queries (..., L, E), scaled, as contiguous columns (..., E, L)."""
    if type(rows) is np.ndarray:
        return np.multiply(rows.swapaxes(-1, -2), scale, order="C")
    return np.ascontiguousarray(rows.swapaxes(-1, -2), like=rows) * scale


def _parts(lead: tuple[int, ...], count: int) -> Iterator[Index]:
    """Indices that cut leading axes into parts. Each has at most `count` matrices, or one."""
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
    """The causal mask, to add to scores (keys, queries).

    -inf where the index of the key is above that of the query, else 0.
    """
    later = np.where(np.tri(keys, queries, -1, dtype=bool), np.asarray(-np.inf, dtype), np.asarray(0, dtype))
    later.flags.writeable = False
    return later


def _largest(scores: Array) -> Array:
    """The maxima of scores over keys: (..., 1, queries).

    Halves are laid on one another, which is four times as fast as a reduction of all rows.
    """
    while (rows := scores.shape[-2]) > 4:
        half = (rows + 1) // 2
        scores = np.maximum(scores[..., :half, :], scores[..., rows - half :, :])
    if not rows:
        return filled((*scores.shape[:-2], 1, scores.shape[-1]), -np.inf, scores)
    return scores.max(axis=-2, keepdims=True)


def _sums(scores: Array) -> Array:
    """The sums of scores over keys: (..., 1, queries). In a seventh of the time of `sum`."""
    return np.ones_like(scores, shape=(1, scores.shape[-2])) @ scores


def _are_extreme(total: Array) -> Array:
    """Which sums of exponentials risk overflow or underflow.

    These have to be divided by the largest exponential before.

    Others are as exact without, which saves two passes. Each query is looked at alone: no other has a say in its bits.
    """
    limits = np.finfo(total.dtype)
    return ~((total > float(limits.tiny) ** (1 / 3)) & (total < float(limits.max) ** (1 / 3)))


def attend(
    query: Array, key: Array, value: Array, mask: Array | None, is_causal: bool, scale: float
) -> tuple[Array, Array]:
    """Attention outputs, and the logsumexp of each query.

    The latter is (..., L, 1).
    """
    dtype = np.result_type(query, key, value, 0.0)
    out = np.empty_like(query, dtype, shape=(*query.shape[:-1], value.shape[-1]))  # its axes lie as the query's do
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
            largest[~extreme | (largest == -np.inf)] = 0  # exponentials are 0 for a query that sees no key
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

    None skips one that is not needed.

    `value` and `out` are looked at for the first two alone.
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

    The block is (keys, queries). The first block, of the last queries, sets the result.
    """
    rows = array[of_queries]
    if of_queries[-2].stop == array.shape[-2]:
        _product(block, rows, into[of_keys])
    else:
        into[of_keys] += _product(block, rows)
