"""Positional encodings, which give attention the order of a sequence."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from minigrad import ops
from minigrad.arguments import as_integer, as_number
from minigrad.engine import Tensor
from minigrad.engine.arrays import asarray_like
from minigrad.nn import init
from minigrad.nn.dropout import Dropout
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class PositionalEncoding(Module):
    """Sinusoidal positional encoding, added to x.

    x is (..., L, embed_dim), with any L. The encoding of position p is sin(p / 10000^(2i / embed_dim)) in element 2i of
    the vector, and the cosine in element 2i + 1 (Vaswani et al., arXiv:1706.03762, section 3.5).

    Args:
        embed_dim: the length of the vectors.
        dropout: the probability of dropping an element of the sum in training.

    Raises:
        ValueError: for an embed_dim below 1.
    """

    def __init__(self, embed_dim: int, dropout: float = 0.0) -> None:
        self.embed_dim = as_integer("embed_dim", embed_dim, 1)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Return the sum; the first position is `offset`.

        Raises:
            ValueError: for vectors of the wrong length.
        """
        _check_vectors(x, self.embed_dim)
        angles = _angles(offset + x.shape[-2], self.embed_dim, 10000.0)[offset:]
        waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(len(angles), 2 * angles.shape[1])
        return self.dropout(ops.add(x, asarray_like(waves[:, : self.embed_dim].astype(x.dtype), x)))

    def extra_repr(self) -> str:
        """The length of the vectors."""
        return f"{self.embed_dim}"


class LearnedPositionalEmbedding(Module):
    """Learned positional embedding, added to x.

    x is (..., L, embed_dim), with L up to max_len.

    `weight` is (max_len, embed_dim), initialized from a normal distribution with standard deviation 0.02, as in GPT-2.

    Args:
        max_len: the number of positions.
        embed_dim: the length of the vectors.

    Raises:
        ValueError: for sizes below 1.
    """

    def __init__(self, max_len: int, embed_dim: int) -> None:
        shape = as_integer("max_len", max_len, 1), as_integer("embed_dim", embed_dim, 1)
        self.weight = init.normal_(Parameter(np.empty(shape, np.float32)), std=0.02)

    def forward(self, x: Tensor, offset: int = 0, places: NDArray[np.integer] | None = None) -> Tensor:
        """Return the sum.

        Args:
            x: (..., L, embed_dim).
            offset: the position of the first vector.
            places: the positions of the vectors, (..., L), if they are not consecutive from `offset`, as with padding.

        Raises:
            ValueError: for vectors of the wrong length, or a sequence that extends beyond the last position.
            IndexError: for a position out of range.
        """
        max_len, embed_dim = self.weight.shape
        _check_vectors(x, embed_dim)
        if places is not None:
            return ops.add(x, ops.take(self.weight, places, 0))
        stop = offset + x.shape[-2]
        if stop > max_len:
            raise ValueError(f"there are vectors for {max_len} places, and the sequence goes on to place {stop}")
        return ops.add(x, self.weight[offset:stop])

    def extra_repr(self) -> str:
        """Sizes."""
        return "{}, {}".format(*self.weight.shape)


class RotaryEmbedding(Module):
    """Rotary position embedding of queries and keys.

    Each pair of neighbors (x₂ᵢ, x₂ᵢ₊₁) at position p is rotated by the angle p / base^(2i / dim), so that the product
    of a query and a key depends only on their distance (Su et al., "RoFormer", arXiv:2104.09864).

    Args:
        dim: the length of queries and keys, an even number; in `MultiHeadAttention` it is embed_dim / num_heads.
        base: determines the longest wavelength.

    Raises:
        ValueError: for a dim that is odd or below 2, and a base that is not positive.
    """

    def __init__(self, dim: int, base: float = 10000.0) -> None:
        self.dim = as_integer("dim", dim)
        self.base = as_number("base", base, above=0)
        if dim < 2 or dim % 2:
            raise ValueError(f"dim must be even, as pairs are turned, and at least 2, got {dim}")

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Return x (..., L, dim) rotated.

        The first position is `offset`.

        Raises:
            ValueError: for vectors of the wrong length.
        """
        _check_vectors(x, self.dim)
        return ops.rotary(x, offset, self.base)

    def extra_repr(self) -> str:
        """The length of the vectors and the base."""
        return f"{self.dim}, base={self.base:g}"


def _angles(places: int, dim: int, base: float) -> NDArray[np.float64]:
    """p / base^(2i / dim) for positions p and pairs i: (positions, dim / 2 rounded up)."""
    return _table(1 << (places - 1).bit_length(), dim, base)[:places]


@lru_cache(maxsize=8)
def _table(places: int, dim: int, base: float) -> NDArray[np.float64]:
    angles = np.arange(places)[:, None] * base ** (-np.arange(0, dim, 2) / dim)
    angles.flags.writeable = False
    return angles


def _check_vectors(x: Tensor, length: int) -> None:
    if x.ndim < 2 or x.shape[-1] != length:
        raise ValueError(f"expected (..., L, {length}), got {x.shape}")
