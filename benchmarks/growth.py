"""Benchmark of growth: time and memory as powers of a network's sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from benchmarks.runner import Result
from benchmarks.workload import Workload
from benchmarks.workloads.growth import AXES, DOUBLINGS, POINTS, name, sizes


@dataclass
class Curve:
    """The time and memory of one library as functions of one size.

    Attributes:
        axis: the size, a key of `AXES`.
        sizes: the values of the size, each twice the previous one.
        seconds: the time of a step at each size, the median over turns.
        memory: the peak memory at each size, in bytes, beyond that of training a tiny GPT; None if unknown.
        time_exponent: the p of a time proportional to size^p.
        memory_exponent: the p of a memory proportional to size^p.
        fault: why there are no measurements; None if there are.
    """

    peer: str
    axis: str
    sizes: list[int]
    seconds: list[float] = field(default_factory=list)
    memory: list[int | None] = field(default_factory=list)
    time_exponent: float | None = None
    memory_exponent: float | None = None
    fault: str | None = None


def exponent(sizes: Sequence[int], values: Sequence[float | None]) -> float | None:
    """Return the least-squares slope of the logarithms; None if a value is not positive."""
    positive = [value for value in values if value is not None and value > 0]
    if len(positive) < len(sizes):
        return None
    return float(np.polyfit(np.log(sizes), np.log(positive), 1)[0])


def measure_growth(measure: Callable[[Workload, bool], list[Result]], smoke: bool = False) -> list[Curve]:
    """Measure all curves.

    Args:
        measure: `compare` with its options set; called with a workload, and whether to use tiny sizes.
        smoke: whether to use tiny sizes, doubled only once.
    """
    doublings = range(2 if smoke else DOUBLINGS + 1)
    names = dict.fromkeys(name(axis, k) for axis in AXES for k in doublings)
    points = {point: _by_peer(measure(POINTS[point], smoke)) for point in names}
    tiny = points["growth_0"] if smoke else _by_peer(measure(POINTS["growth_0"], True))
    return [
        _curve(
            peer,
            axis,
            [getattr(sizes(axis, k, smoke), axis) for k in doublings],
            [points[name(axis, k)][peer] for k in doublings],
            least,
        )
        for axis in AXES
        for peer, least in tiny.items()
    ]


def _by_peer(results: list[Result]) -> dict[str, Result]:
    """Return the results by library, without plain NumPy, which is only a reference."""
    return {result.peer: result for result in results if result.peer != "numpy"}


def _curve(peer: str, axis: str, values: list[int], results: list[Result], tiny: Result) -> Curve:
    curve = Curve(peer, axis, values, fault=next((result.fault for result in results if result.fault), None))
    if not curve.fault:
        curve.seconds = [median(result.seconds) for result in results]
        curve.memory = [result.peak - tiny.peak if result.peak and tiny.peak else None for result in results]
        curve.time_exponent = exponent(values, curve.seconds)
        curve.memory_exponent = exponent(values, curve.memory)
    return curve
