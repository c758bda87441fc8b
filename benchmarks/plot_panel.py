"""A figure of the panel's ratios."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import FigureBase
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from benchmarks.panel import EAGER, PYTORCH, Compared
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, RULE, Picture, number, short

WIDTH, ROW, MARGIN = 8.4, 0.24, 0.6  # inches

MARKS = (
    ("PyTorch eager ÷ best way", "o", BLUE, lambda row: row.times([EAGER])),
    ("PyTorch eager ÷ plain loop", "|", MUTED, lambda row: row.times([EAGER], "bare")),
    ("PyTorch's best ÷ best way", "D", ORANGE, lambda row: row.times(PYTORCH)),
    ("JAX jit ÷ best way", "x", INK, lambda row: row.times(["jax"])),
)
"""The series of the figure: name, marker, color, and the value for a row."""


def plot_panel(path: Path, rows: Sequence[Compared]) -> None:
    """Draw all ratios, as PNG or SVG.

    Raises:
        ValueError: if no library was timed besides minigrad.
        OSError: if the file cannot be written.
    """
    values = [[value(row) for row in rows] for *_, value in MARKS]
    if not any(value is not None for found in values for value in found):
        raise ValueError("nothing to draw: no peer was timed beside minigrad")

    def draw(figure: FigureBase) -> None:
        axes: Any = figure.subplots()
        for (name, mark, color, _), found in zip(MARKS, values, strict=True):
            points = [(value, place) for place, value in enumerate(found) if value is not None]
            if points:
                axes.plot(*zip(*points, strict=True), mark, color=color, markersize=6, label=name, linestyle="none")
        axes.axvline(1, color=INK, linewidth=0.8)
        axes.set_xscale("log")
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.yaxis.set_major_locator(FixedLocator(range(len(rows))))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda place, _: short(rows[round(place)].title, 60)))
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(axis="both", color=RULE)
        axes.set_xlabel("time ÷ minigrad's, logarithmic")
        axes.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=2, fontsize=8)

    note = (
        "Time divided by minigrad's: right of 1, minigrad is faster. Medians of interleaved turns, separate processes."
    )
    size = WIDTH, len(rows) * ROW + MARGIN
    Picture(path.stem, "Typical workloads, compared with PyTorch and JAX", note, size, draw).save(
        path.parent, svg=path.suffix == ".svg"
    )
