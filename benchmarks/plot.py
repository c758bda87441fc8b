"""Figures of the benchmarks: times relative to minigrad's, and growth of time and memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from benchmarks.growth import Curve
from benchmarks.plot_scaling import NOTE, draw_scaling
from benchmarks.runner import Result
from benchmarks.scaling import Scaling
from benchmarks.table import MIB, ratio, three_digits
from benchmarks.workload import PEERS, Goal
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.growth import AXES
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, RULE, Picture, number, short

WIDTH, ROW, MARGIN, PANEL = 8.4, 0.21, 0.55, 2.1  # inches
BESIDE = 4  # panels of growth
NEAR = 1.5
"""The end of a bar's number, as a multiple of the bar's end."""

TITLE_LENGTH = 95  # characters

LOOKS = {"minigrad": (BLUE, "o", "-", 0.14), "torch": (ORANGE, "s", "--", 0.03)}
"""Color, marker and dashes of a curve, and the height of its name in a panel."""


def plot(
    path: Path, results: Mapping[str, Sequence[Result]], curves: Sequence[Curve], scaling: Scaling | None = None
) -> None:
    """Draw results of workloads by name, growth curves, and the scaling over ranks, as PNG or SVG.

    Raises:
        ValueError: if no library was timed besides minigrad.
        OSError: if the file cannot be written.
    """
    bars = {name: found for name, peers in results.items() if (found := _ratios(peers))}
    rows = sum(len(found) + 2 for found in bars.values())
    heights: dict[Callable[..., None], float] = {
        _draw_ratios: rows * ROW + MARGIN if bars else 0,
        _draw_growth: 2 * PANEL * -(-len(AXES) // BESIDE) if curves else 0,
        draw_scaling: 1.3 * PANEL if scaling and not scaling.fault else 0,
    }
    shown = {_draw_ratios: bars, _draw_growth: curves, draw_scaling: scaling}
    parts = [part for part in heights if heights[part]]
    if not parts:
        raise ValueError("nothing to draw: no peer was timed beside minigrad")

    def draw(figure: FigureBase) -> None:
        panels: Any = figure.subfigures(len(parts), 1, squeeze=False, height_ratios=[heights[part] for part in parts])
        for part, panel in zip(parts, panels[:, 0], strict=True):
            part(panel, shown[part])

    notes = []
    if bars:
        notes.append(
            "Time of the same work as a multiple of minigrad's, the median over interleaved rounds. Orange: faster "
            "than minigrad. Black marks: goals."
        )
    if curves:
        notes.append(
            "Curves: a training step in which one size is doubled repeatedly, with the exponent of each library."
        )
    if heights[draw_scaling]:
        notes.append(NOTE)
    size = WIDTH, sum(heights.values())
    alone = "Growth of a training step" if curves else "The cost of several ranks"
    title = "minigrad compared with other libraries" if bars else alone
    Picture(path.stem, title, " ".join(notes), size, draw).save(path.parent, svg=path.suffix == ".svg")


def _ratios(results: Sequence[Result]) -> dict[str, float]:
    """Return the time of each library divided by minigrad's."""
    timed = {result.peer: result for result in results if result.seconds}
    ours = timed.pop("minigrad", None)
    return {peer: ratio(result, ours) for peer, result in timed.items()} if ours else {}


def _draw_ratios(figure: FigureBase, bars: Mapping[str, Mapping[str, float]]) -> None:
    axes = figure.subplots()
    row, labels = 0, {}
    for name, ratios in bars.items():
        axes.text(
            0.01, row, short(WORKLOADS[name].title, TITLE_LENGTH), transform=axes.get_yaxis_transform(), va="center"
        )
        for peer, value in ratios.items():
            row += 1
            labels[row] = PEERS[peer][0]
            _draw_ratio(axes, row, value, WORKLOADS[name].goals.get(peer, Goal()).time)
        row += 2
    axes.set_xscale("log")
    axes.axvline(1, color=INK, linewidth=0.8)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.5), max(high, 2) * 1.5)  # leaves space for the numbers after the bars
    axes.set_ylim(row - 1, -1)
    axes.yaxis.set_major_locator(FixedLocator(list(labels)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda place, _: labels.get(round(place), "")))
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=RULE)
    axes.set_xlabel("time ÷ minigrad's, logarithmic")


def _draw_ratio(axes: Axes, row: int, value: float, goal: float | None) -> None:
    axes.barh(row, value - 1, left=1, height=0.62, color=BLUE if value >= 1 else ORANGE)
    end = max(value, 1.0)
    if goal is not None and end < goal < NEAR * end:  # the mark would be on top of the number
        end = goal
    axes.annotate(
        three_digits(value), (end, row), (4, 0), textcoords="offset points", va="center", color=MUTED, fontsize=8
    )
    if goal is not None:
        axes.plot([goal, goal], [row - 0.42, row + 0.42], color=INK, linewidth=2)


def _draw_growth(figure: FigureBase, curves: Sequence[Curve]) -> None:
    rows = -(-len(AXES) // BESIDE)
    panels: Any = figure.subplots(2 * rows, BESIDE, sharey="row", squeeze=False)
    columns = [column for row in range(rows) for column in panels[2 * row : 2 * row + 2].T]
    for column in columns[len(AXES) :]:
        for axes in column:
            axes.remove()
    for column, (axis, group) in zip(columns, groupby(curves, lambda curve: curve.axis), strict=False):
        for curve in group:
            _draw_curve(column[0], curve, [1e3 * seconds for seconds in curve.seconds], curve.time_exponent)
            memory = [None if size is None or size <= 0 else size / MIB for size in curve.memory]
            _draw_curve(column[1], curve, memory, curve.memory_exponent)
        column[0].set_title(AXES[axis])
        column[1].set_xlabel(axis)
        for axes in column:
            axes.xaxis.set_major_locator(FixedLocator(curve.sizes))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
            axes.xaxis.set_minor_locator(NullLocator())
        column[0].tick_params(labelbottom=False)
    for axes, label in zip(panels[:, 0], ("time, ms", "memory, MiB") * rows, strict=True):
        axes.set_ylabel(label)
        low, high = axes.get_ylim()
        axes.set_ylim(low / 3, high)  # leaves space for the names
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_curve(axes: Axes, curve: Curve, values: Sequence[float | None], exponent: float | None) -> None:
    """Draw a curve, if it was measured."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(axis="y")
    points = [(size, value) for size, value in zip(curve.sizes, values, strict=False) if value is not None]
    if not points:
        return
    color, marker, dashes, height = LOOKS[curve.peer]
    axes.plot(*zip(*points, strict=True), dashes, marker=marker, markersize=3.5, color=color)
    power = "" if exponent is None else f"{exponent:.2f}"
    label = f"{PEERS[curve.peer][0]} {power}"
    axes.text(0.98, height, label, color=color, fontsize=8, ha="right", transform=axes.transAxes)
