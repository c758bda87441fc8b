"""Text tables of the benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import median, quantiles

from benchmarks.config import LAYERS, ConfigFigures
from benchmarks.footprint import Footprint
from benchmarks.growth import Curve
from benchmarks.overhead import Overhead
from benchmarks.reading import Reading
from benchmarks.runner import Result
from benchmarks.workload import PEERS, Goal, Workload
from benchmarks.workloads.growth import AXES

MIB = 2**20


def render_comparison(workload: Workload, results: Sequence[Result]) -> str:
    """Return the table of a workload: the time and memory of each library, also relative to minigrad's.

    Ratios and differences of times are medians over the rounds, so that temporary slowness of the machine cancels out.
    Empty columns are omitted.
    """
    timed = {result.peer: result for result in results if result.seconds}
    ours, floor = timed.get("minigrad"), timed.get("numpy")
    scale, unit = (1e3, "ms") if timed and min(median(r.seconds) for r in timed.values()) >= 5e-3 else (1e6, "µs")
    rows = [
        ["", unit, "half of turns within", "÷ minigrad", "goal", f"{unit} over NumPy", "peak MiB", "÷ minigrad", "goal"]
    ]
    for result in results:
        name = PEERS[result.peer][0]
        if not result.seconds:
            rows.append([name, result.fault or "not timed"])
            continue
        low, middle, high = (three_digits(value * scale) for value in _quartiles(result.seconds))
        goal = workload.goals.get(result.peer, Goal())
        rows.append(
            [
                name,
                middle,
                f"{low} to {high}",
                f"{ratio(result, ours):.2f}" if ours else "",
                _least(goal.time),
                three_digits(_excess(result, floor) * scale) if floor and floor is not result else "",
                f"{result.peak / MIB:.0f}" if result.peak else "",
                f"{result.peak / ours.peak:.2f}" if ours and ours.peak and result.peak else "",
                _least(goal.memory),
            ]
        )
    return f"{workload.name}: {workload.title}\n{align(rows)}"


def middle(result: Result) -> float:
    """Return the median time of a step."""
    return median(result.seconds)


def ratio(result: Result, ours: Result) -> float:
    """Return the median over rounds of a step's time divided by minigrad's."""
    return median(theirs / mine for theirs, mine in zip(result.seconds, ours.seconds, strict=False))


def render_growth(curves: Sequence[Curve]) -> str:
    """Return a table of the times, memory and exponents of each library, for each size that is doubled."""
    rows: list[list[str]] = []
    for axis, group in groupby(curves, lambda curve: curve.axis):
        found = list(group)
        rows.append([f"{axis}: {AXES[axis]}", *map(str, found[0].sizes), "exponent"])
        rows += [_growth(curve, "ms", [s * 1e3 for s in curve.seconds], curve.time_exponent) for curve in found]
        rows += [
            _growth(curve, "MiB", [m if m is None else m / MIB for m in curve.memory], curve.memory_exponent)
            for curve in found
        ]
    title = "growth: a training step, time and peak memory beyond that of a tiny GPT, by the size that is doubled"
    return f"{title}\n{align(rows)}"


def _growth(curve: Curve, unit: str, values: Sequence[float | None], exponent: float | None) -> list[str]:
    name = f"{PEERS[curve.peer][0]}, {unit}"
    if curve.fault:
        return [name, curve.fault]
    power = "" if exponent is None else f"{exponent:.2f}"
    return [name, *("" if value is None else three_digits(value) for value in values), power]


def render_footprints(footprints: Sequence[Footprint]) -> str:
    """Return a table of the import times and sizes of all packages."""
    rows = [["", "ms to import", "half of times within", "MiB on disk"]]
    for footprint in footprints:
        low, middle, high = (f"{value * 1e3:.0f}" for value in _quartiles(footprint.seconds))
        rows.append([footprint.package, middle, f"{low} to {high}", f"{footprint.size / MIB:.1f}"])
    return f"footprint: import beyond NumPy (of NumPy: its own), and size without what is needed\n{align(rows)}"


def render_overhead(overheads: Sequence[Overhead]) -> str:
    """Return a table of the microseconds of an operation in two checkouts, their ratio, and the overhead over NumPy."""
    rows = [["", "µs", "before", "ratio", "half of ratios within", "µs by hand", "µs over NumPy"]]
    for overhead in overheads:
        ratios = [ours / other for ours, other in zip(overhead.seconds, overhead.others, strict=True)]
        low, middle, high = (f"{value:.2f}" for value in _quartiles(ratios))
        ours, before, by_hand = (median(s) * 1e6 for s in (overhead.seconds, overhead.others, overhead.by_hand))
        times = (f"{ours:.2f}", f"{before:.2f}", middle, f"{low} to {high}", f"{by_hand:.2f}", f"{ours - by_hand:.2f}")
        rows.append([overhead.name, *times])
    return f"overhead: one operation on 16 numbers, in chains, here and in the other checkout\n{align(rows)}"


def render_configs(figures: ConfigFigures) -> str:
    """Return a table of the times of configs and the recognized typos."""
    rows = [["", "ms", "half of times within", "worst"]]
    for name, seconds in (
        (f"{LAYERS} layers read, checked, built", figures.deep),
        ("a mutated config", figures.mutated),
    ):
        low, middle, high = (three_digits(value * 1e3) for value in _quartiles(seconds))
        rows.append([name, middle, f"{low} to {high}", three_digits(max(seconds) * 1e3)])
    right, count = figures.typos - len(figures.missed), len(figures.mutated)
    outcomes = f"{figures.plans:,} plans, {count - figures.plans:,} refused, {len(figures.faults)} of them wrongly"
    rows.append([f"{count:,} mutated configs", outcomes])
    rows.append([f"{figures.typos:,} typos", f"{100 * right / figures.typos:.1f} % with the right name suggested"])
    return (
        f"config: time to read and build configs, and suggestions for typos in the names of shipped ones\n{align(rows)}"
    )


def render_reading(readings: Sequence[Reading]) -> str:
    """Return a table of the times and memory of readers, also relative to the size of the file."""
    rows = [["", "s", "half of times within", "MiB at most", "times the file"]]
    for reading in readings:
        low, middle, high = (three_digits(value) for value in _quartiles(reading.seconds))
        peak = max(reading.peak)
        rows.append([reading.reader, middle, f"{low} to {high}", f"{peak / MIB:.0f}", f"{peak / reading.size:.2f}"])
    what = f"{readings[0].rows:,} rows of 20 columns, {readings[0].size / MIB:.0f} MiB of CSV"
    return f"reading: {what}, to a data frame (pandas) or to arrays that a model learns from\n{align(rows)}"


def three_digits(value: float) -> str:
    """Return `value` with three significant digits, and all digits of its integer part."""
    return f"{value:.{max(0, 2 - len(str(int(abs(value)))) + 1)}f}"


def _quartiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive")


def _excess(result: Result, floor: Result) -> float:
    return median(theirs - least for theirs, least in zip(result.seconds, floor.seconds, strict=False))


def _least(goal: float | None) -> str:
    return "" if goal is None else f"≥ {goal:.2f}"


def align(rows: list[list[str]]) -> str:
    """Return rows with aligned columns, the first one to the left, the others to the right.

    A row of two cells is a name and a remark. A column without values is omitted.
    """
    full = [row for row in rows if len(row) == len(rows[0])]
    kept = [i for i in range(len(rows[0])) if any(row[i] for row in full[1:])] if full[1:] else range(len(rows[0]))
    widths = [max(len(row[i]) for row in full) for i in kept]
    widths[0] = max(len(row[0]) for row in rows)
    lines = []
    for row in rows:
        name, *cells = (row[i] for i in kept) if len(row) == len(rows[0]) else row
        if len(cells) == 1:
            lines.append(f"  {name:<{widths[0]}}   {cells[0]}")
        else:
            padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
            lines.append(f"  {name:<{widths[0]}}   {'   '.join(padded)}".rstrip())
    return "\n".join(lines)
