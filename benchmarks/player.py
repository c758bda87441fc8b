"""The process of one library at one workload.

`python -m benchmarks.player WORKLOAD PEER DTYPE full|smoke FILE` does the first steps, reports their results, and
writes the arrays of its state to FILE (`.npz`). Then it takes a turn for each line on standard input, which is the
length of the turn in seconds; for the line `limits` it reports the lower bounds of a step. Each answer is a line of
JSON. A failure is `{"error": ...}`, and ends the process.
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
    """Return the mean seconds of a step; a fifth of the time is a warm-up."""
    warm, start = 0, perf_counter()
    while (spent := perf_counter() - start) < seconds / 5:
        step()
        warm += 1
    count = max(1, round(seconds * warm / spent))
    start = perf_counter()
    for _ in range(count):
        loss = step()
    float(loss)  # waits for libraries that compute asynchronously
    return (perf_counter() - start) / count


def memory(kind: str = "VmHWM") -> int | None:
    """Return the peak resident memory of this process, in bytes; None if unknown.

    On Linux, `VmRSS` is the current memory.
    """
    status = Path("/proc/self/status")
    if status.exists():  # getrusage on Linux would include the parent's memory before this program was loaded
        return 1024 * int(status.read_text().split(f"{kind}:")[1].split()[0])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Take turns until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the output of libraries must not mix with the answers

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
    except Exception as error:  # any error of a library belongs into the table
        answer({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
