"""The record of how a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Any

from minigrad.runs.directory import RunDirectory
from minigrad.training.trainer import Training


class Closing:
    """A block that records in `run.json` how it ended.

    Args:
        training: the training that the block runs.
        directory: the directory of the run.

    Attributes:
        results: the results of `Training.run`; the block sets them.
        exit_code: the exit code for `run.json`; the block may set it.
        interruption: what interrupted the training, such as a signal; the block may set it.
        status: after the block, `done`, `interrupted` or `failed`.
        reason: after the block, why the run ended.
    """

    def __init__(self, training: Training, directory: RunDirectory) -> None:
        self.training, self.directory = training, directory
        self.results: Mapping[str, Any] = {}
        self.exit_code = 0
        self.interruption = "a callback"
        self.status, self.reason = "failed", ""

    def __enter__(self) -> Closing:
        """Return the block itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Write `run.json`.

        Raises:
            OSError: if it cannot be written and the block itself did not fail.
        """
        if error is not None:
            self.reason, self.exit_code = f"{type(error).__name__}: {error}", 1
        else:
            self.status = self.results["status"]
            self.reason = self.training.reason if self.status == "done" else f"interrupted by {self.interruption}"
        best = self.training.best.summary()
        with nullcontext() if error is None else suppress(OSError):
            self.directory.close(self.status, self.exit_code, reason=self.reason, best=best, results=self.results)
