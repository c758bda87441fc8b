"""Sharded training steps on threads.

A shard is a part of the batch whose gradients are computed separately and summed in a fixed order. The number of shards
affects rounding, so it belongs to the config. Threads and ranks only execute shards: the bits are the same on one
thread and on four, in one process and in many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar
from warnings import warn

from numpy.typing import NDArray

from minigrad.cores import alone, has_threads
from minigrad.engine.graph import Leaf
from minigrad.optim import Optimizer

A = TypeVar("A")
T = TypeVar("T")


class Gradients(dict[Leaf, NDArray[Any]]):
    """Gradients by leaf, as `minigrad.engine.collect` fills them.

    Attributes:
        ready: called by `collect` for each leaf whose gradient is complete, if set.
    """

    ready: Callable[[Leaf], object] | None = None


class Shards:
    """The shards of a batch, computed on threads.

    NumPy releases the GIL in its loops and in BLAS, so threads parallelize all operations. BLAS should then have one
    thread: its own threads would spin between matrix products and take the cores of the others.

    Args:
        count: number of shards of a batch.
        threads: number of shards computed at the same time; default: the number of available cores.
        own: the shards that this process computes; default: all.

    Raises:
        ValueError: if a number is not positive.
    """

    def __init__(self, count: int = 1, threads: int | None = None, own: range | None = None) -> None:
        if count < 1 or (threads is not None and threads < 1):
            raise ValueError(f"shards and threads are at least 1, got {count} and {threads}")
        self.count = count
        self.own = range(count) if own is None else own
        self.threads = min(len(self.own), available_cores() if threads is None else threads)
        if self.threads > 1 and not has_threads():
            self.threads = 1
            if threads is not None:
                warn("this platform has no threads: shards are computed in sequence", stacklevel=2)
        self._pool = ThreadPoolExecutor(self.threads - 1, "minigrad shard") if self.threads > 1 else None

    def split(self, n: int) -> list[slice]:
        """Return each shard's slice of n examples.

        Sizes differ by at most one; the first shards are the larger ones.
        """
        return split(n, self.count)

    def gradients(self, work: Callable[[int, Gradients], T]) -> list[T]:
        """Compute all shards' gradients; write the sum to `.grad`.

        The sum is pairwise in a fixed order, whichever shard is ready first.

        Args:
            work: called with the number of each own shard, from 0, and a dict, to which it adds the shard's gradients
                by `minigrad.engine.collect`. It runs in its own context, and shares only leaves with other shards.

        Returns:
            What `work` returned for each own shard.

        Raises:
            Exception: what `work` raises; of several, that of the first shard.
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
        """Run `optimizer.step()` on all threads, with the same bits."""
        if self._pool is None:
            optimizer.step()
        else:
            self._map(lambda update: update(), optimizer.lanes())

    def _map(self, function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
        """Return the results of calls made on threads, each in a copy of the current context.

        This thread makes the first call, then takes unstarted ones from the end.
        """
        if self._pool is None:
            return list(map(function, *arguments))
        calls = [partial(copy_context().run, function, *args) for args in zip(*arguments, strict=True)]
        with alone():
            futures = [self._pool.submit(call) for call in calls[1:]]
            futures.insert(0, _finished(calls[0]))
            for i in reversed(range(1, len(calls))):
                if futures[i].cancel():
                    futures[i] = _finished(calls[i])
            wait(futures)  # for all of them, before raising the error of one
        return [future.result() for future in futures]


def _finished(call: Callable[[], T]) -> Future[T]:
    """Return a finished future of a call made here."""
    future: Future[T] = Future()
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
    return future


def own_cores() -> set[int]:
    """Return the core numbers that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(own_cores())


def split(n: int, count: int) -> list[slice]:
    """Split n items into `count` consecutive parts.

    Sizes differ by at most one; the first parts are the larger ones.
    """
    if count == 1:  # the case of every step of a small network
        return [slice(0, n)]
    each, more = divmod(n, count)
    starts = [part * each + min(part, more) for part in range(count + 1)]
    return [slice(*ends) for ends in pairwise(starts)]


def ordered_sum(shards: range, parts: Mapping[range, A], add: Callable[[A, A], A]) -> A:
    """Sum over `shards` pairwise, in a fixed order.

    Neighbors are added, then pairs of neighbors, and so on (pairwise summation).

    Args:
        shards: the shards to sum over.
        parts: sums over shards, or over groups of them that occur in this order (see `blocks`).
        add: adds two sums.
    """
    if shards in parts:
        return parts[shards]
    left, right = _halves(shards)
    return add(ordered_sum(left, parts, add), ordered_sum(right, parts, add))


def blocks(shards: range, own: range) -> list[range]:
    """Return the largest partial sums within `own`.

    They are groups of the ordered sum over `shards`, and together they cover `own`.
    """
    if shards.start >= own.stop or shards.stop <= own.start:
        return []
    if shards.start >= own.start and shards.stop <= own.stop:
        return [shards]
    return [block for half in _halves(shards) for block in blocks(half, own)]


def _halves(shards: range) -> tuple[range, range]:
    """Return the two groups that are added last.

    The first has the largest power of two that is less than the total.
    """
    half = 1 << ((len(shards) - 1).bit_length() - 1)
    return shards[:half], shards[half:]


def _add(left: Gradients, right: Gradients) -> Gradients:
    """Add the second to the first, in place."""
    for leaf, gradient in right.items():
        if leaf in left:
            left[leaf] += gradient
        else:
            left[leaf] = gradient
    return left
