"""What a run does when it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def finish_on_signal(finish: Callable[[], None]) -> Iterator[list[int]]:
    """Within the block, the first SIGINT or SIGTERM calls `finish`; the second quits at once, with 128 + its number.

    Yields the list that gets the number of the first. Only the main thread may enter.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        # not print(): the signal may have come in the middle of one
        name = signal.Signals(number).name
        os.write(2, f"\n{name}: finishing this step and saving; once more quits at once\n".encode())
        finish()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def finish_with_parent() -> None:
    """Sends this process a SIGTERM when the other end of its standard input is closed, however that process ended."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
