"""All-reduce of gradients over ranks, overlapped with the backward pass.

Gradients are sent in flat chunks while the rest of the backward pass runs. A rank first adds up its own shards, as far
as the fixed order of the sum allows, and sends every other rank its slice of each such partial sum. When a rank has all
partial sums of its slice, it adds them in shard order and sends the result to all. The traffic is that of a
bandwidth-optimal all-reduce (Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
workstations", 2009); the rounding is that of one process.
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
from minigrad.engine.graph import Leaf
from minigrad.parallel.shards import Gradients, Shards, T, blocks, ordered_sum, split

Array = NDArray[Any]

CHUNK = 2**20
"""Size of a chunk in bytes: large enough for one message, small enough to be sent early."""

SLICE = 2**16
"""The minimum bytes of a chunk per rank: with many ranks, chunks are larger and messages fewer."""


class Chunk:
    """Neighboring parameters of one dtype, reduced together.

    Attributes:
        leaves: the parameters' leaves, each with its slice of the flat array and its shape.
        size: total number of elements.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        ends = list(accumulate((p.size for p in parameters), initial=0))
        self.dtype = parameters[0].dtype
        self.size = ends[-1]
        self.leaves = [
            (p.node, slice(start, start + p.size), p.shape)
            for p, start in zip(parameters, ends, strict=False)
            if isinstance(p.node, Leaf)  # parameters that have gradients
        ]

    def filled(self, gradient: Callable[[Leaf], Array | None]) -> Array:
        """Return the gradients as one flat array.

        A missing gradient is -0.0, which leaves any number unchanged when added.
        """
        flat = np.empty(self.size, self.dtype)
        for leaf, place, _ in self.leaves:
            value = gradient(leaf)
            flat[place] = -0.0 if value is None else np.asarray(value).reshape(-1)
        return flat


class RankShards(Shards):
    """Shards split over ranks.

    Args:
        count: number of shards of a batch, at least the number of ranks.
        threads: number of shards computed at the same time on this rank.
        comm: the ranks, which take the shards in order.
        parameters: the parameters whose gradients are summed.
        ordered: whether to sum in shard order, or in any order.
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
        """Compute gradients, summed over the shards of all ranks.

        See `Shards.gradients`.
        """
        collected = {shard: Gradients() for shard in self.own}
        total = self.sum(self, collected)
        for gradients in collected.values():
            gradients.ready = total.ready
        results = self._map(work, self.own, collected.values())
        total.finish()
        return results

    def chunks(self) -> list[Chunk]:
        """Return the parameters in chunks, last first.

        Gradients arrive in this order.
        """
        parts: list[list[Tensor]] = []
        limit = max(CHUNK, SLICE * self.comm.size)
        size = limit
        for p in reversed(self.parameters):
            if p.requires_grad:
                if size >= limit or p.dtype != parts[-1][-1].dtype:
                    parts.append([])
                    size = 0
                parts[-1].append(p)
                size += p.data.nbytes
        return [Chunk(part) for part in parts]


class Sum(ABC):
    """The sum of one step's gradients over ranks.

    Args:
        shards: the shards of this rank.
        collected: the gradients of each shard, filled during the backward pass.
    """

    def __init__(self, shards: RankShards, collected: Mapping[int, Gradients]) -> None:
        self.comm = shards.comm
        self.shards = shards
        self.collected = collected
        self.chunks = shards.chunks()
        self._chunk_of = {leaf: b for b, chunk in enumerate(self.chunks) for leaf, _, _ in chunk.leaves}
        self._missing = [len(chunk.leaves) * len(shards.own) for chunk in self.chunks]
        self._lock = Lock()

    @abstractmethod
    def send(self, b: int) -> None:
        """Send the completed gradients of chunk b."""

    @abstractmethod
    def sums(self) -> list[Array]:
        """Return the sum of each chunk, flat."""

    def ready(self, leaf: Leaf) -> None:
        """Note a shard's completed gradient of a leaf.

        When all gradients of a chunk are complete, the chunk is sent.
        """
        b = self._chunk_of.get(leaf)
        if b is not None:
            with self._lock:
                self._missing[b] -= 1
                complete = not self._missing[b]
            if complete:
                self.send(b)

    def finish(self) -> None:
        """Wait for the sums and write the leaves' `.grad`.

        Leaves without a gradient in any shard keep None.
        """
        for b, missing in enumerate(self._missing):
            if missing:
                self.send(b)
        used = np.array([any(leaf in g for g in self.collected.values()) for leaf in self._chunk_of])
        self.comm.Allreduce(MPI.IN_PLACE, used, MPI.LOR)
        places = [
            (leaf, flat[place].reshape(shape))
            for chunk, flat in zip(self.chunks, self.sums(), strict=True)
            for leaf, place, shape in chunk.leaves
        ]
        for is_used, (leaf, gradient) in zip(used, places, strict=True):
            if is_used:
                leaf.grad = gradient

    def of_block(self, b: int, block: range) -> Array:
        """Return the flat sum over a block of own shards."""

        def gradient(leaf: Leaf) -> Array | None:
            parts = {range(shard, shard + 1): self.collected[shard].get(leaf) for shard in block}
            return ordered_sum(block, parts, _add)

        return self.chunks[b].filled(gradient)


class OrderedSum(Sum):
    """A sum in shard order, with reproducible bits.

    Each rank adds up its slice of every chunk.
    """

    def __init__(self, shards: RankShards, collected: Mapping[int, Gradients]) -> None:
        super().__init__(shards, collected)
        self.stride = max(map(len, shards.blocks)) + 1
        self.slices = [split(chunk.size, self.comm.size) for chunk in self.chunks]
        self.parts: list[dict[range, Array]] = [{} for _ in self.chunks]
        self.arriving: list[list[MPI.Request]] = [[] for _ in self.chunks]
        self.leaving: list[MPI.Request] = []
        for b, (chunk, slices) in enumerate(zip(self.chunks, self.slices, strict=True)):
            mine = slices[self.comm.rank]
            for rank in self._others():
                for i, block in enumerate(shards.blocks[rank]):
                    part = self.parts[b][block] = np.empty(mine.stop - mine.start, chunk.dtype)
                    self.arriving[b].append(self.comm.Irecv(_raw(part), rank, b * self.stride + i))

    def send(self, b: int) -> None:
        """Send as `Sum.send`: each rank gets its slices."""
        for i, block in enumerate(self.shards.blocks[self.comm.rank]):
            flat = self.of_block(b, block)
            self.parts[b][block] = flat[self.slices[b][self.comm.rank]].copy()  # arrays being sent must not change
            for rank in self._others():
                part = flat[self.slices[b][rank]]
                self.leaving.append(self.comm.Isend(_raw(part), rank, b * self.stride + i))

    def sums(self) -> list[Array]:
        """As `Sum.sums`."""
        sums = []
        for b, (chunk, slices) in enumerate(zip(self.chunks, self.slices, strict=True)):
            MPI.Request.Waitall(self.arriving[b])
            flat = np.empty(chunk.size, chunk.dtype)
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
    """A sum by MPI's all-reduce, in any order.

    The bits depend on the number of ranks; there are fewer messages than in an ordered sum.
    """

    def __init__(self, shards: RankShards, collected: Mapping[int, Gradients]) -> None:
        super().__init__(shards, collected)
        self.flats: dict[int, Array] = {}

    def send(self, b: int) -> None:
        """Sum chunk b over this rank's shards.

        The all-reduce is in `sums`, where all ranks start with the same chunk.
        """
        parts = [self.of_block(b, block) for block in self.shards.blocks[self.comm.rank]]
        self.flats[b] = reduce(_add_in_place, parts)

    def sums(self) -> list[Array]:
        """As `Sum.sums`."""
        flats = [self.flats[b] for b in range(len(self.chunks))]
        MPI.Request.Waitall([self.comm.Iallreduce(MPI.IN_PLACE, flat) for flat in flats])
        return flats


def _raw(array: Array) -> tuple[Array, int, MPI.Datatype]:
    """Return a flat array as bytes for MPI."""
    return array, array.nbytes, MPI.BYTE


def _add(left: Array | None, right: Array | None) -> Array | None:
    """Return the sum of the arguments that are not None, as a new array."""
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _add_in_place(left: Array, right: Array) -> Array:
    left += right
    return left
