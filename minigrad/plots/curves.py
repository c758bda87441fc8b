"""Learning curves: loss, metrics and learning rate."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, Picture, number
from minigrad.plots.run import Run

WIDTH, HEIGHT = 7.6, 2.3  # inches of one panel


def curves(run: Run) -> list[Picture]:
    """Draw the learning curves from `metrics.jsonl`.

    The list is empty while the file is.
    """
    measured = dict.fromkeys(name.partition("/")[2] for record in run.records for name in record if "/" in name)
    panels = [name for name in measured if any(len(run.series(f"{part}/{name}")[0]) for part in ("train", "val"))]
    if not panels:
        return []

    def draw(figure: FigureBase) -> None:
        rows = figure.subplots(len(panels) + 1, 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(rows, panels, strict=False):
            _draw_metric(axes, run, name)
        rows[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.01), ncols=2, borderaxespad=0, handlelength=1.6)
        _learning_rate(rows[-1], run)
        steps, epochs = run.series("epoch")
        in_epoch = f" ({number(steps[-1] / epochs[-1])} in one epoch)" if len(epochs) and epochs[-1] > 0 else ""
        rows[-1].set_xlabel(f"optimizer step{in_epoch}")
        rows[-1].xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        rows[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        if run.best_step is not None:
            for axes in rows:
                axes.axvline(run.best_step, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))

    size = (WIDTH, HEIGHT * len(panels) + 1.9)
    return [Picture("curves", _headline(run), _note(run), size, draw)]


def _headline(run: Run) -> str:
    steps, losses = run.series("val/loss")
    part = "validation" if len(losses) else "training"
    if not len(losses):
        steps, losses = run.series("train/loss")
    if len(losses) == 0:
        return "Learning curves"
    if len(losses) == 1:
        return f"The {part} loss is {number(losses[0])} at step {steps[0]:,.0f}"
    low = losses.argmin()
    if low == 0:
        return f"The {part} loss never fell below its first value, {number(losses[0])}"
    return f"The {part} loss fell from {number(losses[0])} to {number(losses[low])} at step {steps[low]:,.0f}"


def _note(run: Run) -> str:
    note = "The model overfits where training values still improve, but validation values get worse."
    if run.best_step is not None:
        note += f" The dotted line marks the step of the best weights, {run.best_step:,}."
    return note


def _draw_metric(axes: Axes, run: Run, name: str) -> None:
    """Draw the training and validation values of one name."""
    looks = (("train", "training", BLUE, "-", 1.0, ""), ("val", "validation", ORANGE, "-", 1.6, "o"))
    seen = []
    for part, label, color, dashes, width, marker in looks:
        steps, values = run.series(f"{part}/{name}")
        if len(steps):
            marker = marker or ("o" if len(steps) == 1 else "")  # a line of one point is invisible
            axes.plot(steps, values, dashes, color=color, linewidth=width, marker=marker, markersize=3.5, label=label)
            seen.append(values)
    values = np.concatenate(seen)
    title = name.replace("_", " ").capitalize()
    if values.min() > 0 and values.max() > 20 * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if values.max() < 200 * values.min() else (1.0,)))
        axes.yaxis.set_minor_locator(NullLocator())
        title += "  (logarithmic)"
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.grid(axis="y")
    axes.set_title(title)


def _learning_rate(axes: Axes, run: Run) -> None:
    steps, values = run.series("lr")
    axes.plot(steps, values, color=MUTED, linewidth=1.4, marker="." if len(steps) == 1 else "")
    axes.set_ylim(0, values.max(initial=0) * 1.1 or 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(axis="y")
    axes.set_title("Learning rate")
