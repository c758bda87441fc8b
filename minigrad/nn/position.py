"""What tells attention where in a sequence a vector stands, which it would not know by itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.dropout import Dropout
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import require_sizes


class PositionalEncoding(Module):
    """x plus sines and cosines of the place, each pair with a longer wave: (..., L, embed_dim), of any length.

    Place p has sin(p / 10000^(2i / embed_dim)) at 2i and the cosine at 2i + 1 (Vaswani et al., arXiv:1706.03762,
    section 3.5).

    Args:
        embed_dim: the length of the vectors.
        dropout: the probability by which an element of the sum is dropped in training.

    Raises: ValueError for an embed_dim below 1.
    """

    def __init__(self, embed_dim: int, dropout: float = 0.0) -> None:
        require_sizes(embed_dim=embed_dim)
        self.embed_dim = embed_dim
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Returns the sum; `offset` is the place of the first vector. Raises: ValueError for another length."""
        _check_vectors(x, self.embed_dim)
        angles = _angles(offset + x.shape[-2], self.embed_dim, 10000.0)[offset:]
        waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(len(angles), -1)
        return self.dropout(ops.add(x, waves[:, : self.embed_dim].astype(x.dtype)))

    def extra_repr(self) -> str:
        """The length of the vectors."""
        return f"{self.embed_dim}"


class LearnedPositionalEmbedding(Module):
    """x plus a learned vector for each place: (..., L, embed_dim), with L up to max_len.

    `weight` is (max_len, embed_dim), and begins normally distributed with deviation 0.02, as in GPT-2.

    Args:
        max_len: how many places there are.
        embed_dim: the length of the vectors.

    Raises: ValueError for sizes below 1.
    """

    def __init__(self, max_len: int, embed_dim: int) -> None:
        require_sizes(max_len=max_len, embed_dim=embed_dim)
        self.weight = init.normal_(Parameter(np.empty((max_len, embed_dim), np.float32)), std=0.02)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Returns the sum; `offset` is the place of the first vector.

        Raises: ValueError for vectors of other length, or a sequence that goes beyond the last place.
        """
        max_len, embed_dim = self.weight.shape
        _check_vectors(x, embed_dim)
        stop = offset + x.shape[-2]
        if stop > max_len:
            raise ValueError(f"there are vectors for {max_len} places, and the sequence goes on to place {stop}")
        return ops.add(x, self.weight[offset:stop])

    def extra_repr(self) -> str:
        """Sizes."""
        return "{}, {}".format(*self.weight.shape)


class RotaryEmbedding(Module):
    """Turns queries and keys by an angle that grows with the place, so that their product tells the distance alone.

    Each pair of neighbours (x₂ᵢ, x₂ᵢ₊₁) at place p turns by p / base^(2i / dim) (Su et al., "RoFormer",
    arXiv:2104.09864).

    Args:
        dim: the length of queries and keys, even; in `MultiHeadAttention` embed_dim / num_heads.
        base: makes the longest wave.

    Raises: ValueError for a dim that is odd or below 2, and a base that is not positive.
    """

    def __init__(self, dim: int, base: float = 10000.0) -> None:
        if dim < 2 or dim % 2:
            raise ValueError(f"dim must be even, as pairs are turned, and at least 2, got {dim}")
        if not base > 0:
            raise ValueError(f"base must be above 0, got {base}")
        self.dim = dim
        self.base = base

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Returns x (..., L, dim) turned; `offset` is the place of the first. Raises: ValueError for another length."""
        _check_vectors(x, self.dim)
        angles = _angles(offset + x.shape[-2], self.dim, self.base)[offset:]
        cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
        first, second = x[..., 0::2], x[..., 1::2]
        return ops.stack([first * cos - second * sin, first * sin + second * cos], axis=-1).reshape(x.shape)

    def extra_repr(self) -> str:
        """The length and the base."""
        return f"{self.dim}, base={self.base:g}"


def _angles(places: int, dim: int, base: float) -> NDArray[np.float64]:
    """p / base^(2i / dim) for the places p and the pairs i: (places, dim / 2 rounded up)."""
    return _table(1 << (places - 1).bit_length(), dim, base)[:places]


@lru_cache(maxsize=8)
def _table(places: int, dim: int, base: float) -> NDArray[np.float64]:
    angles = np.arange(places)[:, None] * base ** (-np.arange(0, dim, 2) / dim)
    angles.flags.writeable = False
    return angles


def _check_vectors(x: Tensor, length: int) -> None:
    if x.ndim < 2 or x.shape[-1] != length:
        raise ValueError(f"expected (..., L, {length}), got {x.shape}")
