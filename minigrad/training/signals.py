"""Handling of signals that stop a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from minigrad.formats.atomic import abandon


@contextmanager
def finish_on_signal(finish: Callable[[], None]) -> Iterator[list[int]]:
    """Call `finish` at the first signal, quit at the second.

    Within the block; the signals are SIGINT, SIGTERM and SIGHUP.

    SIGHUP, which a closed terminal sends, stays without effect where it had none, as under `nohup`. Quitting gives the
    exit code 128 + the number of the signal.

    Yields the list that gets the number of the first. Where signals cannot be handled, as in a browser or on another
    thread than the main one, the block runs without.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            abandon()
            os._exit(128 + number)
        received.append(number)
        # not print(): the signal may have come in the middle of one
        name = signal.Signals(number).name
        os.write(2, f"\n{name}: finishing this step and saving; once more quits at once\n".encode())
        finish()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {}
    try:
        with suppress(ValueError, OSError):
            for number in numbers:
                before[number] = signal.signal(number, handle)
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
