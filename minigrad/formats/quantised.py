"""Dequantisation of GGUF tensors to float32.

Most kinds store a block of 32 or 256 numbers as a few bits each and a scale, laid out as in `ggml-common.h` of
https://github.com/ggml-org/ggml (MIT). The two halves of a byte (nibbles) belong to numbers some positions apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

CHUNK = 2**19
"""Numbers per chunk, so that temporary arrays fit the cache."""


class Kind(NamedTuple):
    """A kind of quantization.

    Attributes:
        name: the format's name.
        numbers: numbers per block.
        size: bytes per block.
        floats: turns blocks (n, size) into numbers (n, numbers).
    """

    name: str
    numbers: int
    size: int
    floats: Callable[[Bytes], NDArray[Any]]


def dequantize(raw: Bytes, kind: Kind) -> Floats:
    """Return the numbers of consecutive blocks, float32 (n,).

    It needs memory for the result and one chunk.
    """
    blocks = raw.reshape(-1, kind.size)
    result = np.empty((len(blocks), kind.numbers), np.float32)
    step = max(CHUNK // kind.numbers, 1)
    for start in range(0, len(blocks), step):
        result[start : start + step] = kind.floats(blocks[start : start + step])
    return result.reshape(-1)


def _half(blocks: Bytes, start: int) -> Floats:
    """Return the float16 at an offset of each block, (n, 1)."""
    return np.ascontiguousarray(blocks[:, start : start + 2]).view("<f2").astype(np.float32)


def _nibbles(packed: Bytes) -> Bytes:
    """Return (..., k) bytes as (..., 2k) 4-bit numbers: all lower halves, then all upper halves."""
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _plain(dtype: str) -> Callable[[Bytes], NDArray[Any]]:
    return lambda blocks: np.ascontiguousarray(blocks).view(dtype)


def _bf16(blocks: Bytes) -> Floats:
    return (np.ascontiguousarray(blocks).view("<u2").astype(np.uint32) << 16).view(np.float32)


def _q4_0(blocks: Bytes) -> Floats:
    """Scale, 16 bytes of nibbles: scale · (q - 8)."""
    return (_nibbles(blocks[:, 2:]).astype(np.float32) - 8) * _half(blocks, 0)


def _q4_1(blocks: Bytes) -> Floats:
    """Scale, minimum, 16 bytes of nibbles: scale · q + minimum."""
    return _nibbles(blocks[:, 4:]) * _half(blocks, 0) + _half(blocks, 2)


def _q8_0(blocks: Bytes) -> Floats:
    """Scale, 32 signed bytes: scale · q."""
    return blocks[:, 2:].view(np.int8) * _half(blocks, 0)


def _q4_k(blocks: Bytes) -> Floats:
    """Scale, scale of minima, 12 bytes of 8 scales and 8 minima (6 bits), 128 bytes of nibbles in 4 groups of 64.

    scale · s · q - minimum · m, with s and m for 32 numbers each.
    """
    packed = blocks[:, 4:16]
    low, middle, high = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate([low & 63, high & 15 | low >> 6 << 4], axis=1)
    minima = np.concatenate([middle & 63, high >> 4 | middle >> 6 << 4], axis=1)
    numbers = _nibbles(blocks[:, 16:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    scaled = numbers * (_half(blocks, 0) * scales)[..., None] - (_half(blocks, 2) * minima)[..., None]
    return scaled.reshape(len(blocks), 256)


def _q6_k(blocks: Bytes) -> Floats:
    """128 bytes of lower 4 bits, 64 of upper 2, 16 signed scales, scale: scale · s · (q - 32).

    Both halves of a block have the same layout; the upper bits in a byte are of numbers 32 apart. s is for 16 numbers.
    """
    low = _nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.arange(0, 8, 2, dtype=np.uint8)[:, None] & 3
    scales = _half(blocks, 208) * np.ascontiguousarray(blocks[:, 192:208]).view(np.int8)
    numbers = (low | high << 4).reshape(-1, 16, 16).astype(np.float32) - 32
    return (numbers * scales[..., None]).reshape(len(blocks), 256)


KINDS = {
    0: Kind("F32", 1, 4, _plain("<f4")),
    1: Kind("F16", 1, 2, _plain("<f2")),
    2: Kind("Q4_0", 32, 18, _q4_0),
    3: Kind("Q4_1", 32, 20, _q4_1),
    8: Kind("Q8_0", 32, 34, _q8_0),
    12: Kind("Q4_K", 256, 144, _q4_k),
    14: Kind("Q6_K", 256, 210, _q6_k),
    30: Kind("BF16", 1, 2, _bf16),
}
"""The supported quantisations, by the format's number."""
