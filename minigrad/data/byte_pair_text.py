"""Text as byte-pair tokens, with a tokenizer from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.data.errors import Findings
from minigrad.data.files import find, reading
from minigrad.data.text import Text, decoded
from minigrad.data.tokenizers import read_tokenizer, tokenizer_json
from minigrad.data.tokenizers.files import parse_tokenizer


class BytePairText(Text):
    """Text as byte-pair tokens, as in GPT-2.

    It encodes any text, in about a quarter of the tokens of `ByteText`. A run stores the tokenizer, so prompts are
    encoded as the training text was, even if the tokenizer's file changes.

    Args:
        path: a UTF-8 file; a relative path may also be in $MINIGRAD_DATA.
        tokenizer: a `tokenizer.json`, or a folder with one or with GPT-2's `vocab.json` and `merges.txt`; a relative
            path may also be in $MINIGRAD_DATA.
        block_size: the number of tokens in an example.
        val_fraction: the fraction of the text for validation, after the training part.
        test_fraction: the fraction for the test part, at the end.

    Raises:
        DataError: if a file cannot be read, is not UTF-8, is too short for a block in each part, or holds an
            unsupported kind of tokenizer. Byte order marks within the text and mixed line endings raise a DataWarning.
    """

    _tokens: np.ndarray | None = None

    def __init__(
        self,
        path: str,
        tokenizer: str,
        block_size: int = 64,
        val_fraction: float = 0.05,
        test_fraction: float = 0.05,
    ) -> None:
        self._name = path
        with reading(path):
            content = find(path).read_bytes()
        findings = Findings(path)
        text = decoded(content, findings)
        self.tokenizer = read_tokenizer(find(tokenizer))
        self._content = hashlib.sha256(content)
        self._fractions = val_fraction, test_fraction
        self._number(text, block_size)
        findings.warn()

    def _number(self, text: str, block_size: int) -> None:
        self._tokens = np.array(self.tokenizer.encode(text), np.min_scalar_type(self.vocab_size))
        self._cut(self._tokens, block_size, *self._fractions)

    @property
    def vocab_size(self) -> int:
        """One more than the largest token id."""
        return self.tokenizer.vocab_size

    @property
    def end(self) -> frozenset[int]:
        """The special tokens of the tokenizer."""
        return frozenset(self.tokenizer.special.values())

    @property
    def digest(self) -> str:
        """The SHA-256 of the file and the tokenizer."""
        both = self._content.copy()
        both.update(tokenizer_json(self.tokenizer).encode())
        return both.hexdigest()

    def encode(self, text: str) -> np.ndarray:
        """Return the tokens of a text, int64 (n,).

        Raises:
            DataError: for half a surrogate pair.
        """
        return np.array(self.tokenizer.encode(text), np.int64)

    def decode(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yield the text of tokens, without special ones.

        A character is yielded as soon as its last byte is decoded.
        """
        return self.tokenizer.decode(tokens)

    def state_dict(self) -> dict[str, Any]:
        """Return the tokenizer and the block size.

        The vocabulary and merges have the format of a `tokenizer.json`.
        """
        return {"tokenizer": tokenizer_json(self.tokenizer), "block_size": self.block_size}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: the tokenizer, applied to its text too."""
        learned = parse_tokenizer(state_dict["tokenizer"])
        if self._tokens is None:
            self.tokenizer = learned
            self._take_block_size(state_dict)
        elif tokenizer_json(learned) != tokenizer_json(self.tokenizer):
            text = "".join(self.tokenizer.decode(self._tokens.tolist(), special=True))
            self.tokenizer = learned
            self._number(text, self.block_size)
