"""Lower bounds of a step's time: matrix products, memory traffic, and calls."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

STEPS = 3
"""Steps that are analyzed."""

CACHE = 2**20
"""Arrays of up to this many bytes stay in a cache, and cause no memory traffic."""


def limits(step: Callable[[], Any]) -> dict[str, float]:
    """Return three lower bounds of the seconds of a minigrad step.

    `products` is the time of its matrix products in NumPy, on the threads of this process. `memory` is the time of
    writing and reading every result once, at this machine's copying speed. `calls` is the time of as many operations
    and derivatives on a few numbers.
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
    """Return the time of reading one byte and writing another."""
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
    return _shortest(lambda: np.copyto(target, source)) / size


def _seconds_of_a_call(count: int = 200) -> float:
    """Return the time of an operation on few numbers, including its derivative."""
    import minigrad

    x = minigrad.Tensor(np.ones(4, np.float32), requires_grad=True)

    def chain() -> None:
        y = x
        for _ in range(count):
            y = y * 1.0
        y.sum().backward()

    return _shortest(chain) / count


def _shortest(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(5):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)
