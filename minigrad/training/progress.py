"""A progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, TextIO

from minigrad.notebook import in_notebook
from minigrad.streams import discard
from minigrad.training.callback import Callback, TrainingView

BAR_SECONDS = 0.1
LINE_SECONDS = 10.0
RATE_SECONDS = 5.0
"""The seconds over which the speed in the bar is measured."""

BAR_COLUMNS = 12
"""The smallest graphic bar, in columns; with less room only the numbers are shown."""


NOTEBOOK_COLUMNS = 80
"""The length of the text next to a notebook's bar."""


class Progress(Callback):
    """Shows the progress of a run on `stream`.

    A terminal gets one line, redrawn at most ten times a second: loss, metrics, and then as many as fit of epoch, step,
    time left, speed and learning rate. A notebook gets a bar with the same text. Any other stream gets a line for each
    validation, and for other records if ten seconds have passed since the last line. If the reader closes the stream,
    as `| head` does, the run continues without output.

    Args:
        steps: optimizer steps of the whole run.
        stream: standard error by default.
        done: steps that a resumed run had done before.
        step_size: examples per step, for the speed in the bar.
    """

    def __init__(self, steps: int, stream: TextIO | None = None, done: int = 0, step_size: int = 1) -> None:
        self.stream = stream = sys.stderr if stream is None else stream
        self.bar: Any = None
        is_notebook = stream is sys.stderr and in_notebook()
        self.is_terminal = stream.isatty() and not is_notebook
        if self.is_terminal:
            from tqdm import tqdm  # 40 ms, not needed without a terminal

            self.bar = tqdm(total=steps, initial=done, file=stream, leave=False, bar_format="{desc}", ncols=0)
        elif is_notebook:
            self.bar = _notebook_bar(total=steps, initial=done, leave=False)
        self.steps = steps
        self.step_size = step_size
        self.recent = deque([(monotonic(), done)])
        self.latest: dict[str, float] = {}
        self.due = 0.0

    def on_step_end(self, training: TrainingView) -> None:
        """Redraw the bar if it is time."""
        if self.bar is not None and (now := monotonic()) >= self.due:
            self.due = now + BAR_SECONDS
            columns = _columns(self.stream) - 1 if self.is_terminal else NOTEBOOK_COLUMNS
            text = _fitting(self._parts(training, now), columns)
            if self.is_terminal:
                self.bar.ncols = columns
                self.bar.bar_format = "{desc} {bar}" if columns - len(text) > BAR_COLUMNS else "{desc}"
            with silent_if_closed(self.stream):
                self.bar.set_description_str(text, refresh=False)
                self.bar.n = training.step
                self.bar.refresh()

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Show the values of a record."""
        if self.bar is not None:
            self.latest |= record  # keeps showing the last validation
        elif any(name.startswith("val/") for name in record) or monotonic() >= self.due:
            self.due = monotonic() + LINE_SECONDS
            with silent_if_closed(self.stream):
                print(f"step {record['step']}/{self.steps}  {_line(record)}", file=self.stream, flush=True)

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            with silent_if_closed(self.stream):
                self.bar.close()

    def _parts(self, training: TrainingView, now: float) -> list[str]:
        """Return the parts of the bar's text, the most important first."""
        while len(self.recent) > 1 and self.recent[1][0] <= now - RATE_SECONDS:
            self.recent.popleft()
        then, before = self.recent[0]
        self.recent.append((now, training.step))
        rate = (training.step - before) / max(now - then, 1e-9)
        measured = {name: value for name, value in self.latest.items() if "/" in name}
        losses = {name: value for name, value in measured.items() if name.endswith("/loss")}
        parts = [f"{name} {value:.4g}" for name, value in {**losses, **measured}.items()]
        parts += [f"epoch {training.step / training.epoch_steps:.2f}", f"step {training.step}/{self.steps}"]
        if rate > 0:
            left = self.bar.format_interval((self.steps - training.step) / rate)
            parts += [f"{left} left", f"{rate * self.step_size:,.0f} examples/s"]
        return [*parts, f"lr {training.lr:.3g}"]


class RecordedProgress(Progress):
    """Shows the progress of a training, and saves its records.

    Args:
        steps: as for `Progress`.

    Attributes:
        records: a mapping for each logged step.
    """

    def __init__(self, steps: int) -> None:
        super().__init__(steps)
        self.records: list[Mapping[str, float]] = []

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Save the record, and show its values."""
        self.records.append(record)
        super().on_log(training, record)


@contextmanager
def silent_if_closed(stream: TextIO) -> Iterator[None]:
    """End the block silently if `stream` is closed.

    If the reader has closed it, further output is discarded.
    """
    try:
        yield
    except OSError:
        discard(stream)


def _notebook_bar(**options: Any) -> Any:
    """Return tqdm's bar for notebooks, with widgets if they are installed."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # ignore that widgets are missing
        from tqdm.auto import tqdm as bar
    return bar(bar_format="{desc} {bar}", **options)


def _columns(stream: TextIO) -> int:
    """Return the width of a terminal, 80 if unknown."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _fitting(parts: Sequence[str], columns: int) -> str:
    """Return the first parts that fit into `columns`; the first one is truncated if necessary."""
    text = parts[0][:columns]
    for part in parts[1:]:
        if len(text) + 2 + len(part) <= columns:
            text = f"{text}  {part}"
    return text


def _line(record: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in record.items() if name != "step")
