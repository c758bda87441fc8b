"""One peer at one workload, in a process of its own: `python -m benchmarks.player WORKLOAD PEER DTYPE full|smoke FILE`.

It works the first steps, says what came of them, writes the arrays of its state into FILE (`.npz`), and then takes a
turn whenever a line on standard input names its length in seconds. On the line `limits` it says what a step could be.
Each answer is a line of JSON; of failures `{"error": ...}`, and the end.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.limits import limits
from benchmarks.workload import PEERS, STEPS
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.besides import BESIDES
from benchmarks.workloads.growth import POINTS
from benchmarks.workloads.panel_rows import PANEL


def turn(step: Callable[[], Any], seconds: float) -> float:
    """Returns the seconds that a step takes, measured over many; a fifth of the time goes before, to get warm."""
    warm, start = 0, perf_counter()
    while (spent := perf_counter() - start) < seconds / 5:
        step()
        warm += 1
    count = max(1, round(seconds * warm / spent))
    start = perf_counter()
    for _ in range(count):
        loss = step()
    float(loss)  # a library that works behind the caller's back has to be done by now
    return (perf_counter() - start) / count


def memory(kind: str = "VmHWM") -> int | None:
    """The most memory, in bytes, that this process has had resident so far; None where the system does not tell.

    On Linux `VmRSS` is what it has now.
    """
    status = Path("/proc/self/status")
    if status.exists():  # not getrusage, which on Linux counts the parent's memory until this program was loaded
        return 1024 * int(status.read_text().split(f"{kind}:")[1].split()[0])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Plays until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer

    def answer(value: Any) -> None:
        print(json.dumps(value), file=answers, flush=True)

    name, peer, dtype, size, file = sys.argv[1:]
    try:
        workload = {**WORKLOADS, **POINTS, **PANEL, **BESIDES}[name]
        import_module(PEERS[peer][1])
        imported = memory("VmRSS")
        trial = workload.peers[peer](workload.problem(dtype, size == "smoke"))
        losses = [float(trial.step()) for _ in range(STEPS)]
        peak = memory()
        np.savez(file, *trial.state())
        answer({"losses": losses, "peak": peak, "imported": imported})
        for line in sys.stdin:
            what = line.strip()
            if what == "limits":
                answer(limits(trial.step))
            else:
                answer(turn(trial.step, float(line)))
    except Exception as error:  # whatever a library raises belongs into the table
        answer({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
