"""Handling of signals that stop a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from minigrad.formats.atomic import remove_unfinished


@contextmanager
def finish_on_signal(
    finish: Callable[[], None], announced: str = "finishing this step and saving"
) -> Iterator[list[int]]:
    """Call `finish` at the first signal, exit at the second.

    This applies within the block. The signals are SIGINT, SIGTERM and SIGHUP. SIGHUP, which a closing terminal sends,
    remains ignored if it was, as under `nohup`. The exit code is 128 + the number of the signal. Where signals cannot
    be handled, as in a browser or outside the main thread, the block runs without this.

    Args:
        finish: called at the first signal.
        announced: what happens then, for the message.

    Yields:
        A list that receives the number of the first signal.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            remove_unfinished()
            os._exit(128 + number)
        received.append(number)
        # not print(), which the signal may have interrupted
        name = signal.Signals(number).name
        os.write(2, f"\n{name}: {announced}; once more quits at once\n".encode())
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
