"""Vocabularies of words or characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Units = Literal["words", "characters"]
"""The kind of a text's tokens: `words` in lower case, and each other mark that is no space; or `characters`."""

PADDING = 0
"""The token in front of texts that are shorter than others."""
UNKNOWN = 1
"""The token of what is not in the vocabulary."""

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Vocabulary:
    """Words or characters and their numbers.

    Args:
        units: what the tokens are.
        tokens: those that have a number: the first has 2, behind `PADDING` and `UNKNOWN`.
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
        """The number of tokens, with those for padding and for what is unknown."""
        return len(self.tokens) + 2

    def encode(self, texts: Sequence[str], length: int) -> np.ndarray:
        """Return the tokens of texts, int64 (N, length).

        The first `length` of each, padded in front.
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
