"""The sum of gradients over ranks: in flat buckets, which travel while the rest is still being computed.

A rank adds up what the order of the sum has together within its own shards, and sends of each such block to every
other rank the slice that is for it to sum. When all blocks of its slice are there it adds them in the order of the
shards, and sends the result to all. Numbers travel as often as in the best of unordered sums (Patarasuk and Yuan,
"Bandwidth optimal all-reduce algorithms for clusters of workstations", 2009), and are rounded as in one process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import accumulate
from threading import Lock
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from minigrad.engine import Tensor
from minigrad.engine.tensor import Leaf
from minigrad.parallel.shards import Gradients, Shards, T, blocks, ordered_sum, split

Array = NDArray[Any]

BUCKET = 2**20
"""Bytes from which on a bucket is sent: enough to be worth a message, few enough to be on their way early."""

SLICE = 2**16
"""Bytes that each rank is to get of a bucket: with many ranks, buckets are larger, and messages fewer."""


class Bucket:
    """Neighbouring parameters of one dtype, whose gradients travel together.

    Attributes:
        leaves: where they are collected, each with its place in the flat array and its shape.
        size: elements of all together.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        ends = list(accumulate((p.size for p in parameters), initial=0))
        self.dtype = parameters[0].dtype
        self.size = ends[-1]
        self.leaves = [
            (p.node, slice(start, start + p.size), p.shape)
            for p, start in zip(parameters, ends, strict=False)
            if isinstance(p.node, Leaf)  # as all parameters that are to have gradients
        ]

    def filled(self, gradient: Callable[[Leaf], Array | None]) -> Array:
        """Returns gradients in one flat array: where there is none, -0.0, which changes no number it is added to."""
        flat = np.empty(self.size, self.dtype)
        for leaf, place, _ in self.leaves:
            value = gradient(leaf)
            flat[place] = -0.0 if value is None else value.reshape(-1)
        return flat


class RankShards(Shards):
    """Shards of which each rank computes its own.

    Args:
        count: parts of a batch, not fewer than ranks.
        threads: how many of them are computed at a time on this rank.
        comm: the ranks, which share the shards in their order.
        parameters: whose gradients are summed.
        ordered: whether they are summed in the order of the shards, or as MPI likes.
    """

    def __init__(
        self, count: int, threads: int, comm: MPI.Intracomm, parameters: Sequence[Tensor], ordered: bool = True
    ) -> None:
        everyone = [range(count)[part] for part in split(count, comm.size)]
        super().__init__(count, threads, everyone[comm.rank])
        self.comm = comm
        self.parameters = parameters
        self.blocks = [blocks(range(count), own) for own in everyone]
        self.sum = OrderedSum if ordered else FastSum

    def gradients(self, work: Callable[[int, Gradients], T]) -> list[T]:
        """As `Shards.gradients`: the sum is that over the shards of all ranks."""
        collected = {shard: Gradients() for shard in self.own}
        total = self.sum(self, collected)
        for gradients in collected.values():
            gradients.ready = total.ready
        results = self._map(work, self.own, collected.values())
        total.finish()
        return results

    def buckets(self) -> list[Bucket]:
        """Returns the parameters that are to have gradients in buckets, the last first, as gradients come."""
        parts: list[list[Tensor]] = []
        limit = max(BUCKET, SLICE * self.comm.size)
        size = limit
        for p in reversed(self.parameters):
            if p.requires_grad:
                if size >= limit or p.dtype != parts[-1][-1].dtype:
                    parts.append([])
                    size = 0
                parts[-1].append(p)
                size += p.data.nbytes
        return [Bucket(part) for part in parts]


class Sum(ABC):
    """The gradients of one step on their way to their sum over all ranks.

    Args:
        shards: those of this rank.
        collected: the gradients of each, which come while they are computed.
    """

    def __init__(self, shards: RankShards, collected: Mapping[int, Gradients]) -> None:
        self.comm = shards.comm
        self.shards = shards
        self.collected = collected
        self.buckets = shards.buckets()
        self._bucket_of = {leaf: b for b, bucket in enumerate(self.buckets) for leaf, _, _ in bucket.leaves}
        self._missing = [len(bucket.leaves) * len(shards.own) for bucket in self.buckets]
        self._lock = Lock()

    @abstractmethod
    def send(self, b: int) -> None:
        """Takes the gradients of bucket b, which this rank has completely."""

    @abstractmethod
    def sums(self) -> list[Array]:
        """Returns the sum of each bucket, flat."""

    def ready(self, leaf: Leaf) -> None:
        """Takes notice that a shard has its whole gradient of a leaf; the last of a bucket sends it off."""
        b = self._bucket_of.get(leaf)
        if b is not None:
            with self._lock:
                self._missing[b] -= 1
                complete = not self._missing[b]
            if complete:
                self.send(b)

    def finish(self) -> None:
        """Waits for the sums, and gives them to the `.grad` of those leaves for which any shard has a gradient."""
        for b, missing in enumerate(self._missing):
            if missing:
                self.send(b)
        used = np.array([any(leaf in g for g in self.collected.values()) for leaf in self._bucket_of])
        self.comm.Allreduce(MPI.IN_PLACE, used, MPI.LOR)
        places = [
            (leaf, flat[place].reshape(shape))
            for bucket, flat in zip(self.buckets, self.sums(), strict=True)
            for leaf, place, shape in bucket.leaves
        ]
        for is_used, (leaf, gradient) in zip(used, places, strict=True):
            if is_used:
                leaf.grad = gradient

    def of_block(self, b: int, block: range) -> Array:
        """Returns the sum over a block of own shards, flat."""

        def gradient(leaf: Leaf) -> Array | None:
            parts = {range(shard, shard + 1): self.collected[shard].get(leaf) for shard in block}
            return ordered_sum(block, parts, _add)

        return self.buckets[b].filled(gradient)


class OrderedSum(Sum):
    """A sum in the order of the shards: each rank adds up a slice of every bucket."""

    def __init__(self, shards: RankShards, collected: Mapping[int, Gradients]) -> None:
        super().__init__(shards, collected)
        self.stride = max(map(len, shards.blocks)) + 1
        self.slices = [split(bucket.size, self.comm.size) for bucket in self.buckets]
        self.parts: list[dict[range, Array]] = [{} for _ in self.buckets]
        self.arriving: list[list[MPI.Request]] = [[] for _ in self.buckets]
        self.leaving: list[MPI.Request] = []
        for b, (bucket, slices) in enumerate(zip(self.buckets, self.slices, strict=True)):
            mine = slices[self.comm.rank]
            for rank in self._others():
                for i, block in enumerate(shards.blocks[rank]):
                    part = self.parts[b][block] = np.empty(mine.stop - mine.start, bucket.dtype)
                    self.arriving[b].append(self.comm.Irecv(_raw(part), rank, b * self.stride + i))

    def send(self, b: int) -> None:
        """As `Sum.send`: each rank gets its slice of every block."""
        for i, block in enumerate(self.shards.blocks[self.comm.rank]):
            flat = self.of_block(b, block)
            self.parts[b][block] = flat[self.slices[b][self.comm.rank]].copy()  # what is sent must stay as it is
            for rank in self._others():
                part = flat[self.slices[b][rank]]
                self.leaving.append(self.comm.Isend(_raw(part), rank, b * self.stride + i))

    def sums(self) -> list[Array]:
        """As `Sum.sums`."""
        sums = []
        for b, (bucket, slices) in enumerate(zip(self.buckets, self.slices, strict=True)):
            MPI.Request.Waitall(self.arriving[b])
            flat = np.empty(bucket.size, bucket.dtype)
            mine = flat[slices[self.comm.rank]]
            mine[...] = ordered_sum(range(self.shards.count), self.parts[b], _add_in_place)
            tag = (b + 1) * self.stride - 1
            for rank in self._others():
                self.leaving.append(self.comm.Irecv(_raw(flat[slices[rank]]), rank, tag))
                self.leaving.append(self.comm.Isend(_raw(mine), rank, tag))
            sums.append(flat)
        MPI.Request.Waitall(self.leaving)
        return sums

    def _others(self) -> list[int]:
        return [rank for rank in range(self.comm.size) if rank != self.comm.rank]


class FastSum(Sum):
    """A sum in whatever order MPI adds: other bits on another number of ranks, fewer messages where they are many."""

    def __init__(self, shards: RankShards, collected: Mapping[int, Gradients]) -> None:
        super().__init__(shards, collected)
        self.flats: dict[int, Array] = {}

    def send(self, b: int) -> None:
        """As `Sum.send`: it waits, as all ranks are to begin with the same bucket."""
        parts = [self.of_block(b, block) for block in self.shards.blocks[self.comm.rank]]
        self.flats[b] = reduce(_add_in_place, parts)

    def sums(self) -> list[Array]:
        """As `Sum.sums`."""
        flats = [self.flats[b] for b in range(len(self.buckets))]
        MPI.Request.Waitall([self.comm.Iallreduce(MPI.IN_PLACE, flat) for flat in flats])
        return flats


def _raw(array: Array) -> tuple[Array, int, MPI.Datatype]:
    """A flat array as MPI is to move it, whatever it holds."""
    return array, array.nbytes, MPI.BYTE


def _add(left: Array | None, right: Array | None) -> Array | None:
    """The sum in a new array, of those that are there."""
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _add_in_place(left: Array, right: Array) -> Array:
    left += right
    return left
