"""Interleaved timing of libraries, each in its own process, after a check that they agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

import numpy as np

from benchmarks.agreement import disagreement
from benchmarks.workload import Workload
from minigrad.startup import BLAS_SPIN

ROOT = Path(__file__).resolve().parent.parent

REST = 0.15
"""Seconds between turns. After its last product, the threads of a library spin for a while on cores that the next one
needs (OpenBLAS's by default for 2**26 cycles). Without rests, turns of two BLAS threads took 1.3 to 3 times as long."""

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "PJRT_NPROC",  # JAX
    "NUM_CPU_THREADS",  # tinygrad
)


@dataclass
class Result:
    """The result of one library (peer) at one workload.

    Attributes:
        seconds: the time of a step (or operation, if the workload counts these) in each turn; empty after a fault.
        peak: the peak resident memory of its process after the first steps, in bytes; None if unknown.
        fault: why there are no times; None if there are.
        imported: the memory after importing the library, in bytes; None if unknown.
        limits: the lower bounds of a step (see `benchmarks.limits`), if requested.
    """

    peer: str
    seconds: list[float] = field(default_factory=list)
    peak: int | None = None
    fault: str | None = None
    imported: int | None = None
    limits: dict[str, float] = field(default_factory=dict)


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a process whose libraries use `threads` threads; they read it when imported.

    A player imports NumPy first, so BLAS's spin time is set here to that of a program that imports minigrad first.
    """
    return {**os.environ, **dict([BLAS_SPIN]), **dict.fromkeys(THREAD_VARIABLES, str(threads))}


class Player:
    """The process of a library, as a context manager that ends it.

    Attributes:
        report: the `losses`, the arrays of the `state`, and the memory `peak` of the first steps; or an `error`.
    """

    def __init__(self, workload: Workload, peer: str, dtype: str, threads: int, smoke: bool) -> None:
        with TemporaryDirectory() as folder:
            file = Path(folder, "state.npz")
            size = "smoke" if smoke else "full"
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.player", workload.name, peer, dtype, size, str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=environment(threads),
            )
            self.report = self._answer()
            if file.exists():
                with np.load(file) as arrays:
                    self.report["state"] = list(arrays.values())

    def _answer(self) -> Any:
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        return json.loads(line) if line else {"error": f"its process ended with code {self._process.wait()}"}

    def turn(self, seconds: float) -> Any:
        """Return the seconds of a step in a turn of about `seconds`, or `{"error": ...}`."""
        return self._asked(seconds)

    def limits(self) -> Any:
        """Return the lower bounds of a minigrad step in seconds, or `{"error": ...}`."""
        return self._asked("limits")

    def _asked(self, what: float | str) -> Any:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # the answer says why
            print(what, file=self._process.stdin, flush=True)
        return self._answer()

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()


def compare(
    workload: Workload,
    threads: int = 2,
    rounds: int = 11,
    seconds: float = 0.25,
    smoke: bool = False,
    tell: Callable[[str], None] = lambda what: None,
    limited: str = "",
) -> list[Result]:
    """Run every installed library of a workload: first steps, check of agreement, then rounds of turns.

    Args:
        workload: the workload.
        threads: threads of each library.
        rounds: turns of each library.
        seconds: the length of a turn.
        smoke: whether to use tiny sizes.
        tell: called with messages about the progress.
        limited: the peer to ask for the lower bounds of a step.
    """
    peers = workload.installed()
    tell(f"{workload.name}: {', '.join(peers)} get ready")
    results = {peer: Result(peer) for peer in peers}
    players: dict[str, Player] = {}
    with ExitStack() as stack:
        roles = [(peers[0], "float64"), *((peer, "float32") for peer in peers)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # importing and compiling is not timed
            started = list(pool.map(lambda role: Player(workload, role[0], role[1], threads, smoke), roles))
        reference, *others = map(stack.enter_context, started)
        for result, player in zip(results.values(), others, strict=True):
            result.fault = _fault(player.report, reference.report)
            if not result.fault:
                result.peak, result.imported = player.report["peak"], player.report["imported"]
                players[result.peer] = player
        for i in range(rounds):
            tell(f"{workload.name}: round {i + 1} of {rounds}")
            order = list(players)
            first = i % max(len(order), 1)  # empty if all of them failed
            for peer in order[first:] + order[:first]:
                sleep(min(REST, seconds))
                spent = players[peer].turn(seconds)
                if isinstance(spent, float):
                    results[peer].seconds.append(spent / workload.operations)
                else:
                    results[peer] = Result(peer, fault=_first_line(spent["error"]))
                    del players[peer]
        if limited in players:
            results[limited].limits = players[limited].limits()
    return list(results.values())


def _fault(report: dict[str, Any], reference: dict[str, Any]) -> str | None:
    for who, answer in (("", report), ("the reference: ", reference)):
        if "error" in answer:
            return who + _first_line(answer["error"])
    difference = disagreement(report, reference)
    return f"disagrees: {difference}" if difference else None


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
