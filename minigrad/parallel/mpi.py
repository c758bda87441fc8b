"""Ranks over MPI, through mpi4py."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

import numpy as np
from mpi4py import MPI

from minigrad.engine import Tensor
from minigrad.parallel.ranks import LaunchError, Ranks, T
from minigrad.parallel.reduction import RankShards
from minigrad.parallel.shards import Shards, own_cores
from minigrad.parallel.supervisor import abort
from minigrad.parallel.watch import Watch

PATIENCE = 3.0
"""Seconds to wait for other ranks to fail for the same reason, so that one message serves all."""


class MPIRanks(Ranks):
    """The ranks of an MPI job.

    Within the context, only rank 0 prints, and the ranks monitor each other.

    Args:
        size: number of ranks, according to the launcher.
        rank: this rank, according to the launcher.

    Raises:
        LaunchError: if MPI reports another number, or does not support multiple threads.
    """

    def __init__(self, size: int, rank: int) -> None:
        self.comm = MPI.COMM_WORLD.Dup()
        self.rank, self.size = self.comm.rank, self.comm.size
        if self.size != size:
            library = MPI.Get_library_version().split("\n")[0].split(",")[0].strip("\0 ")
            reason = f"{size} ranks were started, but mpi4py's MPI ({library}) finds {self.size}"
            raise LaunchError(f"{reason}: use its own mpiexec", rank)
        if MPI.Query_thread() < MPI.THREAD_MULTIPLE:
            raise LaunchError("this MPI does not support multiple threads (MPI_THREAD_MULTIPLE)", self.rank)
        self._failures = self.comm.Dup()
        self._hosts = self.comm.allgather(MPI.Get_processor_name())
        self._watch = Watch(self.comm.Dup(), [self.name(rank) for rank in range(self.size)])
        self._stderr = os.dup(2)

    def __enter__(self) -> Ranks:
        if self.rank:
            sys.stdout.flush()
            sys.stderr.flush()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout.flush()
        if error is not None and not self._all_fail():
            self._end(f"error: {error!r}", 1)
        self.comm.Barrier()
        self._watch.stop()

    def shards(self, count: int, threads: int | None, parameters: Sequence[Tensor], ordered: bool = True) -> Shards:
        """As `Ranks.shards`."""
        if self.size > count:
            message = f"{self.size} ranks share {count} shards of a batch, but each needs one"
            raise LaunchError(f"{message}: start at most {count}, or raise trainer.shards", self.rank)
        return RankShards(count, threads or self._cores(), self.comm, parameters, ordered)

    def allgather(self, value: T) -> list[T]:
        """As `Ranks.allgather`."""
        return self.comm.allgather(value)

    def gather(self, value: T) -> list[T]:
        """As `Ranks.gather`."""
        return self.comm.gather(value) or []

    def broadcast(self, value: T) -> T:
        """As `Ranks.broadcast`."""
        return self.comm.bcast(value)

    def copy(self, arrays: Mapping[str, np.ndarray]) -> None:
        """As `Ranks.copy`."""
        for array in arrays.values():
            plain = np.ascontiguousarray(array)
            self.comm.Bcast([plain, plain.nbytes, MPI.BYTE])
            if self.rank:
                array[...] = plain

    def name(self, rank: int) -> str:
        """As `Ranks.name`."""
        return f"rank {rank} (host {self._hosts[rank]})"

    def fail(self, message: str, exit_code: int) -> int:
        """As `Ranks.fail`."""
        if not self._all_fail():
            self._end(message, exit_code)
        if self.rank == 0:
            os.write(self._stderr, f"{message}\n".encode())
        return exit_code

    def _all_fail(self) -> bool:
        """Whether all ranks fail, so that all can end normally."""
        others = self._failures.Ibarrier()
        patience = time.monotonic() + PATIENCE
        while not others.Test():
            if time.monotonic() > patience:
                return False
            time.sleep(0.01)
        return True

    def _end(self, message: str, exit_code: int) -> None:
        """End all ranks with a message from this one."""
        os.write(self._stderr, f"{self.name(self.rank)}: {message}\n".encode())
        abort(exit_code)
        self.comm.Abort(exit_code)

    def _cores(self) -> int:
        """Return this rank's share of its host's cores."""
        everyone = self.comm.allgather(own_cores())
        here = [cores for cores, host in zip(everyone, self._hosts, strict=True) if host == self._hosts[self.rank]]
        return max(1, len(set().union(*here)) // len(here))
