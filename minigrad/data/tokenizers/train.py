"""Training of byte-pair tokenizers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

from minigrad.data.errors import DataError
from minigrad.data.tokenizers.byte_pairs import LETTERS, AddedToken, BytePairs
from minigrad.data.tokenizers.split import words

LEAST = 2
"""The minimum count of a pair that becomes a token."""


def train_byte_pairs(
    text: str, size: int, pre_tokenizer: str = "gpt2", special: Sequence[str] = ("<|endoftext|>",)
) -> BytePairs:
    """Train a byte-pair tokenizer on a text.

    Each merge is the most frequent pair; among equally frequent pairs, the one with the lowest ids, so that the result
    is unique. The vocabulary has special tokens first, then bytes, then merges. It is smaller than requested if no pair
    is left that occurs twice.

    Args:
        text: the text to learn from.
        size: the size of the vocabulary.
        pre_tokenizer: the pre-tokenizer, as for `BytePairs`.
        special: the texts of special tokens.

    Raises:
        DataError: for a size without room for the bytes and the special tokens, or half a surrogate pair.
    """
    least = 256 + len(special)
    if size < least:
        raise DataError(
            f"a vocabulary has at least {least} tokens, the bytes and the special ones; got a size of {size}"
        )
    added = {number: AddedToken(token) for number, token in enumerate(special)}
    spelled = [*special, *sorted(LETTERS.values())]
    vocabulary = {token: number for number, token in enumerate(spelled)}
    start = BytePairs(vocabulary, [], pre_tokenizer, added)
    counts = Counter(words(pre_tokenizer).findall(text))
    corpus = _Corpus([start.merged(word) for word in counts], list(counts.values()))
    merges: list[tuple[str, str]] = []
    while len(spelled) < size and (pair := corpus.most_frequent()):
        left, right = spelled[pair[0]], spelled[pair[1]]
        merges.append((left, right))
        if left + right not in vocabulary:
            vocabulary[left + right] = len(spelled)
            spelled.append(left + right)
        corpus.merge(pair, vocabulary[left + right])
    return BytePairs(vocabulary, merges, pre_tokenizer, added)


class _Corpus:
    """Words as tokens, with the count of each pair of neighbors, and the words that contain it."""

    def __init__(self, words: list[list[int]], counts: list[int]) -> None:
        self._words, self._counts = words, counts
        self._pairs: Counter[tuple[int, int]] = Counter()
        self._places: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for place, word in enumerate(words):
            for pair in pairwise(word):
                self._pairs[pair] += counts[place]
                self._places[pair].add(place)
        self._heap = [(-count, pair) for pair, count in self._pairs.items()]
        heapify(self._heap)

    def most_frequent(self) -> tuple[int, int] | None:
        """Return the pair to merge next; None if no pair occurs twice."""
        while self._heap:
            count, pair = heappop(self._heap)
            if -count == self._pairs[pair]:
                return pair if -count >= LEAST else None
            if self._pairs[pair] > 0:  # its count has fallen since it was pushed
                heappush(self._heap, (-self._pairs[pair], pair))
        return None

    def merge(self, pair: tuple[int, int], token: int) -> None:
        """Replace a pair by a token in every word."""
        grown = set()
        for place in self._places.pop(pair):
            word, count = self._words[place], self._counts[place]
            for old in pairwise(word):
                self._pairs[old] -= count
            word = self._words[place] = _replace(word, pair, token)
            for new in pairwise(word):
                self._pairs[new] += count
                if token in new:
                    self._places[new].add(place)
                    grown.add(new)
        for new in grown:
            heappush(self._heap, (-self._pairs[new], new))


def _replace(word: list[int], pair: tuple[int, int], token: int) -> list[int]:
    """Return a word with each occurrence of a pair, from left to right, replaced by a token."""
    result: list[int] = []
    for number in word:
        if result and (result[-1], number) == pair:
            result[-1] = token
        else:
            result.append(number)
    return result
