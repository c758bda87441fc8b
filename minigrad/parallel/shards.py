"""A step of training in shards: parts of the batch whose gradients are computed apart, and summed in one order.

The number of shards decides how numbers are rounded, so it belongs to the config. Threads, and ranks, only execute
them: the same shards give the same bits on one thread and on four, in one process and in many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from numpy.typing import NDArray

from minigrad.engine.tensor import Leaf
from minigrad.optim import Optimizer

A = TypeVar("A")
T = TypeVar("T")


class Gradients(dict[Leaf, NDArray[Any]]):
    """What `minigrad.engine.collect` fills: gradients by the leaf that they belong to.

    Attributes:
        ready: what `collect` is to call in the last walk that adds to them, if anybody waits for single gradients.
    """

    ready: Callable[[Leaf], object] | None = None


class Shards:
    """The division of the batches of a training, and the threads that work on it.

    NumPy lets go of the interpreter's lock in its loops and in BLAS, so that threads share all passes over memory. BLAS
    is to have one thread then: those of its own would spin between the products of others.

    Args:
        count: parts of a batch.
        threads: how many of them are computed at a time; left out, as many as there are cores for them.
        own: which of them this process computes; left out, all.

    Raises: ValueError if a number is not positive.
    """

    def __init__(self, count: int = 1, threads: int | None = None, own: range | None = None) -> None:
        if count < 1 or (threads is not None and threads < 1):
            raise ValueError(f"shards and threads are at least 1, got {count} and {threads}")
        self.count = count
        self.own = range(count) if own is None else own
        self.threads = min(len(self.own), available_cores() if threads is None else threads)
        self._pool = ThreadPoolExecutor(self.threads - 1, "minigrad shard") if self.threads > 1 else None

    def split(self, n: int) -> list[slice]:
        """Returns for each shard which of n examples are its own; the first shards have one more if need be."""
        return split(n, self.count)

    def gradients(self, work: Callable[[int, Gradients], T]) -> list[T]:
        """Computes the gradients of all shards, and gives their sum to the `.grad` of the leaves.

        The sum is taken pair by pair, neighbours first, whichever shard is ready first.

        Args:
            work: is called with the number of each own shard, from 0, and a dict, to which it is to add the shard's
                part of the gradients by `minigrad.engine.collect`. It runs in a context of its own, and shares with
                the other shards nothing but leaves.

        Returns what `work` returned for each own shard. Raises: what `work` raises, of the first shard that did.
        """
        collected = [Gradients() for _ in self.own]
        results = self._map(work, self.own, collected)
        total = collected[0]
        if self.count > 1:
            total = ordered_sum(self.own, {range(i, i + 1): part for i, part in enumerate(collected)}, _add)
        for leaf, gradient in total.items():
            leaf.grad = gradient
        return results

    def update(self, optimizer: Optimizer) -> None:
        """Does what `optimizer.step()` does, with the same bits, on all threads."""
        if self._pool is None:
            optimizer.step()
        else:
            self._map(lambda update: update(), optimizer.lanes())

    def _map(self, function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
        """The results of calls, on as many threads as there are; each sees the context as it is now.

        This thread takes the first call, and then those from the end that no other has begun.
        """
        if self._pool is None:
            return list(map(function, *arguments))
        calls = [partial(copy_context().run, function, *args) for args in zip(*arguments, strict=True)]
        futures = [self._pool.submit(call) for call in calls[1:]]
        futures.insert(0, _finished(calls[0]))
        for i in reversed(range(1, len(calls))):
            if futures[i].cancel():
                futures[i] = _finished(calls[i])
        wait(futures)  # all of them, before an error of one gets out
        return [future.result() for future in futures]


def _finished(call: Callable[[], T]) -> Future[T]:
    """A call that was carried out here, as if by another thread."""
    future: Future[T] = Future()
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
    return future


def own_cores() -> set[int]:
    """Returns the numbers of the cores that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def available_cores() -> int:
    """Returns how many cores this process may use."""
    return len(own_cores())


def split(n: int, count: int) -> list[slice]:
    """Returns n things in `count` parts, neighbours together; the first have one more if need be."""
    if count == 1:  # as in every step of a small network
        return [slice(0, n)]
    each, more = divmod(n, count)
    starts = [part * each + min(part, more) for part in range(count + 1)]
    return [slice(*ends) for ends in pairwise(starts)]


def ordered_sum(shards: range, parts: Mapping[range, A], add: Callable[[A, A], A]) -> A:
    """Returns the sum over `shards`: of pairs of neighbours, then of pairs of those, and so on.

    `parts` has the sums over shards, or groups of them that stand together in that order (see `blocks`).
    """
    if shards in parts:
        return parts[shards]
    left, right = _halves(shards)
    return add(ordered_sum(left, parts, add), ordered_sum(right, parts, add))


def blocks(shards: range, own: range) -> list[range]:
    """Returns the largest groups in the ordered sum over `shards` that lie within `own`, and together are all of it."""
    if shards.start >= own.stop or shards.stop <= own.start:
        return []
    if shards.start >= own.start and shards.stop <= own.stop:
        return [shards]
    return [block for half in _halves(shards) for block in blocks(half, own)]


def _halves(shards: range) -> tuple[range, range]:
    """The two groups whose sums are added last: the first has the largest power of two of them that is not all."""
    half = 1 << ((len(shards) - 1).bit_length() - 1)
    return shards[:half], shards[half:]


def _add(left: Gradients, right: Gradients) -> Gradients:
    """The sum of two, in the arrays of the first."""
    for leaf, gradient in right.items():
        if leaf in left:
            left[leaf] += gradient
        else:
            left[leaf] = gradient
    return left
