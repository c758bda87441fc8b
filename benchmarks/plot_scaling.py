"""A figure of the scaling over ranks: measured sums of gradients, and a model's projections."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.scaling import RANKS, Scaling
from minigrad.plots.picture import CLASS_COLORS, INK, MUTED, number

NOTE = (
    "Left, measured: the ordered sum of gradients over two ranks of this machine, and a fitted line. Others: A MODEL, "
    "not a measurement, from latency and bandwidth, with one shard on each rank and no overlap. Solid: ordered sums, "
    "with the bits of one process. Dashed: trainer.reduce=fast."
)

SHOWN = RANKS[::2]
"""The labeled numbers of ranks."""


def draw_scaling(figure: FigureBase, scaling: Scaling) -> None:
    """Draw the measured sums, and the projected efficiencies of each workload."""
    axes: Any = figure.subplots(1, 1 + len(scaling.steps), width_ratios=[1, *(1.1 for _ in scaling.steps)])
    _draw_sums(axes[0], scaling)
    networks = groupby(scaling.projected.items(), lambda item: item[0].partition(", ")[0])
    for panel, (workload, lines) in zip(axes[1:], networks, strict=True):
        panel.set_title(workload)
        _draw_projections(panel, dict(lines))


def _draw_sums(axes: Axes, scaling: Scaling) -> None:
    sizes = np.array(scaling.sizes)
    axes.set_title("Sum over two ranks")
    axes.plot(sizes / 2**10, np.array(scaling.seconds) * 1e3, "o", markersize=3.5, color=CLASS_COLORS[0])
    fitted = (scaling.latency + sizes / scaling.bandwidth) * 1e3
    axes.plot(sizes / 2**10, fitted, color=INK, linewidth=0.9)
    axes.annotate(
        f"{number(scaling.latency * 1e6)} µs + size ÷ {number(scaling.bandwidth / 1e9)} GB/s",
        (0.03, 0.94), xycoords="axes fraction", color=MUTED, fontsize=8,
    )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator([2**k for k in range(2, 20, 4)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("KiB of gradients")
    axes.set_ylabel("ms")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.grid(axis="y")


def _draw_projections(axes: Axes, lines: dict[str, list[float]]) -> None:
    colors: dict[str, str] = {}
    for name, shares in lines.items():
        network, _, kind = name.partition(", ")[2].rpartition(", ")
        is_new = network not in colors
        color = colors.setdefault(network, CLASS_COLORS[len(colors)])
        dashes = "-" if kind == "ordered" else "--"
        axes.plot(RANKS, np.array(shares) * 100, dashes, color=color, linewidth=1.4, label=network if is_new else None)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(SHOWN))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_ylim(0, 103)
    axes.set_xlabel("ranks")
    axes.set_ylabel("efficiency, % (model)")
    axes.grid(axis="y")
    axes.legend(loc="lower left", fontsize=7.5)
