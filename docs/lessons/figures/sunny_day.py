"""The pictures of lesson 2."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from docs.lessons.sunny_day import (
    CIRCLES,
    INITIALISATIONS,
    LAYERS,
    LINE,
    WIDTH,
    experiment,
    learning,
    probability,
    sizes,
)
from minigrad import ops
from minigrad.data import Examples
from minigrad.plots import Picture
from minigrad.plots.picture import BLUE, CLASS_COLORS, CLASS_MARKERS, INK, ORANGE, number, tint

WARM = 0.5
NEAR = 0.1  # the largest distance of a shown day from WARM
STEPS = (0, 3, 10, 380)
DASHES = (":", "-", "--")
POINTS = 120  # along each edge of a plane


def boundary() -> Picture:
    """Draw the effects of weights and bias on the boundary."""

    def draw(figure: FigureBase) -> None:
        turned, shifted = _panels(figure, ("the weights turn it", "the bias shifts it"))
        for weight, dash in zip((-0.1, -0.4, -1.2), DASHES, strict=True):
            _line(turned, 0.6, weight, -0.15, linestyle=dash, label=f"weight of\ncloudy {number(weight)}")
        for bias, dash in zip((0.4, 0.2, 0.0), DASHES, strict=True):
            _line(shifted, 0.6, -0.4, bias - 0.35, linestyle=dash, label=f"bias {number(bias)}")
        for axes in (turned, shifted):
            _weather(axes)
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), labelspacing=0.8)

    note = "Days that are half warm. Right of a line, the answer is Sunny Day. Solid: the neuron of the lesson."
    return Picture("2_boundary", "The decision boundary of a neuron", note, (7.0, 2.6), draw)


def learning_days() -> Picture:
    """Draw the boundary during the training of the neuron."""
    snapshots = learning(STEPS)
    days = experiment("sunny_day").data.train
    near = np.abs(days.inputs[:, 1] - WARM) < NEAR
    shown = Examples(days.inputs[near][:, [0, 2]], days.targets[near])
    clear, cloudy = _grid((0, 1))

    def draw(figure: FigureBase) -> None:
        titles = [f"step {snapshot.step}: {snapshot.accuracy:.0%} correct" for snapshot in snapshots]
        for axes, snapshot in zip(_panels(figure, titles), snapshots, strict=True):
            first, warm, second = snapshot.weights
            bias = snapshot.bias + WARM * warm
            _regions(axes, ops.sigmoid(first * clear + second * cloudy + bias), (0, 1))
            _line(axes, first, second, bias)
            _examples(axes, shown, 3.5)
            _weather(axes)

    range_shown = f"{number(WARM - NEAR)} to {number(WARM + NEAR)}"
    note = (
        f"Days that are about half warm ({range_shown}); orange squares are sunny days. The line is w·x + b = 0. The "
        "background is the prediction, in a stronger color where the neuron is more confident."
    )
    return Picture("2_learning_days", "The decision boundary during training", note, (7.0, 2.0), draw)


def xor() -> Picture:
    """Draw XOR, for one neuron and with a hidden layer."""
    return _line_and_hidden("2_xor", "XOR: no line separates the classes, a hidden layer does", (), (-0.5, 1.5), 9)


def circles() -> Picture:
    """Draw two circles, for one neuron and with a hidden layer."""
    return _line_and_hidden(
        "2_circles", "Circles: no line separates the classes, a hidden layer does", CIRCLES, (-1.4, 1.4), 3.5
    )


def ten_layers() -> Picture:
    """Draw the size of activations through ten layers."""
    found = {name: sizes(std) for name, std in INITIALISATIONS.items()}

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        for (name, values), color, marker in zip(found.items(), (BLUE, INK, ORANGE), CLASS_MARKERS, strict=False):
            axes.plot(range(LAYERS + 1), values, marker, color=color, linestyle="-", markersize=4)
            text = f"std {name}:\n× {number(INITIALISATIONS[name] * (WIDTH / 2) ** 0.5)} per layer"
            axes.annotate(text, (LAYERS, values[-1]), (10, 0), textcoords="offset points", color=color, va="center")
        axes.set_yscale("log")
        axes.set_yticks([1e-10, 1e-5, 1, 1e5, 1e10], ["10⁻¹⁰", "10⁻⁵", "1", "10⁵", "10¹⁰"])
        axes.minorticks_off()
        axes.set_xticks(range(LAYERS + 1))
        axes.set_xlabel("layer")
        axes.set_ylabel("root mean square")

    note = (
        f"The root mean square of the activations after each of {LAYERS} layers of {WIDTH} neurons with ReLU. Inputs "
        "and weights are normal random numbers; std is the standard deviation of the weights."
    )
    return Picture("2_ten_layers", "Initial weights decide the size of activations", note, (7.0, 2.8), draw)


def _line_and_hidden(name: str, title: str, data: tuple[str, ...], limits: tuple[float, float], size: float) -> Picture:
    """Draw the predictions for two classes, of one neuron and with a hidden layer."""
    runs = {"one neuron": experiment("xor", data + LINE), "eight hidden neurons": experiment("xor", data)}
    right = {}
    for what, run in runs.items():
        right[what] = run.fit()["test/accuracy"]

    def draw(figure: FigureBase) -> None:
        titles = [f"{what}: {right[what]:.0%} correct" for what in runs]
        ticks = np.arange(np.ceil(limits[0]), limits[1])
        for axes, run in zip(_panels(figure, titles), runs.values(), strict=True):
            x, y = _grid(limits)
            likely = probability(run.model, np.stack([x, y], axis=-1))
            _regions(axes, likely, limits)
            axes.contour(x, y, likely, levels=[0.5], colors=[INK], linewidths=1.1)
            _examples(axes, run.data.test, size)
            axes.set_xticks(ticks)
            axes.set_yticks(ticks)

    note = "The background is the prediction, in a stronger color where the network is more confident."
    return Picture(name, title, note, (7.0, 3.2), draw)


def _panels(figure: FigureBase, titles: Any) -> list[Axes]:
    """Return square axes side by side."""
    panels = np.atleast_1d(figure.subplots(1, len(titles), sharey=True))
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, fontsize=9 if len(titles) < 4 else 8)
        axes.set_aspect("equal")
    return list(panels)


def _weather(axes: Axes) -> None:
    """Label the axes of days."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("clear")
    axes.set_ylabel("cloudy")
    axes.label_outer()
    axes.set_xticks([0, 1])
    axes.set_yticks([0, 1])


def _grid(limits: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the two coordinates of all points of a plane."""
    side = np.linspace(*limits, POINTS)
    x, y = np.meshgrid(side, side)
    return x, y


def _line(axes: Axes, first: float, second: float, bias: float, **style: Any) -> None:
    """Draw the line first · x + second · y + bias = 0."""
    length = first**2 + second**2
    foot = -bias * first / length, -bias * second / length  # the point closest to the origin
    axes.axline(foot, (foot[0] - second, foot[1] + first), color=INK, linewidth=1.3, **style)


def _regions(axes: Axes, likely: np.ndarray, limits: tuple[float, float]) -> None:
    """Draw the probability of each class over the plane; 0.5 is white."""
    lead = 2 * likely - 1
    no, yes = (tint(color, 0.35 * np.abs(lead)) for color in CLASS_COLORS[:2])
    colors = np.where(lead[..., np.newaxis] > 0, yes, no)
    axes.imshow((255 * colors).astype(np.uint8), extent=(*limits, *limits), origin="lower", interpolation="none")


def _examples(axes: Axes, examples: Examples, size: float) -> None:
    """Draw the examples, each class with a color and a marker."""
    for label, (color, marker) in enumerate(zip(CLASS_COLORS[:2], CLASS_MARKERS, strict=False)):
        points = examples.inputs[examples.targets[:, 0] == label]
        axes.plot(*points.T, marker, color=color, markersize=size, markeredgecolor="#ffffff", markeredgewidth=0.5)


PICTURES = (boundary, learning_days, xor, circles, ten_layers)
