"""The pictures of lesson 4; all but the first train networks on MNIST."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.patches import Rectangle

from docs.lessons.digit_network import (
    WIDTHS,
    mean_by_class,
    mistakes,
    most_selective,
    strongest_region,
    sums,
    trained,
    typical,
)
from docs.lessons.figures.colors import signed
from minigrad import ops
from minigrad.plots import Picture
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, RULE, bare, number, tint

SIDE = 28
DASHES = ("--", "-", "-.")
COLORS = (ORANGE, INK, BLUE)


def sigmoid() -> Picture:
    """Draw the activation of a neuron with one input, for three weights and for three biases."""
    x = np.linspace(-12, 12, 241)
    panels = {
        "three weights, bias 0": {f"weight {number(w)}": w * x for w in (0.5, 1.0, 2.0)},
        "three biases, weight 1": {f"bias {number(b)}": x + b for b in (-8.0, 0.0, 8.0)},
    }

    def draw(figure: FigureBase) -> None:
        for axes, (title, curves) in zip(figure.subplots(1, 2, sharey=True), panels.items(), strict=True):
            axes.set_title(title, pad=20)
            for (label, z), line, color in zip(curves.items(), DASHES, COLORS, strict=True):
                axes.plot(x, ops.sigmoid(z), line, color=color, linewidth=1.8, label=label)
            axes.grid()
            axes.set_xticks(np.arange(-12, 13, 4))
            axes.set_xlabel("input x")
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, fontsize=8,
                        handlelength=1.8, columnspacing=1.2)  # fmt: skip
        figure.axes[0].set_ylabel("activation σ(w·x + b)")

    title = "The weight sets the slope of the sigmoid, the bias shifts it"
    note = "The activation is 0.5 where w·x + b = 0, which is at x = −b/w."
    return Picture("4_sigmoid", title, note, (7.0, 2.7), draw)


def first_layer() -> Picture:
    """Draw the weights of each hidden node as an image."""
    images = trained().model[0].weight.data.reshape(-1, SIDE, SIDE)
    limit = float(np.quantile(np.abs(images), 0.998))

    def draw(figure: FigureBase) -> None:
        grid = figure.subplots(2, 8)
        for node, axes in enumerate(grid.flat):
            bare(axes)
            axes.set_title(str(node), color=MUTED, fontweight="normal", pad=2)
            axes.imshow(signed(images[node], limit))

    title = "The weights of 16 hidden nodes, each as an image of 28 × 28"
    note = (
        "Blue weights are positive, orange ones negative, white ones near 0: ink on blue increases the sum of the "
        "node, ink on orange decreases it. Some nodes respond to a stroke, none to a whole digit."
    )
    return Picture("4_first_layer", title, note, (7.0, 2.1), draw)


def answers() -> Picture:
    """Draw the mean activation of each hidden node for each digit, and the image with the largest activation."""
    experiment = trained()
    val = experiment.data.val
    z = sums(experiment.model[0], val.inputs)
    means = mean_by_class(ops.sigmoid(z), val)
    favorites = val.inputs[z.argmax(axis=0)].reshape(-1, SIDE, SIDE)
    digits, nodes = means.shape

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        axes.imshow(tint(BLUE, 0.9 * means))
        for digit, node in np.ndindex(digits, nodes):
            color = "#ffffff" if means[digit, node] > 0.5 else INK
            axes.text(node, digit, f"{100 * means[digit, node]:.0f}", ha="center", va="center", fontsize=7, color=color)
        for node, image in enumerate(favorites):
            axes.imshow(tint(INK, image), extent=(node - 0.45, node + 0.45, -0.65, -1.55))
        axes.set_xlim(-0.5, nodes - 0.5)
        axes.set_ylim(digits - 0.5, -1.6)
        axes.set_xticks(range(nodes))
        axes.set_yticks(range(digits))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("hidden node")
        axes.set_ylabel("digit")

    title = "Which digits each hidden node responds to"
    note = (
        "The mean activation in percent, over the validation images of each digit. At the top: for each node, the "
        "image with the largest activation."
    )
    return Picture("4_answers", title, note, (7.0, 4.9), draw)


def region() -> Picture:
    """Draw a node before and after all of its weights outside a region are set to zero."""
    experiment = trained()
    layer, val = experiment.model[0], experiment.data.val
    answers = mean_by_class(ops.sigmoid(sums(layer, val.inputs)), val)
    node = most_selective(answers)
    favorite = int(answers[:, node].argmax())
    weights = layer.weight.data[node].reshape(SIDE, SIDE)
    inside = strongest_region(weights)
    seen = {
        "all weights": val.inputs @ weights.ravel(),
        "only the region": val.inputs @ (weights * inside).ravel(),
    }
    images = {
        digit: val.inputs[typical(seen["only the region"], val, digit)].reshape(SIDE, SIDE)
        for digit in dict.fromkeys((favorite, 0, 3, 7))
    }
    limit = float(np.quantile(np.abs(weights), 0.998))
    panels = {
        f"node {node}": signed(weights, limit),
        "the region": signed(weights * inside, limit),
        **{f"a {digit}": tint(INK, image * np.where(inside, 1, 0.2)) for digit, image in images.items()},
    }

    def draw(figure: FigureBase) -> None:
        top, bottom = figure.subfigures(2, 1, height_ratios=(1.0, 1.5))
        for axes, (name, image) in zip(top.subplots(1, len(panels)), panels.items(), strict=True):
            bare(axes)
            axes.set_title(name, color=MUTED, fontweight="normal")
            axes.imshow(image)
            _frame(axes, inside, INK)
            _frame(axes, np.ones_like(inside), RULE)
        _by_digit(bottom.subplots(), {label: mean_by_class(z, val) for label, z in seen.items()})

    title = f"With {inside.sum()} of {inside.size} weights, node {node} still responds to a {favorite}"
    note = (
        "All weights outside the frame are set to zero, so the pale part of a digit has no effect. Below: the weighted "
        "sum of the node without its bias, as the mean over the validation images of each digit."
    )
    return Picture("4_region", title, note, (7.0, 3.9), draw)


def widths() -> Picture:
    """Draw the error rates of networks with different hidden layers."""
    found = {width: mistakes(width) for width in WIDTHS}

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        places = range(len(found))
        heights = [100 * wrong for _, wrong in found.values()]
        rule = (SIDE * SIDE + 10) // 2
        axes.bar(places, heights, 0.55, color=[ORANGE if width == rule else BLUE for width in found])
        for place, height in zip(places, heights, strict=True):
            axes.annotate(f"{height:.1f} %", (place, height), (0, 3), textcoords="offset points", ha="center")
        axes.set_xticks(places, [
            f"{width} nodes\n{parameters:,} parameters" for width, (parameters, _) in found.items()
        ])  # fmt: skip
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        axes.set_ylabel("validation error")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)

    title = "More hidden nodes: fewer mistakes, with diminishing returns"
    note = (
        "The validation error of networks with one hidden layer of sigmoids, after ten epochs. Orange: 397 nodes, the "
        "mean of 784 inputs and 10 outputs, as a rule of thumb says."
    )
    return Picture("4_widths", title, note, (7.0, 2.7), draw)


def _frame(axes: Axes, inside: np.ndarray, color: str) -> None:
    """Draw a line around the pixels of a rectangle."""
    rows, columns = np.nonzero(inside)
    corner, width, height = (columns[0] - 0.5, rows[0] - 0.5), np.ptp(columns) + 1, np.ptp(rows) + 1
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=color, clip_on=False))


def _by_digit(axes: Axes, sums: dict[str, np.ndarray]) -> None:
    """Draw mean weighted sums (10,) as bars side by side."""
    for shift, color, (label, values) in zip((-0.2, 0.2), (BLUE, ORANGE), sums.items(), strict=True):
        axes.bar(np.arange(len(values)) + shift, values, 0.38, color=color, label=label)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.grid(axis="y")
    axes.set_xticks(range(10))
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("digit")
    axes.set_ylabel("mean weighted sum")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)


PICTURES = (sigmoid, first_layer, answers, region, widths)
