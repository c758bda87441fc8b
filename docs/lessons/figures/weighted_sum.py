"""The pictures of lesson 1."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from docs.lessons.weighted_sum import ACTIVATIONS, BIAS, DRAWS, WEIGHTS, expected_std, sums
from minigrad.plots import Picture
from minigrad.plots.picture import BLUE, INK, MUTED, number, tint

RANGE = (-20.0, 20.0)
BINS = 100


def distributions() -> Picture:
    """Draw weighted sums with random activations, and with random weights."""
    panels = {"fixed weights, random activations": WEIGHTS, "fixed activations, random weights": ACTIVATIONS}

    def draw(figure: FigureBase) -> None:
        for axes, (title, fixed) in zip(_side_by_side(figure), panels.items(), strict=True):
            axes.set_title(title)
            _histogram(axes, sums(fixed))
            _normal(axes, expected_std(fixed))

    note = f"{DRAWS:,} sums each, with normal random numbers of mean 0 and standard deviation 1. Dashed: theory."
    return Picture("1_distributions", "The distribution of a weighted sum", note, (7.0, 2.5), draw)


def bias() -> Picture:
    """Draw sums with a bias added to each weight, and with a bias added to the sum."""
    plain = sums(WEIGHTS)
    panels = {
        f"{number(BIAS)} added to each weight": sums(WEIGHTS + BIAS),
        f"{number(BIAS)} added after the sum": plain + BIAS,
    }

    def draw(figure: FigureBase) -> None:
        for axes, (title, shown) in zip(_side_by_side(figure), panels.items(), strict=True):
            axes.set_title(title)
            axes.hist(plain, bins=BINS, range=RANGE, density=True, histtype="step", color=MUTED, label="without a bias")
            _histogram(axes, shown)

    title = "A bias after the sum shifts it, a bias on each weight widens it"
    note = f"{DRAWS:,} sums of fixed weights and random activations around 0; gray without a bias, blue with it."
    return Picture("1_bias", title, note, (7.0, 2.5), draw)


def _side_by_side(figure: FigureBase) -> np.ndarray:
    """Return two axes with the same scales."""
    both: np.ndarray = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes in both:
        axes.set_xlim(*RANGE)
        axes.set_xlabel("weighted sum")
    both[0].set_ylabel("density")
    return both


def _histogram(axes: Axes, values: np.ndarray) -> None:
    """Draw a histogram with the mean and standard deviation."""
    axes.hist(values, bins=BINS, range=RANGE, density=True, histtype="stepfilled", color=tint(BLUE, 0.55))
    text = f"mean {number(round(values.mean(), 2) + 0.0)}\nstd {number(values.std())}"
    axes.text(0.03, 0.95, text, transform=axes.transAxes, va="top", color=BLUE, linespacing=1.4)


def _normal(axes: Axes, std: float) -> None:
    """Draw the normal distribution around 0, with its standard deviation."""
    x = np.linspace(*RANGE, 400)
    axes.plot(x, np.exp(-((x / std) ** 2) / 2) / (std * sqrt(2 * pi)), "--", color=INK)
    text = f"theory\nmean 0\nstd {number(std)}"
    axes.text(0.97, 0.95, text, transform=axes.transAxes, va="top", ha="right", color=INK, linespacing=1.4)


PICTURES = (distributions, bias)
