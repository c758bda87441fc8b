"""A grid of runs, each in a process and a run directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from math import inf, isfinite
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from minigrad.config import ConfigError
from minigrad.config.nodes import SequenceNode, data
from minigrad.config.problems import Place, Report, Source
from minigrad.config.reader import read
from minigrad.training.signals import finish_on_signal

POLL_SECONDS = 0.05

RUN = """\
import sys
from pathlib import Path
from minigrad.training import main
from minigrad.training.signals import finish_with_parent
finish_with_parent()
sys.exit(main(sys.argv[2:], Path(sys.argv[1])))
"""
"""What a member's process runs: the command line, with the home folder in front."""

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What tells BLAS its number of threads before NumPy is imported."""


def read_grid(sweeps: Sequence[str]) -> list[dict[str, Any]]:
    """Returns every combination of the values that `key=[a, b]` texts list, the last key changing fastest.

    Raises: ConfigError, with its place, for what is no such list.
    """
    report = Report()
    values: dict[str, list[Any]] = {}
    for text in sweeps:
        source = Source("--sweep", text)
        key, sign, after = text.partition("=")
        try:
            node = read(source, " " * (len(key) + 1) + after, report) if sign else None
        except ConfigError:  # it is in the report, where others may follow
            continue
        if not isinstance(node, SequenceNode) or not node.items:
            report.add(Place(source, 1, 1, len(text)), "expected key=[value, …]", "as in 'optimizer.lr=[1e-3, 3e-3]'")
        elif key in values:
            report.add(Place(source, 1, 1, len(key)), f"'{key}' is swept twice", "join the two lists")
        else:
            values[key] = data(node)
    report.check()
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def overrides_of(point: dict[str, Any]) -> list[str]:
    """Returns a point of a grid as overrides; JSON is YAML."""
    return [f"{key}={json.dumps(value)}" for key, value in point.items()]


@dataclass
class Member:
    """One run of a sweep.

    Args:
        point: the values of the swept keys.
        command: the words of the command line.
        home: the folder with `models/`.
    """

    point: dict[str, Any]
    command: Sequence[str]
    home: Path
    process: subprocess.Popen[bytes] | None = None
    run: str = ""
    status: str = "not started"
    best: dict[str, Any] | None = None
    _output: list[IO[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Starts the process, in a session of its own: a Ctrl-C is for whoever started it to pass on, once.

        It reads from a pipe that nobody writes to, and so learns of the end of this process.
        """
        self._output = [TemporaryFile(), TemporaryFile()]  # noqa: SIM115 - closed when the process has ended
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(self.home), *self.command],
            stdin=subprocess.PIPE,
            stdout=self._output[0],
            stderr=self._output[1],
            env={**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )

    def has_ended(self) -> bool:
        """Whether the process has ended; what it said is read then."""
        if self.process is None or self.process.poll() is None:
            return False
        assert self.process.stdin is not None
        self.process.stdin.close()
        said = []
        for file in self._output:
            file.seek(0)
            said.append(file.read().decode(errors="replace").splitlines())
            file.close()
        results, progress = said
        self.run = next((line.removeprefix("run ") for line in progress if line.startswith("run ")), "")
        if self.process.returncode < 0:
            self.status = f"killed by signal {-self.process.returncode}"
        elif results:
            self.status = json.loads(results[-1])["status"]
        else:
            why = next((line.partition("error: ")[2] for line in progress if "error: " in line), "".join(progress[-1:]))
            self.status = f"failed: {why}"
        with suppress(OSError, ValueError):  # it was killed before there was one
            self.best = json.loads((Path(self.run) / "run.json").read_text(encoding="utf-8")).get("best")
        return True

    def __str__(self) -> str:
        best = f"  {self.best['monitor']} {self.best['value']:.4g}" if self.best else ""
        return f"{' '.join(overrides_of(self.point))}{best}  {self.status}  {self.run}".rstrip()


def run_members(members: Sequence[Member], jobs: int) -> int:
    """Runs `members`, so many at a time, each to its own end, and tells on standard error of each that has ended.

    After SIGINT or SIGTERM those that run are told once to finish their step and save, and no other is started.

    Returns the exit code of the sweep: 0 if all are done, 1 if not, 128 + the number of the signal that ended it.
    """
    waiting = list(members)
    running: list[Member] = []
    told = False
    try:
        with finish_on_signal(lambda: None) as received:
            while running or (waiting and not received):
                while waiting and len(running) < jobs and not received:
                    running.append(waiting.pop(0))
                    running[-1].start()
                if received and not told:
                    told = True
                    for member in running:
                        if member.process is not None:
                            member.process.terminate()
                for member in [member for member in running if member.has_ended()]:
                    running.remove(member)
                    ended = len(members) - len(waiting) - len(running)
                    print(f"{ended}/{len(members)}  {member}", file=sys.stderr, flush=True)
                time.sleep(POLL_SECONDS)
    finally:
        for member in running:
            if member.process is not None:
                member.process.kill()
    if received:
        return 128 + received[0]
    return 0 if all(member.status == "done" for member in members) else 1


def table(members: Sequence[Member]) -> str:
    """Returns the members as a table, the best value of the monitored metric first, and those without one last."""
    best = [member.best for member in members if member.best is not None]
    monitor, sign = (best[0]["monitor"], -1 if best[0]["mode"] == "max" else 1) if best else ("value", 1)

    def place(member: Member) -> float:
        return sign * member.best["value"] if member.best and isfinite(member.best["value"]) else inf

    rows = [[*members[0].point, monitor, "step", "run", "status"]]
    for member in sorted(members, key=place):
        measured = [f"{member.best['value']:.4g}", str(member.best["step"])] if member.best else ["-", "-"]
        rows.append([*map(json.dumps, member.point.values()), *measured, member.run or "-", member.status])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
