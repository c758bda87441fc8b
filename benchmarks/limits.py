"""What a step could be: the time of its matrix products, of its passes over memory, and of its calls."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

STEPS = 3
"""Steps that are looked at."""

CACHE = 2**20
"""Bytes of an array that stays in a cache, so that writing and reading it are no passes over memory."""


def limits(step: Callable[[], Any]) -> dict[str, float]:
    """Returns the seconds that a step of minigrad takes at least, by what takes them.

    `products`: its matrix products alone in NumPy, on the threads of this process. `memory`: writing each array that an
    operation makes, and reading it once, as fast as this machine copies. `calls`: an operation and its derivative on a
    few numbers, as often as there are operations.
    """
    import minigrad

    with minigrad.profile() as found:
        for _ in range(STEPS):
            step()
    calls = sum(entry.calls for entry in found.entries.values())
    moved = sum(entry.allocated for entry in found.entries.values() if entry.allocated > CACHE * max(entry.calls, 1))
    return {
        "products": found.seconds_of_products() / STEPS,
        "memory": moved * _seconds_of_a_byte() / STEPS,
        "calls": calls * _seconds_of_a_call() / STEPS,
    }


def _seconds_of_a_byte(size: int = 2**25) -> float:
    """The time in which a byte is read, and another written."""
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
    return _shortest(lambda: np.copyto(target, source), 5) / size


def _seconds_of_a_call(count: int = 200) -> float:
    """The time of an operation on few numbers, and of its derivative."""
    import minigrad

    x = minigrad.Tensor(np.ones(4, np.float32), requires_grad=True)

    def chain() -> None:
        y = x
        for _ in range(count):
            y = y * 1.0
        y.sum().backward()

    return _shortest(chain, 5) / count


def _shortest(work: Callable[[], Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)
