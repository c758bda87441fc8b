"""Heartbeats between ranks, which detect a dead one.

Without them, the other ranks would wait forever.
"""

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
"""Seconds between heartbeats."""

SILENCE = 7.0
"""Seconds without a heartbeat until a rank counts as dead. A step may take longer: heartbeats continue on a thread."""

LIVES, LEAVES = 0, 1
"""The messages: alive, and leaving."""


class Watch:
    """A heartbeat thread between neighboring ranks.

    It sends heartbeats to the next rank, and ends the run when those of the previous rank stop.

    Args:
        comm: a communicator that is used for nothing else.
        names: the names of all ranks, for messages.
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
        """Start the heartbeat."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the heartbeat on all ranks."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        heard = looked = time.monotonic()
        leaves = False
        while not leaves:
            leaves = self._over.wait(BEAT)
            sign = np.array([LEAVES if leaves else LIVES])
            self.comm.Send(sign, self.next)  # a message this small does not block
            now = time.monotonic()
            if self._heard() or now - looked > 4 * BEAT:  # or this process had been suspended
                heard = now
            looked = now
            if now - heard > SILENCE:
                self._end()
        while not self._has_left:
            self._heard()
            time.sleep(0.001)

    def _heard(self) -> bool:
        """Whether the previous rank has sent a heartbeat or left since the last call."""
        heard = self._has_left
        sign = np.array([LIVES])
        while not self._has_left and self.comm.Iprobe(self.before):
            self.comm.Recv(sign, self.before)
            self._has_left = sign[0] == LEAVES
            heard = True
        return heard

    def _end(self) -> None:
        gone = f"{self.names[self.before]} has sent no heartbeat for {SILENCE:.0f} seconds"
        os.write(
            self._stderr, f"error: {gone}: the run ends, minigrad resume continues from its last checkpoint\n".encode()
        )
        abort(1)
        self.comm.Abort(1)
