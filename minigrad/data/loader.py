"""DataLoader: batches in an order given by seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.data.dataset import Dataset
from minigrad.data.errors import DataError
from minigrad.data.examples import Examples
from minigrad.data.order import shuffled
from minigrad.data.sampler import Sampler
from minigrad.engine import Tensor
from minigrad.inputs import tensors


class Batch:
    """A batch whose examples are read when asked for.

    For example, `inputs, targets = batch[2:5]` reads three examples.

    Args:
        examples: the examples to read from.
        indices: the indices of the batch's examples, (n,) integers or a range with step 1.
    """

    __slots__ = ("_read", "examples", "indices")

    def __init__(self, examples: Examples, indices: np.ndarray | range) -> None:
        self.examples = examples
        self.indices = indices
        self._read: dict[tuple[Any, Any], tuple[Any, np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, part: slice) -> tuple[Any, np.ndarray]:
        """Return the inputs and targets of a part: views if the indices are a range, else copies."""
        if self._read and (read := self._read.get((part.start, part.stop))) is not None:
            return read
        return self.examples.batch(self._places(part))

    def read(self, part: slice) -> None:
        """Read a part now, ahead of its use."""
        self._read[part.start, part.stop] = self[part]

    def weights(self, part: slice) -> np.ndarray | None:
        """Return the weights of a part's examples, (n,), or None.

        None means equal weights.
        """
        weights = self.examples.weights
        return None if weights is None else weights[self._places(part)]

    def _places(self, part: slice) -> np.ndarray | slice:
        indices = self.indices[part]
        return slice(indices.start, indices.stop) if isinstance(indices, range) else indices


class DataLoader:
    """A loader of batches: `for x, y in DataLoader(data.train): ...`.

    As in PyTorch, each loop over it is a new epoch, and yields Tensors. `epoch` yields the arrays of an epoch given by
    its number.

    Args:
        examples: the examples to load.
        batch_size: the number of examples in a batch; the last batch of an epoch may be smaller.
        shuffle: whether each epoch has its own random order; if not, batches are views of the data, in its order.
        drop_last: whether to leave out a last batch that is not full.
        sampler: draws the examples of an epoch, as `Balanced` does; without one, each is drawn once.

    Raises:
        DataError: if `batch_size` is not from 1 to the number of examples, if `examples` is not an `Examples` or does
            not suit the sampler, or for a sampler without `shuffle`.
    """

    def __init__(
        self,
        examples: Examples,
        batch_size: int = 32,
        shuffle: bool = True,
        drop_last: bool = False,
        sampler: Sampler | None = None,
    ) -> None:
        if not hasattr(examples, "batch"):
            remedy = "a part of it, as data.train" if isinstance(examples, Dataset) else "Examples(inputs, targets)"
            raise DataError(f"a loader draws from examples, got {type(examples).__name__}: give it {remedy}")
        if batch_size < 1:
            raise DataError(f"batch_size is at least 1, got {batch_size}")
        if batch_size > len(examples):
            raise DataError(
                f"a batch of {batch_size} is larger than the data: there are {len(examples)} examples; "
                f"choose a batch_size of at most {len(examples)}"
            )
        if sampler is not None:
            if not shuffle:
                raise DataError("a sampler decides the order of an epoch: leave out shuffle=False, or the sampler")
            sampler.order(examples, 0)  # raises if the sampler does not suit the examples
        self.sampler = sampler
        self.examples = examples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self._epochs = 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, left = divmod(len(self.examples), self.batch_size)
        return whole if self.drop_last or not left else whole + 1

    def __iter__(self) -> Iterator[tuple[Any, Tensor]]:
        """Yield the inputs and targets of the next epoch, starting with epoch 0."""
        self._epochs += 1
        return ((tensors(inputs), Tensor(targets)) for inputs, targets in self.epoch(self._epochs - 1))

    def batches(self, n: int, start: int = 0) -> Iterator[Batch]:
        """Return the batches of epoch `n` from batch `start` on.

        A run is resumed by `start`. No examples are read yet.

        Raises:
            DataError: if `start` is not from 0 to the number of batches.
        """
        if not 0 <= start <= len(self):
            raise DataError(f"an epoch has {len(self)} batches; it cannot start at batch {start}")
        examples = self.examples.epoch(n)
        size = len(examples)
        order: Any = shuffled(size, n) if self.shuffle else range(size)
        if self.sampler is not None:
            order = self.sampler.order(examples, n)
        return (
            Batch(examples, order[i * self.batch_size : (i + 1) * self.batch_size]) for i in range(start, len(self))
        )

    def epoch(self, n: int, start: int = 0) -> Iterator[tuple[Any, np.ndarray]]:
        """Yield inputs and targets of `batches(n, start)`.

        Errors are those of `batches`.
        """
        return (batch[:] for batch in self.batches(n, start))
