"""Token ids in a file, which may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from minigrad.data.dataset import DataError, find, reading
from minigrad.data.text import Text


class Tokens(Text):
    """The token ids of a text, from a file that is mapped into memory: only what a batch takes is read.

    A file `.npy` holds one array of integers (n,); any other file is taken for the bare numbers, one after the other in
    little-endian order, as nanoGPT's `train.bin`. What the tokens mean is not known: prompts are numbers too.

    Args:
        path: the file; if relative, it may also be in $MINIGRAD_DATA.
        vocab_size: the tokens are 0 to vocab_size - 1.
        block_size: tokens in an example.
        dtype: of the bare numbers.
        val_fraction: the share of the text for validation, behind the part for training.
        test_fraction: the share for the test, at the end.

    Raises: DataError if the file cannot be read, holds no row of integers, or is too short for a block in each part.
    """

    vocab_size: int = 0

    def __init__(
        self,
        path: str,
        vocab_size: int,
        block_size: int = 64,
        dtype: Literal["uint16", "uint32"] = "uint16",
        val_fraction: float = 0.05,
        test_fraction: float = 0.05,
    ) -> None:
        self.vocab_size = vocab_size
        self._cut(_map(path, np.dtype(dtype)), block_size, val_fraction, test_fraction)

    def encode(self, text: str) -> np.ndarray:
        """Returns the numbers that stand in a text, int64 (n,). Raises: DataError for what is no token."""
        words = text.split()
        for word in words:
            if not (word.isascii() and word.isdecimal() and int(word) < self.vocab_size):
                raise DataError(f"a prompt for Tokens is numbers from 0 to {self.vocab_size - 1}, found {word!r}")
        return np.array([int(word) for word in words], np.int64)

    def decode(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yields the number of each token, and a space."""
        return (f"{token} " for token in tokens)


def _map(path: str, dtype: np.dtype) -> np.ndarray:
    """Returns the array in a file, of which nothing is read yet."""
    with reading(path):
        place = find(path)
        try:
            if place.suffix == ".npy":
                tokens = np.load(place, mmap_mode="r", allow_pickle=False)
            else:
                tokens = np.memmap(place, dtype.newbyteorder("<"), mode="r")
        except ValueError as error:
            raise DataError(f"{path}: expected token ids, an .npy file or bare numbers of {dtype}: {error}") from error
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
        raise DataError(f"{path}: expected one row of integers, found {tokens.dtype} of shape {tokens.shape}")
    return np.asarray(tokens)
