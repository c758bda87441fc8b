"""Token ids from a memory-mapped file.

The file may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.lib.format import open_memmap

from minigrad.data.errors import DataError
from minigrad.data.files import find, reading
from minigrad.data.mapped import SMALL, can_map, map_file
from minigrad.data.npy import DAMAGE
from minigrad.data.text import Text


class Tokens(Text):
    """The token ids of a text, from a file.

    The file is mapped into memory, so only the tokens of a batch are read. An `.npy` file holds an array of integers
    (n,); any other file holds raw little-endian integers, like nanoGPT's `train.bin`. The text of the tokens is not
    known, so prompts are numbers too.

    Args:
        path: the file; a relative path may also be in $MINIGRAD_DATA.
        vocab_size: the tokens are 0 to vocab_size - 1.
        block_size: the number of tokens in an example.
        dtype: the dtype of raw integers.
        val_fraction: the fraction of the text for validation, after the training part.
        test_fraction: the fraction for the test part, at the end.

    Raises:
        DataError: if the file cannot be read, does not hold a vector of integers, or is too short for a block in each
            part; in a file of up to 64 MiB also if a token is out of range (larger files are not read completely).
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
        tokens = _map(path, np.dtype(dtype))
        if tokens.nbytes <= SMALL and len(tokens) and not 0 <= tokens.min() <= tokens.max() < vocab_size:
            place = int(np.argmax((tokens < 0) | (tokens >= vocab_size)))
            raise DataError(
                f"{path}: token {tokens[place]} at {place} is out of range: expected 0 to {vocab_size - 1}, for "
                f"vocab_size {vocab_size}"
            )
        self._name = path
        self._cut(tokens, block_size, val_fraction, test_fraction)

    def state_dict(self) -> dict[str, Any]:
        """Return the block size and the number of tokens."""
        return {"block_size": self.block_size, "vocab_size": self.vocab_size}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: both numbers, but no tokens."""
        if not self.block_size:
            self._take_block_size(state_dict)
            self.vocab_size = state_dict["vocab_size"]

    def encode(self, text: str) -> np.ndarray:
        """Return the numbers in a text, int64 (n,).

        Raises:
            DataError: for anything but token ids.
        """
        words = text.split()
        for word in words:
            if not (word.isascii() and word.isdecimal() and int(word) < self.vocab_size):
                raise DataError(f"a prompt for Tokens is numbers from 0 to {self.vocab_size - 1}, found {word!r}")
        return np.array([int(word) for word in words], np.int64)

    def decode(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yield the number of each token, and a space."""
        return (f"{token} " for token in tokens)


def _map(path: str, dtype: np.dtype) -> np.ndarray:
    """Return the array in a file, without reading it yet."""
    with reading(path):
        place = find(path)
        tokens: np.ndarray
        try:
            if place.suffix.lower() == ".npy" and can_map():
                tokens = open_memmap(place, mode="r")
            elif place.suffix.lower() == ".npy":
                tokens = np.load(place, allow_pickle=False)
            else:
                tokens = map_file(place, dtype.newbyteorder("<"))
        except DAMAGE as error:
            raise DataError(f"{path}: expected token ids, an .npy file or bare numbers of {dtype}: {error}") from error
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
        raise DataError(f"{path}: expected one row of integers, found {tokens.dtype} of shape {tokens.shape}")
    return np.asarray(tokens)
