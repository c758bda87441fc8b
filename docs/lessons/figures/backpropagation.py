"""The pictures of lesson 3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import FigureBase

from docs.lessons.backpropagation import averaged, cost, descend, neuron, summed
from minigrad import Scalar
from minigrad import draw as draw_graph
from minigrad.plots import Picture
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, number, tint


@dataclass(frozen=True)
class Graph:
    """A picture by `minigrad.draw`.

    Args:
        name: the name of the file, without suffix.
        drawing: the SVG text.
    """

    name: str
    drawing: str

    def save(self, folder: Path, svg: bool = True) -> Path:
        """Write `<name>.svg` into `folder`, and return its path; raise ValueError for another format."""
        if not svg:
            raise ValueError(f"{self.name} is an SVG picture: save it with svg=True")
        path = folder / f"{self.name}.svg"
        path.write_text(self.drawing, encoding="utf-8")
        return path


def graph() -> Graph:
    """Draw the graph of one neuron's cost, with values, derivatives and gradients."""
    names = neuron()
    return Graph("3_graph", draw_graph(names["C"], **names))


def nudging() -> Picture:
    """Draw a cost over small changes of two weights whose gradients are 3.2 and 0.1."""
    w1, w2 = Scalar(0.5), Scalar(2.0)
    here = cost(w1, w2)
    here.backward()
    changes = np.linspace(-0.1, 0.1, 101)
    curves = {
        "w₁": (w1.grad, [cost(w1.data + change, w2.data) for change in changes], BLUE, "-"),
        "w₂": (w2.grad, [cost(w1.data, w2.data + change) for change in changes], ORANGE, "-."),
    }

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        for name, (gradient, costs, color, line) in curves.items():
            axes.plot(changes, here.data + gradient * changes, ":", color=MUTED, linewidth=1.2)
            axes.plot(changes, costs, line, color=color, linewidth=1.8)
            text = f"{name}: gradient {number(gradient)}"
            end = (changes[-1], costs[-1])
            axes.annotate(text, end, (6, 0), textcoords="offset points", va="center", color=color)
        axes.plot(0, here.data, "o", color=INK, markersize=5)
        axes.grid()
        axes.set_xlim(changes[0], changes[-1])
        axes.set_xlabel("change of one weight")
        axes.set_ylabel("cost")

    title = "The same change of a weight changes the cost 32 times as much"
    note = "The gradient is the slope of a curve at the dot. The dotted lines are the tangents there."
    return Picture("3_nudging", title, note, (7.0, 2.8), draw)


def sum_and_mean() -> Picture:
    """Draw gradient descent on the mean of the squared errors over the outputs, and on their sum."""
    runs = {
        "sum, rate 5": (descend(summed, 5.0), ORANGE, "-.", 1.8),
        "mean, rate 5": (descend(averaged, 5.0), tint(BLUE, 0.35), "-", 5),
        "sum, rate 0.5": (descend(summed, 0.5), BLUE, "--", 1.8),
    }

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        for label, ((errors, _), color, line, width) in runs.items():
            axes.plot(errors, line, color=color, linewidth=width, label=label)
        axes.grid()
        axes.set_ylim(0, None)
        axes.set_xlabel("step")
        axes.set_ylabel("mean squared error")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)

    title = "A sum over ten outputs needs a tenth of the learning rate"
    note = (
        "Ten sigmoid neurons are trained on a hundred digits. With a tenth of the learning rate, the sum takes the "
        "same steps as the mean. With the same rate, its first step is too long: all outputs go to 0 and stay there."
    )
    return Picture("3_sum_and_mean", title, note, (7.0, 2.6), draw)


PICTURES = (graph, nudging, sum_and_mean)
