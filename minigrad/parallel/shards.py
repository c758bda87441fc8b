"""A step of training in shards: parts of the batch whose gradients are computed apart, and summed in one order.

The number of shards decides how numbers are rounded, so it belongs to the config. Threads only execute them: the same
shards give the same bits on one thread and on four.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import pairwise
from typing import Any, TypeVar

from numpy.typing import NDArray

from minigrad.engine.tensor import Leaf
from minigrad.optim import Optimizer

Gradients = dict[Leaf, NDArray[Any]]
"""What `minigrad.engine.collect` fills: gradients by the leaf that they belong to."""

A = TypeVar("A")
T = TypeVar("T")


class Shards:
    """The division of the batches of a training, and the threads that work on it.

    NumPy lets go of the interpreter's lock in its loops and in BLAS, so that threads share all passes over memory. BLAS
    is to have one thread then: those of its own would spin between the products of others.

    Args:
        count: parts of a batch.
        threads: how many of them are computed at a time; left out, as many as there are cores for them.

    Raises: ValueError if a number is not positive.
    """

    def __init__(self, count: int = 1, threads: int | None = None) -> None:
        if count < 1 or (threads is not None and threads < 1):
            raise ValueError(f"shards and threads are at least 1, got {count} and {threads}")
        self.count = count
        self.threads = min(count, available_cores() if threads is None else threads)
        self._pool = ThreadPoolExecutor(self.threads, "minigrad shard") if self.threads > 1 else None

    def split(self, n: int) -> list[slice]:
        """Returns for each shard which of n examples are its own; the first shards have one more if need be."""
        each, more = divmod(n, self.count)
        starts = [shard * each + min(shard, more) for shard in range(self.count + 1)]
        return [slice(*ends) for ends in pairwise(starts)]

    def gradients(self, work: Callable[[int, Gradients], T]) -> list[T]:
        """Computes the gradients of all shards, and gives their sum to the `.grad` of the leaves.

        The sum is taken pair by pair, neighbours first, whichever shard is ready first.

        Args:
            work: is called with the number of each shard, from 0, and a dict, to which it is to add the shard's part of
                the gradients by `minigrad.engine.collect`. It runs in a context of its own, and shares with the other
                shards nothing but leaves.

        Returns what `work` returned for each shard. Raises: what `work` raises, of the first shard that did.
        """
        collected: list[Gradients] = [{} for _ in range(self.count)]
        results = self._map(work, range(self.count), collected)
        for leaf, gradient in _ordered_sum(collected).items():
            leaf.grad = gradient
        return results

    def update(self, optimizer: Optimizer) -> None:
        """Does what `optimizer.step()` does, with the same bits, on all threads."""
        if self._pool is None:
            optimizer.step()
        else:
            self._map(lambda update: update(), optimizer.lanes())

    def _map(self, function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
        """The results of calls, on as many threads as there are; each sees the context as it is now."""
        if self._pool is None:
            return [function(*args) for args in zip(*arguments, strict=True)]
        calls = [self._pool.submit(copy_context().run, function, *args) for args in zip(*arguments, strict=True)]
        return [call.result() for call in calls]


def available_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ordered_sum(parts: list[Gradients]) -> Gradients:
    """The sum over shards, in the arrays of the first: of pairs of neighbours, then of pairs of those, and so on."""
    while len(parts) > 1:
        for left, right in zip(parts[::2], parts[1::2], strict=False):
            for leaf, gradient in right.items():
                if leaf in left:
                    left[leaf] += gradient
                else:
                    left[leaf] = gradient
        parts = parts[::2]
    return parts[0]
