"""The batches of training steps, prefetched if reading is expensive."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import islice
from math import ceil

from minigrad.data import Batch, DataLoader
from minigrad.parallel.ahead import ahead


def feed(
    loader: DataLoader, accumulate: int, step: int, read: Callable[[list[Batch]], object]
) -> Generator[list[Batch], None, None]:
    """Yield the batches of each step, endlessly.

    Args:
        loader: the loader of the training examples.
        accumulate: batches per step; the last step of an epoch may have fewer.
        step: the step to begin with, from 0.
        read: reads the batches of a step; if the examples ask for prefetching, it runs during the previous step.
    """
    steps = _steps(loader, accumulate, step)
    yield from ahead(steps, read) if loader.examples.is_computed else steps


def _steps(loader: DataLoader, accumulate: int, step: int) -> Iterator[list[Batch]]:
    epoch, done = divmod(step, ceil(len(loader) / accumulate))
    while True:
        batches = loader.batches(epoch, done * accumulate)
        while several := list(islice(batches, accumulate)):
            yield several
        epoch, done = epoch + 1, 0
