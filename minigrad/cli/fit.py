"""The training of a run, from its current step on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from minigrad.runs.directory import RunDirectory, json_line
from minigrad.training.closing import Closing
from minigrad.training.progress import Progress
from minigrad.training.signals import finish_on_signal
from minigrad.training.trainer import Training


def fit(training: Training, directory: RunDirectory | None) -> int:
    """Train, print the results and record how the run ended.

    Args:
        training: a new or resumed training.
        directory: the directory of the run; None on all ranks except 0.

    Returns:
        The exit code: 0 when done, 128 + n after signal n.
    """
    if directory is None:
        with finish_on_signal(training.interrupt) as received:
            return _exit_code(training, training.run()["status"], received)
    print(f"run {directory.path}", file=sys.stderr)
    step_size = training.loader.batch_size * training.settings.accumulate
    progress = Progress(training.steps, done=training.step, step_size=step_size)
    closing = Closing(training, directory)
    try:
        with closing, finish_on_signal(training.interrupt) as received:
            results = closing.results = training.run(directory, progress)
            closing.exit_code = _exit_code(training, results["status"], received)
            if closing.exit_code > 128:  # else a callback interrupted it
                closing.interruption = signal.Signals(closing.exit_code - 128).name
    finally:
        progress.close()
        if closing.status != "done" and training.checkpoints.saved_step is not None:
            print(
                f"saved up to step {training.checkpoints.saved_step}; minigrad resume {directory.path} continues",
                file=sys.stderr,
            )
    print(json_line({"run": str(directory.path), "status": closing.status, "reason": closing.reason, **results}))
    return closing.exit_code


def _exit_code(training: Training, status: str, received: Sequence[int]) -> int:
    """Return the exit code; any rank may have received the signal."""
    numbers = training.ranks.allgather(received[0] if received else 0)
    return 128 + max(numbers) if status == "interrupted" else 0
