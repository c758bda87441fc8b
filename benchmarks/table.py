"""What was measured, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles

from benchmarks.config import LAYERS, ConfigFigures
from benchmarks.footprint import Footprint
from benchmarks.runner import Result
from benchmarks.workload import PEERS, Workload

MIB = 2**20


def render_comparison(workload: Workload, results: Sequence[Result]) -> str:
    """One workload: a line for each peer, in µs, with its ratio to minigrad and its difference from NumPy by hand.

    Both are medians of what was found in each round, so that a moment in which the machine was slow for all drops out.
    """
    seconds = {result.peer: result.seconds for result in results if result.seconds}
    ours, floor = seconds.get("minigrad"), seconds.get("numpy")
    rows = [["", "µs", "half of turns within", "÷ minigrad", "µs over NumPy", "peak MiB"]]
    for result in results:
        name = PEERS[result.peer][0]
        if not result.seconds:
            rows.append([name, result.fault or "not timed"])
            continue
        low, middle, high = _quartiles(result.seconds)
        compared = floor if floor is not result.seconds else None
        rows.append(
            [
                name,
                _number(middle * 1e6),
                f"{_number(low * 1e6)} to {_number(high * 1e6)}",
                f"{median(_each(result.seconds, ours, '/')):.2f}" if ours else "",
                _number(median(_each(result.seconds, compared, "-")) * 1e6) if compared else "",
                f"{result.peak / MIB:.0f}" if result.peak else "",
            ]
        )
    return f"{workload.name}: {workload.title}\n{_align(rows)}"


def render_footprints(footprints: Sequence[Footprint]) -> str:
    """Import times and sizes of all packages."""
    rows = [["", "ms to import", "half of times within", "MiB on disk"]]
    for footprint in footprints:
        low, middle, high = (f"{value * 1e3:.0f}" for value in _quartiles(footprint.seconds))
        rows.append([footprint.package, middle, f"{low} to {high}", f"{footprint.size / MIB:.1f}"])
    return f"footprint: import beyond NumPy (of NumPy: its own), and size without what is needed\n{_align(rows)}"


def render_configs(figures: ConfigFigures) -> str:
    """Milliseconds, and what was recognised."""
    rows = [["", "ms", "half of times within", "worst"]]
    for name, seconds in (
        (f"{LAYERS} layers read, checked, built", figures.deep),
        ("a mutated config", figures.mutated),
    ):
        low, middle, high = (_number(value * 1e3) for value in _quartiles(seconds))
        rows.append([name, middle, f"{low} to {high}", _number(max(seconds) * 1e3)])
    right, count = figures.typos - len(figures.missed), len(figures.mutated)
    outcomes = f"{figures.plans:,} plans, {count - figures.plans:,} refused, {len(figures.faults)} of them wrongly"
    rows.append([f"{count:,} mutated configs", outcomes])
    rows.append([f"{figures.typos:,} typos", f"{100 * right / figures.typos:.1f} % with the right name suggested"])
    return f"config: what a config costs, and whether a typo in any name of a shipped one is recognised\n{_align(rows)}"


def _quartiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive")


def _each(values: Sequence[float], others: Sequence[float], operator: str) -> list[float]:
    pairs = zip(values, others, strict=False)
    return [a / b if operator == "/" else a - b for a, b in pairs]


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.{max(0, 2 - len(str(int(abs(value)))) + 1)}f}"


def _align(rows: list[list[str]]) -> str:
    """Columns side by side, the first to the left, the others to the right; a row of two is a name and a remark."""
    full = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(len(row[i]) for row in full) for i in range(len(rows[0]))]
    widths[0] = max(len(row[0]) for row in rows)
    lines = []
    for name, *cells in rows:
        if len(cells) == 1:
            lines.append(f"  {name:<{widths[0]}}   {cells[0]}")
        else:
            padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
            lines.append(f"  {name:<{widths[0]}}   {'   '.join(padded)}".rstrip())
    return "\n".join(lines)
