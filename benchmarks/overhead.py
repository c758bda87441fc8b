"""What the engine adds to one small operation, in two checkouts of minigrad that take turns."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

from benchmarks.runner import ROOT, environment

REST = 0.1  # seconds between turns, so that the threads of the last have ended


@dataclass
class Overhead:
    """One way of applying one operation.

    Attributes:
        name: the operation and the way.
        seconds: of each round, what an operation took in this checkout.
        others: the same in the other checkout, in the same rounds.
        by_hand: what NumPy took for it alone, beside this checkout.
    """

    name: str
    seconds: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    by_hand: list[float] = field(default_factory=list)


def measure_overhead(against: Path, rounds: int = 11, repeats: int = 1000) -> list[Overhead]:
    """Returns the times of all operations in this checkout and in the one at `against`.

    Each turn is a process of its own, on one thread; the first of a round changes from round to round.

    Args:
        against: the folder of the other checkout.
        rounds: turns of each checkout.
        repeats: runs of a chain of operations in a turn, of which the shortest counts.
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
    """The seconds of each operation, and by hand, in a process that imports minigrad from a checkout."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("overhead_turn.py")), str(repeats)],
        capture_output=True,
        check=True,
        text=True,
        env={**environment(1), "PYTHONPATH": str(checkout.resolve())},
    )
    seconds: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return seconds
