"""Matrix products within operations: sizes and times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np


class Product(NamedTuple):
    """A batch of matrix products (m, k) × (k, n)."""

    batch: int
    m: int
    k: int
    n: int
    dtype: str

    @property
    def flops(self) -> int:
        """The number of multiplications and additions."""
        return 2 * self.batch * self.m * self.k * self.n


def products_of(name: str, values: Sequence[Any], out: Any) -> list[Product]:
    """Return the matrix products in an operation's forward pass.

    The operation is given by its name, its arguments and its output.
    """
    found = _FOUND.get(name)
    if found is None:
        return []
    given = list(values[0]) if isinstance(values[0], (list, tuple)) else list(values)
    return [Product(*sizes, str(given[0].dtype)) for sizes in found(given, out) if 0 not in sizes]


def seconds_alone(product: Product, repeats: int = 3) -> float:
    """Return NumPy's time in seconds for a product of ones.

    It is the shortest of `repeats`, after a warm-up.
    """
    x = np.ones((product.batch, product.m, product.k), product.dtype)
    y = np.ones((product.batch, product.k, product.n), product.dtype)
    out = np.empty((product.batch, product.m, product.n), product.dtype)
    times = []
    for _ in range(repeats + 1):
        start = perf_counter()
        np.matmul(x, y, out=out)
        times.append(perf_counter() - start)
    return min(times[1:])


Sizes = tuple[int, int, int, int]
Given = Sequence[Any]


def _matmul(given: Given, out: Any) -> Iterable[Sizes]:
    x, y = given[:2]
    m, k = (1, *x.shape)[-2:]
    n = y.shape[-1] if y.ndim > 1 else 1
    batch = out.size // max(m * n, 1)
    return [(1, batch * m, k, n) if y.ndim <= 2 else (batch, m, k, n)]


def _linear(given: Given, out: Any) -> Iterable[Sizes]:
    width, k = given[1].shape
    return [(1, out.size // max(width, 1), k, width)]


def _convolution(given: Given, out: Any) -> Iterable[Sizes]:
    x, weight = given[:2]
    channels, groups = len(weight), x.shape[1] // max(weight.shape[1], 1)
    return [(groups, out.size // max(channels, 1), weight[:1].size, channels // max(groups, 1))]


def _transposed(given: Given, out: Any) -> Iterable[Sizes]:
    y, weight = given[:2]
    channels, groups = y.shape[1], out.shape[1] // max(weight.shape[1], 1)
    return [(groups, y.size // max(channels, 1), channels // max(groups, 1), weight[:1].size)]


def _attention(given: Given, out: Any) -> Iterable[Sizes]:
    query, key, value = given[:3]
    (m, e), s, v = query.shape[-2:], key.shape[-2], value.shape[-1]
    batch = math.prod(np.broadcast_shapes(query.shape[:-2], key.shape[:-2]))
    return [(batch, m, e, s), (batch, m, s, v)]


def _packed(given: Given, out: Any) -> Iterable[Sizes]:
    x, heads = given[0], given[2]
    batch, length, width = math.prod(x.shape[:-2]) * heads, x.shape[-2], x.shape[-1] // 3 // heads
    return [(batch, length, width, length), (batch, length, length, width)]


def _recurrent(states: int) -> Callable[[Given, Any], Iterable[Sizes]]:
    """Return the products of the inputs, for all steps at once, and of the states, step by step.

    All layers and directions of a network are included.
    """

    def found(given: Given, out: Any) -> Iterable[Sizes]:
        x, weight_ih, weight_hh = given[0], given[1 + states], given[2 + states]
        length, n = x.shape[:2]
        networks = out.shape[1] // max(n, 1)
        each = (networks, n, weight_hh.shape[1], len(weight_hh))
        return [(networks, length * n, weight_ih.shape[1], len(weight_ih)), *[each] * length]

    return found


_FOUND: dict[str, Callable[[Given, Any], Iterable[Sizes]]] = {
    "matmul": _matmul,
    "linear": _linear,
    "convolution": _convolution,
    "transposed_convolution": _transposed,
    "scaled_dot_product_attention": _attention,
    "packed_attention": _packed,
    "rnn_states": _recurrent(1),
    "gru_states": _recurrent(1),
    "lstm_states": _recurrent(2),
}
"""The operations that consist mostly of matrix products, with functions of their sizes."""
