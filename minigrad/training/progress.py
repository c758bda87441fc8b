"""What a person sees while a run goes on: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

from tqdm import tqdm

BAR_SECONDS = 0.1
LINE_SECONDS = 10.0
BAR = "step {n_fmt}/{total_fmt} {bar} {remaining} left{postfix}"


class Progress:
    """Shows the steps of a run on `stream`.

    A terminal gets one bar, redrawn at most ten times a second. Anything else gets a line for each validation, and for
    other logged steps when nothing was said for ten seconds. Where nobody reads any more, the run goes on unseen.

    Args:
        steps: optimizer steps of the whole run.
        stream: standard error, if left out.
        done: steps that were done before, by a run that is resumed.
        step_size: examples in a step, for the speed that a bar shows.
    """

    def __init__(self, steps: int, stream: TextIO | None = None, done: int = 0, step_size: int = 1) -> None:
        self.stream = stream = sys.stderr if stream is None else stream
        self.bar = None
        if stream.isatty():
            self.bar = tqdm(total=steps, initial=done, file=stream, leave=False, dynamic_ncols=True, bar_format=BAR)
        self.steps = steps
        self.done = done
        self.step_size = step_size
        self.started = monotonic()
        self.latest: dict[str, float] = {}
        self.due = 0.0

    def advance(self, step: int) -> None:
        """Tells that `step` steps are done; cheap enough to be called after each."""
        if self.bar is not None and (now := monotonic()) >= self.due:
            self.due = now + BAR_SECONDS
            speed = (step - self.done) * self.step_size / max(now - self.started, 1e-9)
            with silent_if_closed(self.stream):
                self.bar.set_postfix_str(f"{speed:,.0f} examples/s  {_line(self.latest)}", refresh=False)
                self.bar.n = step
                self.bar.refresh()

    def report(self, record: Mapping[str, float]) -> None:
        """Shows the numbers of a logged step."""
        if self.bar is not None:
            self.latest |= record  # the last validation stays in sight
        elif any(name.startswith("val/") for name in record) or monotonic() >= self.due:
            self.due = monotonic() + LINE_SECONDS
            with silent_if_closed(self.stream):
                print(f"step {record['step']}/{self.steps}  {_line(record)}", file=self.stream, flush=True)

    def close(self) -> None:
        """Removes the bar."""
        if self.bar is not None:
            with silent_if_closed(self.stream):
                self.bar.close()


@contextmanager
def silent_if_closed(stream: TextIO) -> Iterator[None]:
    """If nobody reads `stream` any more, as after `| head`, ends the block, and sends what follows nowhere."""
    try:
        yield
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _line(record: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in record.items() if name != "step")
