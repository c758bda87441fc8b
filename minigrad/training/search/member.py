"""One run of a sweep, in its own process.

Its files tell any process its status.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigrad.formats.atomic import write_durably
from minigrad.parallel.launch import without_launcher
from minigrad.runs.directory import json_line
from minigrad.runs.index import summary_of
from minigrad.runs.tables import format_value
from minigrad.startup import BLAS_THREADS
from minigrad.training.search.grid import overrides_of

NOT_STARTED = "not started"


@dataclass(frozen=True)
class Program:
    """The command lines common to all members.

    Attributes:
        train: starts a run; overrides are appended. The program must print the run's directory to standard error, and
            should exit when its standard input is closed.
        resume: resumes a run; the run's directory is appended.
    """

    train: Sequence[str]
    resume: Sequence[str]


@dataclass
class Member:
    """One run of a sweep.

    Attributes:
        point: the values of the swept keys.
        stem: the path of its files, without the suffixes `.log` (its output) and `.json` (its result). Repeats of one
            point are named `<group>-<number>`.
        program: the command lines that train it.
        repeat: its seed and fold, if the sweep has several.
        run: the directory of the run.
        status: how it ended.
        best: `monitor`, `mode`, `value` and `step` of its best weights.
    """

    point: dict[str, Any]
    stem: Path
    program: Program
    repeat: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    status: str = NOT_STARTED
    best: dict[str, Any] | None = None
    process: subprocess.Popen[bytes] | None = None
    _begun: int = 0  # where the output of its current process begins in the log
    _is_asked_to_stop: bool = False

    @property
    def group(self) -> str:
        """The name shared by the repeats of its point."""
        return self.stem.name.partition("-")[0]

    @property
    def is_over(self) -> bool:
        """Whether it is done, was pruned, or has failed."""
        return self.status.partition(":")[0] in ("done", "pruned", "failed")

    @property
    def value(self) -> float | None:
        """The best value; None if there is none.

        It is also None for NaN, which `run.json` has as null.
        """
        value = (self.best or {}).get("value")
        return value if isinstance(value, int | float) and value == value else None

    def read(self) -> None:
        """Read its status from its files.

        They were written by a killed sweep or by another process.
        """
        with suppress(OSError, ValueError, LookupError):
            facts = json.loads(self.stem.with_suffix(".json").read_text(encoding="utf-8"))
            if facts["point"] == json.loads(json_line(self.point)):  # else the file is from a deleted search
                self.run, self.status, self.best = str(facts["run"]), str(facts["status"]), facts["best"]
                return
        self.run = self._run_of_log()
        self._look_into_run()

    def start(self, lock: int | None = None) -> None:
        """Start or resume the run in a new process session.

        Ctrl-C then reaches only this process, which passes it on once. The run's standard input is a pipe from this
        process, so that the run notices when this process ends.

        Args:
            lock: a lock's file descriptor, which the run inherits so that no other process takes the member meanwhile.
        """
        goes_on = bool(self.run) and (Path(self.run) / "config.yaml").is_file()
        command = [*self.program.resume, self.run] if goes_on else [*self.program.train, *overrides_of(self.overrides)]
        path = os.pathsep.join(filter(None, sys.path))
        with open(self.stem.with_suffix(".log"), "ab") as log:
            self._begun, self._is_asked_to_stop = log.tell(), False
            try:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    env={**without_launcher(os.environ), **dict.fromkeys(BLAS_THREADS, "1"), "PYTHONPATH": path},
                    start_new_session=True,
                    pass_fds=() if lock is None or os.name == "nt" else (lock,),
                )
            except OSError as error:
                reason = f"a sweep starts a process for each member, and none can be started here: {error.strerror}"
                raise OSError(error.errno, reason, command[0]) from error

    @property
    def overrides(self) -> dict[str, Any]:
        """Its overrides of the config."""
        return {**self.point, **self.repeat}

    def stop(self) -> None:
        """Ask the process to finish its step, save and exit."""
        if self.process is not None:
            self._is_asked_to_stop = True
            self.process.terminate()

    def kill(self) -> None:
        """Kill the process."""
        if self.process is not None:
            self.process.kill()

    def has_ended(self) -> bool:
        """Whether the process has ended; reads its result then."""
        if self.process is None or self.process.poll() is None:
            return False
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.read_run()
        self._look_into_run()
        code = self.process.returncode
        if self._is_asked_to_stop and code == -signal.SIGTERM:  # before it could save: while it was starting up
            self.status = "interrupted" if self.run else NOT_STARTED
        elif code < 0:
            self.status = f"killed by signal {-code}"
        elif code and code < 128:
            self.status = f"failed: {self._why()}"
        self.process = None
        return True

    def note(self) -> None:
        """Write how it ended.

        The file remains even if the run's directory is deleted.
        """
        facts = {"point": self.point, **self.repeat, "run": self.run, "status": self.status, "best": self.best}
        write_durably(self.stem.with_suffix(".json"), f"{json_line(facts)}\n".encode())

    def read_run(self) -> str:
        """Return the directory of its run; "" until known."""
        self.run = self._run_of_log() or self.run
        return self.run

    def _run_of_log(self) -> str:
        lines = self._log()
        return next((line.removeprefix("run ") for line in reversed(lines) if line.startswith("run ")), "")

    def _log(self, start: int = 0) -> list[str]:
        try:
            return self.stem.with_suffix(".log").read_bytes()[start:].decode(errors="replace").splitlines()
        except OSError:
            return []

    def _why(self) -> str:
        lines = self._log(self._begun)
        return next((line.partition("error: ")[2] for line in lines if "error: " in line), "".join(lines[-1:]))

    def _look_into_run(self) -> None:
        """Read the status that its run recorded, if the run still exists."""
        if self.run and (Path(self.run) / "config.yaml").is_file():
            summary = summary_of(Path(self.run))
            self.status = f"failed: {summary.reason}" if summary.status == "failed" else summary.status
            self.best = summary.best

    def __str__(self) -> str:
        best = f"  {self.best['monitor']} {number(self.value)}" if self.best else ""
        changes = " ".join(f"{key}={format_value(value)}" for key, value in self.overrides.items())
        return f"{changes}{best}  {self.status}  {self.run}".strip()


def names_of(number: int, repeats: int) -> list[str]:
    """Return the file names of a point's repeats."""
    group = f"{number:04d}"
    return [group] if repeats == 1 else [f"{group}-{i}" for i in range(1, repeats + 1)]


def number(value: float | None) -> str:
    """Return a measured value as text; `-` for none."""
    return "-" if value is None else f"{value:.4g}"
