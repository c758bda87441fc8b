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

LIVES, LEAVES = 0, 1
"""The signs."""


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
        self._has_left = False
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
        heard = looked = time.monotonic()
        leaves = False
        while not leaves:
            leaves = self._over.wait(BEAT)
            sign = np.array([LEAVES if leaves else LIVES])
            self.comm.Send(sign, self.next)  # so small a message waits for nobody
            now = time.monotonic()
            if self._heard() or now - looked > 4 * BEAT:  # or was it this process that slept?
                heard = now
            looked = now
            if now - heard > SILENCE:
                self._end()
        while not self._has_left:
            self._heard()
            time.sleep(0.001)

    def _heard(self) -> bool:
        """Whether the rank before has given a sign of life since the last call, or has taken leave."""
        heard = self._has_left
        sign = np.array([LIVES])
        while not self._has_left and self.comm.Iprobe(self.before):
            self.comm.Recv(sign, self.before)
            self._has_left = sign[0] == LEAVES
            heard = True
        return heard

    def _end(self) -> None:
        gone = f"{self.names[self.before]} has given no sign of life for {SILENCE:.0f} seconds"
        os.write(self._stderr, f"error: {gone}: the run ends, --resume goes on from its last checkpoint\n".encode())
        abort(1)
        self.comm.Abort(1)
