"""Batches of examples, in an order that is a pure function of the seed and the epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.data.dataset import DataError, Examples
from minigrad.data.order import shuffled


class Batch:
    """Some examples, of which only those are read that are asked for: `inputs, targets = batch[2:5]`.

    Args:
        examples: what they are of.
        indices: which they are, (n,) integers or a range in steps of 1.
    """

    __slots__ = ("examples", "indices")

    def __init__(self, examples: Examples, indices: np.ndarray | range) -> None:
        self.examples = examples
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """The inputs and targets of a part: copies, or of a range views."""
        indices = self.indices[part]
        return self.examples.batch(slice(indices.start, indices.stop) if isinstance(indices, range) else indices)


class DataLoader:
    """Cuts examples into batches.

    Args:
        examples: what to draw from.
        batch_size: examples in a batch; the last batch of an epoch has what is left.
        shuffle: whether each epoch has its own random order; if not, batches are views of the data in its own
        order.
        drop_last: whether to leave out a last batch that is not full.

    Raises: DataError if `batch_size` is not from 1 to the number of examples.
    """

    def __init__(self, examples: Examples, batch_size: int = 32, shuffle: bool = True, drop_last: bool = False) -> None:
        if batch_size < 1:
            raise DataError(f"batch_size is at least 1, got {batch_size}")
        if batch_size > len(examples):
            raise DataError(
                f"a batch of {batch_size} is larger than the data: there are {len(examples)} examples; "
                f"choose a batch_size of at most {len(examples)}"
            )
        self.examples = examples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, left = divmod(len(self.examples), self.batch_size)
        return whole if self.drop_last or not left else whole + 1

    def batches(self, n: int, start: int = 0) -> Iterator[Batch]:
        """Returns the batches of epoch `n` from batch `start` on, so that a run can go on where it stopped; none of
        their examples is read yet.

        Raises: DataError if `start` is not from 0 to the number of batches.
        """
        if not 0 <= start <= len(self):
            raise DataError(f"an epoch has {len(self)} batches; it cannot start at batch {start}")
        examples = self.examples.epoch(n)
        size = len(examples)
        order = shuffled(size, n) if self.shuffle else range(size)
        return (
            Batch(examples, order[i * self.batch_size : (i + 1) * self.batch_size]) for i in range(start, len(self))
        )

    def epoch(self, n: int, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Returns inputs and targets of `batches(n, start)`. Raises: as it does."""
        return (batch[:] for batch in self.batches(n, start))
