"""Synthetic sequence-to-sequence tasks."""

from __future__ import annotations

import numpy as np

from minigrad.arguments import as_integer
from minigrad.data.dataset import Dataset
from minigrad.data.errors import DataError
from minigrad.data.examples import Examples
from minigrad.data.splits import split
from minigrad.engine import random


class Sequences(Dataset):
    """The base of sequence-to-sequence tasks.

    A model reads a source sequence and writes its answer, token by token.

    An input is (source_length + target_length,) tokens: the source, a start token, and the answer without its last
    token. So the model predicts the next token at each of the last target_length positions, given the correct answer so
    far (teacher forcing: Williams & Zipser 1989, doi:10.1162/neco.1989.1.2.270). The targets are the answer,
    (target_length,). All are int64.
    """

    source_length: int
    target_length: int
    vocab_size: int

    def _set(
        self, source: np.ndarray, answer: np.ndarray, start: int, val_fraction: float, test_fraction: float
    ) -> None:
        """Set the parts from sources (N, source_length), answers (N, target_length) and the start token."""
        self.source_length, self.target_length = source.shape[1], answer.shape[1]
        self.vocab_size = start + 1
        begun = np.full((len(answer), 1), start)
        inputs = np.concatenate([source, begun, answer[:, :-1]], axis=1, dtype=np.int64)
        targets = answer.astype(np.int64)
        parts = split(len(inputs), val_fraction, test_fraction)
        self.train, self.val, self.test = (Examples(inputs[rows], targets[rows]) for rows in parts)

    @property
    def num_classes(self) -> int:
        """The number of different tokens."""
        return self.vocab_size


class Reverse(Sequences):
    """Sequences of symbols to be reversed, all of them different.

    Args:
        length: the number of symbols in a sequence.
        symbols: the number of different symbols, 0 to symbols - 1; the start token is the next number.
        n_samples: the number of examples in all parts together.
        val_fraction: the fraction for validation.
        test_fraction: the fraction for the test part.

    Raises:
        DataError: if there are fewer distinct sequences than `n_samples`, or a part would be empty.
    """

    def __init__(
        self,
        length: int = 8,
        symbols: int = 10,
        n_samples: int = 10_000,
        val_fraction: float = 0.1,
        test_fraction: float = 0.1,
    ) -> None:
        source = _draw(as_integer("n_samples", n_samples), as_integer("length", length), as_integer("symbols", symbols))
        self._set(source, source[:, ::-1], symbols, val_fraction, test_fraction)


class Addition(Sequences):
    """Sums as text: of `17+85` the answer is `102`.

    Numbers are padded with leading zeros. The tokens are the digits 0 to 9, the plus sign 10 and the start token 11. No
    two examples are the same.

    Args:
        digits: the number of digits of each summand; the sum has one more.
        n_samples: the number of examples in all parts together.
        val_fraction: the fraction for validation.
        test_fraction: the fraction for the test part.

    Raises:
        DataError: if there are fewer distinct sums than `n_samples`, or a part would be empty.
    """

    def __init__(
        self, digits: int = 2, n_samples: int = 10_000, val_fraction: float = 0.1, test_fraction: float = 0.1
    ) -> None:
        pairs = _draw(as_integer("n_samples", n_samples), 2 * as_integer("digits", digits), 10)
        first, second = pairs[:, :digits], pairs[:, digits:]
        weights = 10 ** np.arange(digits)[::-1]
        answer = _digits((first + second) @ weights, digits + 1, 10)
        plus = np.full((n_samples, 1), 10)
        self._set(np.concatenate([first, plus, second], axis=1), answer, 11, val_fraction, test_fraction)


def _draw(n: int, length: int, symbols: int) -> np.ndarray:
    """Return `n` distinct random sequences of symbols, (n, length)."""
    if length < 1 or symbols < 2 or symbols**length >= 2**63:
        raise DataError(
            f"sequences have at least 1 symbol, of at least 2 different ones, and fewer than 2**63 are possible: "
            f"got {length} of {symbols}"
        )
    if not 0 < n <= symbols**length:
        raise DataError(f"n_samples is from 1 to {symbols**length:,}, the number of different examples; got {n:,}")
    return _digits(random.stream("data").choice(symbols**length, n, replace=False), length, symbols)


def _digits(numbers: np.ndarray, length: int, base: int) -> np.ndarray:
    """Return the last `length` digits of numbers (N,) in a base, the highest first: (N, length)."""
    return numbers[:, np.newaxis] // base ** np.arange(length)[::-1] % base
