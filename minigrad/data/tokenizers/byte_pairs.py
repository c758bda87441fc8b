"""Byte-level byte-pair encoding, lossless for any text.

Sennrich et al., "Neural machine translation of rare words with subword units", arXiv:1508.07909; on bytes, Radford et
al., "Language models are unsupervised multitask learners", 2019. A text is split into words (`split`), and each word
into its bytes. Then neighboring tokens are merged, always the pair that was learned first, until no known pair is
left.
"""

from __future__ import annotations

import re
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain, pairwise
from typing import NamedTuple

from minigrad.data.errors import DataError, nearest
from minigrad.data.tokenizers.split import PATTERNS, words

_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]

LETTERS = {byte: chr(byte) for byte in _PRINTABLE} | {
    byte: chr(256 + i) for i, byte in enumerate(byte for byte in range(256) if byte not in _PRINTABLE)
}
"""The printable character that stands for each byte in vocabulary files, as chosen by GPT-2."""

_BYTES = {letter: byte for byte, letter in LETTERS.items()}

MOST_WORDS = 2**17
"""The most words whose tokens are cached."""

LONGEST_WORD = 64
"""The most characters of a cached word."""


class AddedToken(NamedTuple):
    """A token outside the merges, never split.

    It has a text; a special token is a control sign, not part of a text.
    """

    text: str
    is_special: bool = True


class BytePairs:
    """A byte-pair tokenizer: a vocabulary and merges.

    Args:
        vocabulary: the id of each token, spelled with `LETTERS`.
        merges: pairs of tokens to merge, in the order in which they were learned; all tokens are in the vocabulary.
        pre_tokenizer: the pattern that splits a text into words: "gpt2", "llama3", "qwen2" or "smollm".
        added: tokens by id that are split off from a text before anything else.
        prefix: tokens to put before every text that a model reads from its beginning.
        is_nfc: whether a text is normalized to Unicode NFC first.
        ignores_merges: whether a word that is in the vocabulary becomes that token, whatever the merges say.

    Raises:
        DataError: for an unknown pre-tokenizer, an id that two tokens share, or a token in a merge or the prefix that
            the vocabulary lacks.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        merges: Sequence[tuple[str, str]],
        pre_tokenizer: str = "gpt2",
        added: Mapping[int, AddedToken] | None = None,
        prefix: Sequence[int] = (),
        is_nfc: bool = False,
        ignores_merges: bool = False,
    ) -> None:
        if pre_tokenizer not in PATTERNS:
            raise DataError(f"unknown pre-tokenizer {pre_tokenizer!r}: {nearest(pre_tokenizer, list(PATTERNS))}")
        self.vocabulary = dict(vocabulary)
        self.merges = list(merges)
        self.pre_tokenizer = pre_tokenizer
        self.added = dict(added or {})
        self.prefix = tuple(prefix)
        self.is_nfc = is_nfc
        self.ignores_merges = ignores_merges
        self._contents = self._token_bytes()
        self._pairs = self._merge_ranks()
        self._first = [self.vocabulary.get(LETTERS[byte]) for byte in range(256)]
        self._numbers = {token.text: number for number, token in self.added.items()}
        self._signs = {
            special: _alternatives(token.text for token in self.added.values() if special or not token.is_special)
            for special in (True, False)
        }
        self._words = _Words(self)

    def _token_bytes(self) -> dict[int, bytes]:
        """Return the bytes of each token, by id."""
        contents: dict[int, bytes] = {}
        for text, number in self.vocabulary.items():
            if number in contents:
                raise DataError(f"two tokens of the vocabulary have the number {number}; one is {text!r}")
            if number not in self.added:
                contents[number] = _content(text)
        contents |= {number: token.text.encode("utf-8", "replace") for number, token in self.added.items()}
        for number in self.prefix:
            if number not in contents:
                raise DataError(f"the prefix has the token {number}, which the vocabulary lacks")
        return contents

    def _merge_ranks(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return, by the ids of two tokens, the rank of their merge and the id of the merged token."""
        pairs: dict[tuple[int, int], tuple[int, int]] = {}
        for rank, (left, right) in enumerate(self.merges):
            try:
                numbers = self.vocabulary[left], self.vocabulary[right], self.vocabulary[left + right]
            except KeyError as error:
                raise DataError(f"merge {rank + 1}, of {left!r} and {right!r}: no token {error.args[0]!r}") from None
            pairs.setdefault(numbers[:2], (rank, numbers[2]))
        return pairs

    @property
    def vocab_size(self) -> int:
        """One more than the largest token id.

        It is the number of rows that an embedding needs.
        """
        return max(self._contents, default=-1) + 1

    @property
    def special(self) -> dict[str, int]:
        """The ids of the special tokens, by text."""
        return {token.text: number for number, token in self.added.items() if token.is_special}

    def encode(self, text: str, special: bool = True) -> list[int]:
        """Return the tokens of a text, without the prefix.

        Args:
            text: any text.
            special: whether the text of a special token becomes that token. Use False for untrusted text, which could
                otherwise end its turn and begin another.

        Raises:
            DataError: for half a surrogate pair, which is not a character, or a byte that the vocabulary lacks.
        """
        signs = self._signs[special]
        tokens: list[int] = []
        for i, piece in enumerate(signs.split(text) if signs else [text]):
            if i % 2:
                tokens.append(self._numbers[piece])
                continue
            piece = unicodedata.normalize("NFC", piece) if self.is_nfc else piece
            found = words(self.pre_tokenizer).findall(piece)
            tokens.extend(chain.from_iterable(map(self._words.__getitem__, found)))
        return tokens

    def decode(self, tokens: Iterable[int], special: bool = False) -> Iterator[str]:
        """Yield the text of tokens as they come.

        Invalid bytes become U+FFFD.

        Args:
            tokens: the ids.
            special: whether special tokens are included.

        Raises:
            DataError: for an id that no token has.
        """
        decoder = getincrementaldecoder("utf-8")("replace")
        for token in tokens:
            if token not in self._contents:
                raise DataError(f"there is no token {token}: the vocabulary has {len(self._contents):,}")
            if special or token not in self.added or not self.added[token].is_special:
                yield decoder.decode(self._contents[token])
        yield decoder.decode(b"", final=True)

    def merged(self, word: str) -> list[int]:
        """Return the tokens of a word, without splitting it first.

        Errors are those of `encode`.
        """
        try:
            content = word.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(f"expected characters, found half of a surrogate pair, {word[error.start]!r}") from None
        if self.ignores_merges:
            whole = self.vocabulary.get("".join(map(LETTERS.__getitem__, content)))
            if whole is not None and whole not in self.added:
                return [whole]
        tokens: list[int] = []
        for byte in content:
            token = self._first[byte]
            if token is None:
                raise DataError(f"the vocabulary lacks a token for the byte {byte:#04x}, which {word!r} has")
            tokens.append(token)
        return self._merge(tokens)

    def _merge(self, tokens: list[int]) -> list[int]:
        """Merge neighbors, the lowest rank first, and the leftmost among equals; n log n for n tokens."""
        pairs, stop = self._pairs, len(tokens)
        after, before = list(range(1, stop + 1)), list(range(-1, stop - 1))
        heap = [(*pairs[pair], i, *pair) for i, pair in enumerate(pairwise(tokens)) if pair in pairs]
        heapify(heap)
        while heap:
            _, merged, i, left, right = heappop(heap)
            j = after[i]
            if tokens[i] != left or j == stop or tokens[j] != right:
                continue  # one of the two has already merged with its other neighbor
            tokens[i], tokens[j] = merged, -1
            k = after[i] = after[j]
            if k < stop:
                before[k] = i
            for start, pair in ((before[i], (tokens[before[i]], merged)), (i, (merged, tokens[k] if k < stop else -1))):
                if start >= 0 and pair in pairs:
                    heappush(heap, (*pairs[pair], start, *pair))
        return [token for token in tokens if token >= 0]


class _Words(dict[str, "list[int]"]):
    """A cache of the tokens of words."""

    def __init__(self, tokenizer: BytePairs) -> None:
        self._tokenizer = tokenizer

    def __missing__(self, word: str) -> list[int]:
        tokens = self._tokenizer.merged(word)
        if len(word) <= LONGEST_WORD and len(self) < MOST_WORDS:
            self[word] = tokens
        return tokens


def _content(text: str) -> bytes:
    """Return the bytes of a token; if it is not spelled with `LETTERS`, those of its characters."""
    try:
        return bytes(map(_BYTES.__getitem__, text))
    except KeyError:
        return text.encode("utf-8", "replace")


def _alternatives(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern with one group that matches any of the texts, the longest first; None without texts."""
    escaped = [re.escape(text) for text in sorted(texts, key=len, reverse=True)]
    return re.compile(f"({'|'.join(escaped)})") if escaped else None
