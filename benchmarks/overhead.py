"""Benchmark of the engine's overhead per small operation, in two checkouts."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

from benchmarks.runner import ROOT, environment

REST = 0.1  # seconds between turns, so that earlier threads have ended


@dataclass
class Overhead:
    """The overhead of one operation in one mode.

    Attributes:
        name: the operation and the mode.
        seconds: the time of the operation in this checkout, in each round.
        others: the same for the other checkout, in the same rounds.
        by_hand: the time of plain NumPy, in the same rounds.
    """

    name: str
    seconds: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    by_hand: list[float] = field(default_factory=list)


def measure_overhead(against: Path, rounds: int = 11, repeats: int = 1000) -> list[Overhead]:
    """Return the times of all operations in this checkout and in another.

    Each turn is a separate process with one thread; the checkouts alternate in going first.

    Args:
        against: the folder of the other checkout.
        rounds: turns of each checkout.
        repeats: runs of a chain of operations in a turn; the shortest counts.
    """
    found: dict[str, Overhead] = {}
    for i in range(rounds):
        for checkout in (ROOT, against) if i % 2 else (against, ROOT):
            for name, (seconds, by_hand) in _turn(checkout, repeats).items():
                overhead = found.setdefault(name, Overhead(name))
                if checkout is ROOT:
                    overhead.seconds.append(seconds)
                    overhead.by_hand.append(by_hand)
                else:
                    overhead.others.append(seconds)
            sleep(REST)
    return list(found.values())


def _turn(checkout: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Return the seconds of each operation, in minigrad from a checkout and in plain NumPy."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("overhead_turn.py")), str(repeats)],
        capture_output=True,
        check=True,
        text=True,
        env={**environment(1), "PYTHONPATH": str(checkout.resolve())},
    )
    seconds: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return seconds
