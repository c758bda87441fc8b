"""How ranks notice that one of them is no longer there, while all others would wait for it for ever."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minigrad.parallel.supervisor import abort

if TYPE_CHECKING:
    from mpi4py import MPI

BEAT = 0.5
"""Seconds between two signs of life."""

SILENCE = 7.0
"""Seconds without one, after which a rank counts as gone. A step may take longer: it does not silence its process."""


class Watch:
    """A thread that sends a sign of life to the next rank, and ends the run when none comes from the rank before.

    Args:
        comm: of nobody else.
        names: of all ranks, for people.
    """

    def __init__(self, comm: MPI.Intracomm, names: Sequence[str]) -> None:
        self.comm = comm
        self.before, self.next = (comm.rank - 1) % comm.size, (comm.rank + 1) % comm.size
        self.names = names
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="minigrad watch", daemon=True)
        self._stderr = os.dup(2)

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch, on all ranks: each takes leave of the next."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        beat, farewell = np.zeros(1, np.uint8), np.ones(1, np.uint8)
        heard = looked = time.monotonic()
        leaving = self._over.wait(0)
        while not leaving:
            leaving = self._over.wait(BEAT)
            self.comm.Send(farewell if leaving else beat, self.next)  # of a byte: it waits for nobody
            now = time.monotonic()
            if self._hear() or now - looked > 4 * BEAT:  # it was this process that slept
                heard = now
            looked = now
            if now - heard > SILENCE:
                self._end()
        while self._last != 1:
            self._hear()
            time.sleep(0.001)

    _last = 0

    def _hear(self) -> bool:
        """Whether there was a sign of life since the last call."""
        heard = False
        message = np.zeros(1, np.uint8)
        while self._last != 1 and self.comm.Iprobe(self.before):
            self.comm.Recv(message, self.before)
            self._last = int(message[0])
            heard = True
        return heard or self._last == 1

    def _end(self) -> None:
        gone = f"{self.names[self.before]} has given no sign of life for {SILENCE:.0f} seconds"
        os.write(self._stderr, f"error: {gone}: the run ends, --resume goes on from its last checkpoint\n".encode())
        abort(1)
        self.comm.Abort(1)
