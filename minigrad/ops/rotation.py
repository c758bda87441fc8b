"""Rotary position embedding."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.apply import primitive
from minigrad.engine.arrays import asarray_like

Array = NDArray[Any]


def _rotary(x: Array, offset: int = 0, base: float = 10000.0, is_back: bool = False) -> Array:
    """Rotate each pair of neighbors by its position.

    (x₂ᵢ, x₂ᵢ₊₁) at position p is rotated by the angle p / base^(2i / E) (Su et al., "RoFormer", arXiv:2104.09864).
    Pairs are treated as complex numbers, so that a rotation is one product.

    Args:
        x: (..., L, E).
        offset: the position of the first element.
        base: determines the longest wavelength.
        is_back: whether to rotate in the opposite direction.

    Raises:
        ValueError: if E is odd or 0.
    """
    if x.ndim < 2 or x.shape[-1] < 2 or x.shape[-1] % 2:
        raise ValueError(f"expected (..., L, E) with an even E, got {x.shape}")
    dtype = np.result_type(x.dtype, np.float32)  # complex64 is the shortest complex dtype
    pairs = np.require(x, dtype, "C" if x.strides[-1] != x.itemsize else None, like=x).view(
        np.result_type(dtype, np.complex64)
    )
    stop = offset + x.shape[-2]
    turns = _rotations(1 << (stop - 1).bit_length(), x.shape[-1], base, pairs.dtype, is_back)[offset:stop]
    turns = asarray_like(turns, x)
    return np.multiply(pairs, turns).view(dtype).astype(x.dtype, copy=False)


@lru_cache(maxsize=16)
def _rotations(places: int, dim: int, base: float, dtype: np.dtype[Any], is_back: bool) -> Array:
    """exp(± j p / base^(2i / dim)) for positions p and pairs i, (positions, dim / 2)."""
    angles = np.arange(places)[:, None] * base ** (-np.arange(0, dim, 2) / dim)
    turns = np.exp((-1j if is_back else 1j) * angles).astype(dtype)
    turns.flags.writeable = False
    return turns


rotary = primitive(
    "rotary",
    _rotary,
    lambda g, offset, base, is_back: rotary(g, offset, base, not is_back),
)
