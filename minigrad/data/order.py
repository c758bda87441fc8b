"""Shuffled orders of examples."""

from __future__ import annotations

import numpy as np

from minigrad.engine import random

LARGE = 2**22
"""Examples from which on an order is computed piece by piece: stored, it would take 32 MiB or more."""

_ROUNDS = 6


def shuffled(n: int, epoch: int) -> np.ndarray | Shuffled:
    """Return the numbers below n in an epoch's order.

    The order is a pure function of the seed and the epoch. Its slices are arrays.
    """
    generator = random.stream("shuffle", step=epoch)
    return generator.permutation(n) if n < LARGE else Shuffled(n, generator)


class Shuffled:
    """A permutation of the numbers below n, without storage.

    A block cipher computes which number is in which position. The cipher is a Feistel network on as few bits as n
    needs; results of n and above are encrypted again (cycle walking; Black and Rogaway, "Ciphers with arbitrary finite
    domains", CT-RSA 2002). The round function is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", OOPSLA 2014).
    """

    def __init__(self, n: int, generator: np.random.Generator) -> None:
        self.n = n
        self._half = np.uint64(((n - 1).bit_length() + 1) // 2)
        self._mask = np.uint64((1 << int(self._half)) - 1)
        self._keys = generator.integers(0, 2**64, _ROUNDS, dtype=np.uint64)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return the numbers in a range of positions, int64."""
        numbers = self._cipher(np.arange(*part.indices(self.n), dtype=np.uint64))
        while (large := numbers >= self.n).any():
            numbers[large] = self._cipher(numbers[large])
        return numbers.astype(np.int64)

    def _cipher(self, numbers: np.ndarray) -> np.ndarray:
        left, right = numbers >> self._half, numbers & self._mask
        for key in self._keys:
            mixed = right + key
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            left, right = right, left ^ ((mixed ^ (mixed >> np.uint64(31))) & self._mask)
        return (left << self._half) | right
