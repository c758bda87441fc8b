"""Ranks: processes that train one model together.

Each rank computes some shards of every batch. The sum of their gradients is bitwise the same as in one process.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TypeVar
from zlib import crc32

import numpy as np

from minigrad.engine import Tensor
from minigrad.parallel.shards import Shards

T = TypeVar("T")


class LaunchError(ValueError):
    """A launch of ranks that cannot work, and why.

    Attributes:
        rank: the process's rank according to its launcher; only rank 0 prints the message.
    """

    def __init__(self, message: str, rank: int = 0) -> None:
        super().__init__(message)
        self.rank = rank


class RankError(RuntimeError):
    """Ranks whose states have diverged."""


class Ranks:
    """The ranks of a training: here, one process.

    It is a context manager, within which they work together.

    Attributes:
        rank: this rank, from 0. Only rank 0 writes.
        size: number of ranks.
    """

    rank = 0
    size = 1

    def __enter__(self) -> Ranks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def shards(self, count: int, threads: int | None, parameters: Sequence[Tensor], ordered: bool = True) -> Shards:
        """Return this rank's shards of the training.

        Args:
            count: number of shards of a batch.
            threads: number of shards computed at the same time on this rank; default: its number of cores.
            parameters: the parameters whose gradients are summed.
            ordered: whether the sum has the same bits for every number of ranks.

        Raises:
            LaunchError: if there are more ranks than shards.
        """
        return Shards(count, threads)

    def allgather(self, value: T) -> list[T]:
        """Return the values of all ranks, in rank order."""
        return [value]

    def gather(self, value: T) -> list[T]:
        """Return all ranks' values on rank 0; nothing elsewhere."""
        return [value]

    def broadcast(self, value: T) -> T:
        """Return the value of rank 0."""
        return value

    def copy(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Copy rank 0's values into the arrays of all ranks.

        Names and shapes are the same on all ranks.
        """

    def name(self, rank: int) -> str:
        """Return a rank's name for messages; "" if alone."""
        return ""

    def fail(self, message: str, exit_code: int) -> int:
        """Report this rank's failure and return the exit code.

        Other ranks that could continue are ended.
        """
        print(message, file=sys.stderr)
        return exit_code

    def agree(self, facts: Mapping[str, str]) -> None:
        """Check that facts are equal on all ranks.

        Args:
            facts: texts by name, with the same names on all ranks.

        Raises:
            LaunchError: on all ranks; names a rank and what differs.
        """
        for rank, other in enumerate(self.allgather(facts)):
            for what, first in self.broadcast(facts).items():
                if other[what] != first:
                    here, there = _difference(other[what], first)
                    raise LaunchError(f"{self.name(rank)} has another {what} than {self.name(0)}: {here}, not {there}")

    def verify(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Check that arrays are equal on all ranks, by CRC-32.

        Raises:
            RankError: on all ranks; names a rank and the first array that differs from rank 0's.
        """
        if self.size == 1:
            return
        sums = {name: crc32(np.ascontiguousarray(array).data) for name, array in arrays.items()}
        everyone = self.allgather(sums)
        for rank, other in enumerate(everyone):
            for name, number in everyone[0].items():
                if other[name] != number:
                    reason = "its memory or arithmetic is faulty, or its code draws its own random numbers"
                    raise RankError(f"{self.name(rank)} no longer has the {name!r} of {self.name(0)}: {reason}")


def _difference(here: str, there: str) -> tuple[str, str]:
    """Return the first lines that differ between two texts."""
    for one, other in zip(here.splitlines(), there.splitlines(), strict=False):
        if one != other:
            return one.strip(), other.strip()
    return f"{len(here)} characters", f"{len(there)}"
