"""Who plays when: each peer in its own process, all agree first, then they take turns."""

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
"""Seconds between turns: threads of a library look for work after its last product, on cores that the next one
needs (OpenBLAS's by default for 2**26 cycles; without rests, turns of two BLAS threads took 1.3 to 3 times as long)."""

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
    """What came of one peer at one workload.

    Attributes:
        seconds: of each turn, what a step took (an operation, if the workload counts those); empty after a fault.
        peak: the most memory, in bytes, that its process had had resident after the first steps; None if unknown.
        fault: why there are no times, or None.
        imported: the memory, in bytes, that it had when its library was imported; None if unknown.
        limits: what a step could be, by what limits it (see `benchmarks.limits`), where that was asked for.
    """

    peer: str
    seconds: list[float] = field(default_factory=list)
    peak: int | None = None
    fault: str | None = None
    imported: int | None = None
    limits: dict[str, float] = field(default_factory=dict)


def environment(threads: int) -> dict[str, str]:
    """The environment of a process whose libraries use `threads` threads; NumPy reads it once, when imported.

    A player imports NumPy first. BLAS's threads spin as in a program that imports minigrad first.
    """
    return {**os.environ, **dict([BLAS_SPIN]), **dict.fromkeys(THREAD_VARIABLES, str(threads))}


class Player:
    """A peer at work in a process of its own. A context: the process ends with the block.

    Attributes:
        report: of its first steps: `losses`, the arrays of its `state`, and `peak`, the memory; or `error`.
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
        """Returns the seconds a step took in a turn of about `seconds`, or `{"error": ...}`."""
        return self._asked(seconds)

    def limits(self) -> Any:
        """Returns what a step of minigrad could be, in seconds by what limits it, or `{"error": ...}`."""
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
    """Runs every installed peer of a workload: first steps, agreement, then `rounds` rounds of turns.

    Args:
        seconds: the length of a turn.
        tell: is told what is being done.
        limited: the peer that is asked what its step could be.
    """
    peers = workload.installed()
    tell(f"{workload.name}: {', '.join(peers)} get ready")
    results = {peer: Result(peer) for peer in peers}
    players: dict[str, Player] = {}
    with ExitStack() as stack:
        roles = [(peers[0], "float64"), *((peer, "float32") for peer in peers)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # what they import and compile is not timed
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
            first = i % max(len(order), 1)  # none is left if all of them failed
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
