"""What a person sees while a run goes on: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import monotonic
from typing import TextIO

from tqdm import tqdm

BAR_SECONDS = 0.1
LINE_SECONDS = 10.0


class Progress:
    """Shows the steps of a run on `stream`.

    A terminal gets one bar, redrawn at most ten times a second. Anything else gets a line for each validation, and for
    other logged steps when nothing was said for ten seconds.

    Args:
        steps: optimizer steps of the whole run.
        stream: standard error, if left out.
    """

    def __init__(self, steps: int, stream: TextIO | None = None) -> None:
        self.stream = stream = sys.stderr if stream is None else stream
        self.bar = None
        if stream.isatty():
            self.bar = tqdm(total=steps, unit="step", file=stream, leave=False, dynamic_ncols=True)
        self.steps = steps
        self.latest: dict[str, float] = {}
        self.due = 0.0

    def advance(self, step: int) -> None:
        """Tells that `step` steps are done; cheap enough to be called after each."""
        if self.bar is not None and monotonic() >= self.due:
            self.due = monotonic() + BAR_SECONDS
            self.bar.n = step
            self.bar.refresh()

    def report(self, record: Mapping[str, float]) -> None:
        """Shows the numbers of a logged step."""
        if self.bar is not None:
            self.latest |= record  # the last validation stays in sight
            self.bar.set_postfix_str(_line(self.latest), refresh=False)
        elif any(name.startswith("val/") for name in record) or monotonic() >= self.due:
            self.due = monotonic() + LINE_SECONDS
            print(f"step {record['step']}/{self.steps}  {_line(record)}", file=self.stream, flush=True)

    def close(self) -> None:
        """Removes the bar."""
        if self.bar is not None:
            self.bar.close()


def _line(record: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in record.items() if name != "step")
