"""How time and memory grow with the sizes of a network, and with which power."""

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
    """How one peer grows with one size.

    Attributes:
        axis: the size, as in `AXES`.
        sizes: its values, each the double of the one before.
        seconds: of a step, at each: the median over turns.
        memory: the peak at each, in bytes, beyond that of a process that trains a tiny GPT; None if unknown.
        time_exponent: p where the time goes with the p-th power of the size.
        memory_exponent: p where the memory does.
        fault: why there are no figures, or None.
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
    """Returns the slope of the line through the logarithms, by least squares; None if a value is not above 0."""
    positive = [value for value in values if value is not None and value > 0]
    if len(positive) < len(sizes):
        return None
    return float(np.polyfit(np.log(sizes), np.log(positive), 1)[0])


def measure_growth(measure: Callable[[Workload, bool], list[Result]], smoke: bool = False) -> list[Curve]:
    """Measures all curves.

    Args:
        measure: `compare` with all its options; it is given a workload, and whether the sizes are to be tiny.
        smoke: whether all sizes are tiny, and doubled once.
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
    """Without NumPy by hand, which is but the reference of some."""
    return {result.peer: result for result in results if result.peer != "numpy"}


def _curve(peer: str, axis: str, values: list[int], results: list[Result], tiny: Result) -> Curve:
    curve = Curve(peer, axis, values, fault=next((result.fault for result in results if result.fault), None))
    if not curve.fault:
        curve.seconds = [median(result.seconds) for result in results]
        curve.memory = [result.peak - tiny.peak if result.peak and tiny.peak else None for result in results]
        curve.time_exponent = exponent(values, curve.seconds)
        curve.memory_exponent = exponent(values, curve.memory)
    return curve
