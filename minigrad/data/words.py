"""Vocabularies of words or characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Units = Literal["words", "characters"]
"""The kind of tokens: `words` in lower case, with each other character but spaces a token too; or `characters`."""

PADDING = 0
"""The token that pads short texts, in front."""
UNKNOWN = 1
"""The token for words or characters that are not in the vocabulary."""

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Vocabulary:
    """Words or characters and their numbers.

    Args:
        units: the kind of tokens.
        tokens: the tokens, numbered from 2, after `PADDING` and `UNKNOWN`.
    """

    units: Units
    tokens: tuple[str, ...]

    @classmethod
    def learn(cls, texts: Iterable[str], units: Units, most: int) -> Vocabulary:
        """Learn a vocabulary: the `most` frequent tokens, sorted by frequency."""
        counts = Counter(token for text in texts for token in tokenized(text, units))
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))  # ties in alphabetical order
        return cls(units, tuple(token for token, _ in frequent[:most]))

    def __len__(self) -> int:
        """The number of tokens, including `PADDING` and `UNKNOWN`."""
        return len(self.tokens) + 2

    def encode(self, texts: Sequence[str], length: int) -> np.ndarray:
        """Return the tokens of texts, int64 (N, length).

        They are the first `length` tokens of each text, padded in front.
        """
        place = {token: i + 2 for i, token in enumerate(self.tokens)}
        encoded = np.full((len(texts), length), PADDING)
        for row, text in zip(encoded, texts, strict=True):
            numbers = [place.get(token, UNKNOWN) for token in tokenized(text, self.units)[:length]]
            if numbers:
                row[-len(numbers) :] = numbers
        return encoded


def tokenized(text: str, units: Units) -> list[str]:
    """Return the tokens of a text."""
    return list(text) if units == "characters" else _WORD.findall(text.lower())
