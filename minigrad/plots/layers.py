"""Weights and activations of a model's layers."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FuncFormatter, MaxNLocator

from minigrad.engine import Tensor, no_grad
from minigrad.inputs import Inputs, call, count
from minigrad.nn import Module
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, Picture, bare, number
from minigrad.plots.run import Run

MOST_UNITS = 48
MOST_LAYERS = 12
MOST_EXAMPLES = 512
MOST_VALUES = 200_000
MOST_BINS = 50


def first_layer(run: Run) -> list[Picture]:
    """Draw the weights of the first layer as images.

    The list is empty unless the inputs are images.
    """
    shape = run.trained.data.image_shape if run.trained is not None else None
    if run.trained is None or shape is None:
        return []
    weight = next((p.data for p in run.trained.model.parameters() if p.ndim > 1), np.zeros((0, 0)))
    if weight.ndim == 2 and weight.shape[1] == np.prod(shape):
        images = weight.reshape(-1, *shape)
    elif weight.ndim == 4 and weight.shape[1] == shape[0]:
        images = weight
    else:
        return []
    images = images.mean(axis=1)  # over the channels
    strengths = np.sqrt(np.square(images).sum(axis=(1, 2)))
    chosen = np.sort(np.argsort(-strengths, kind="stable")[:MOST_UNITS])
    across = min(8, len(chosen))
    rows = -(-len(chosen) // across)
    room = max(across, 5)  # tiles per row, which limits their size

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        bare(axes)
        axes.set_anchor("W")
        height, width = (1.25 * size for size in images.shape[1:])  # a tile with a gap and space for its number
        limit = float(np.quantile(np.abs(images[chosen]), 0.998)) or 1.0
        for i, unit in enumerate(chosen):
            top, left = i // across * height, i % across * width
            extent = (left, left + images.shape[2], top + images.shape[1], top)
            shown = axes.imshow(images[unit], cmap="cividis", vmin=-limit, vmax=limit, extent=extent)
            axes.annotate(str(unit), (left, top), (0, 2), textcoords="offset points", fontsize=8, color=MUTED)
        axes.set_xlim(0, room * width)
        axes.set_ylim(rows * height, -0.2 * height)
        bar = figure.colorbar(shown, ax=axes, shrink=min(1.0, 2.2 / rows), aspect=18, pad=0.02)
        bar.set_label("weight")
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))

    some = f"All {len(images)} units"
    if len(chosen) < len(images):
        some = f"The {len(chosen)} of {len(images)} units with the largest weights"
    title = "Weights of the first layer"
    note = (
        f"{some}, by number. A bright pixel of the input increases a unit's activation where the weight is "
        "yellow, and decreases it where the weight is dark blue; gray weights are near 0."
    )
    return [Picture("first_layer", title, note, (7.6, 0.2 + 6.6 / room * (rows + 0.2)), draw)]


def weights(run: Run) -> list[Picture]:
    """Draw the distribution of each layer's weights.

    The list is empty without a model.
    """
    if run.trained is None:
        return []
    found = [(name, p.data) for name, p in run.trained.model.named_parameters() if p.ndim > 1]
    panels = [
        (name, " × ".join(map(str, values.shape)), values.ravel(), f"std {number(float(values.std()))}")
        for name, values in found
    ]
    title = "Distribution of each layer's weights"
    note = (
        "The height of a bar is the share of the layer's weights with this value. Usually there is one peak around 0. "
        "Outliers or a single spike may mean that the learning rate is too large, or that the layer does not learn."
    )
    return _histograms("weights", title, note, panels, BLUE)


def activations(run: Run) -> list[Picture]:
    """Draw the distribution of each layer's outputs.

    They are computed on validation examples. The list is empty without a model.
    """
    if run.experiment is None:
        return []
    # if an example has many rows of outputs, as in a language model, one batch is enough
    most = MOST_EXAMPLES if run.answers is not None else run.experiment.loader(run.experiment.data.train).batch_size
    inputs, _ = run.experiment.data.val.batch(slice(most))
    note = (
        f"For {count(inputs):,} validation examples. The height of a bar is the share of the layer's outputs with this "
        "value. A unit whose output is always 0 no longer learns."
    )
    panels = _outputs(run.experiment.model, inputs)
    return _histograms("activations", "Distribution of each layer's outputs", note, panels, ORANGE)


def _outputs(model: Module, inputs: Inputs) -> list[tuple[str, str, np.ndarray, str]]:
    """Return one panel per call of each innermost layer, in order."""
    panels: list[tuple[str, str, np.ndarray, str]] = []
    calls: Counter[str] = Counter()

    def hook(path: str, module: Module, args: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or output.dtype.kind != "f":
            return
        if any(isinstance(x, Tensor) and np.may_share_memory(x.data, output.data) for x in args):
            return  # it returns its input, like dropout in eval mode
        calls[path] += 1
        again = f" (call {calls[path]})" if calls[path] > 1 else ""
        values = output.data.ravel()
        some = values[:: max(1, values.size // MOST_VALUES)].copy()  # a sample, to save memory
        panels.append((path or "model", type(module).__name__ + again, some, _state(output.data)))

    with ExitStack() as hooks, no_grad(), np.errstate(all="ignore"):
        for path, module in model.named_modules():
            if not any(module.children()):
                hooks.enter_context(module.register_forward_hook(partial(hook, path)))
        call(model, inputs)
    return panels


def _state(values: np.ndarray) -> str:
    """Summarize the outputs (N, ...) of a layer."""
    zero = values == 0
    if zero.mean() < 0.005:
        return f"mean {number(float(values.mean()))}, std {number(float(values.std()))}"
    text = f"{zero.mean():.0%} are 0"
    if values.ndim == 2:
        text += f"; always 0: {int(zero.all(axis=0).sum())} of {values.shape[1]}"
    return text


def _histograms(
    name: str, title: str, note: str, panels: list[tuple[str, str, np.ndarray, str]], color: str
) -> list[Picture]:
    """Draw a small histogram per panel, which has a title, the layer's type, values, and a remark."""
    if not panels:
        return []
    shown = [panels[i] for i in np.unique(np.linspace(0, len(panels) - 1, min(len(panels), MOST_LAYERS)).astype(int))]
    if len(shown) < len(panels):
        note += f" {len(shown)} of {len(panels)} layers are shown."
    across = min(3, len(shown))
    rows = -(-len(shown) // across)

    def draw(figure: FigureBase) -> None:
        grid = figure.subplots(rows, across, squeeze=False).ravel()
        for axes in grid[len(shown) :]:
            axes.remove()
        for axes, (head, kind, values, remark) in zip(grid, shown, strict=False):
            _histogram(axes, values[np.isfinite(values)], color)
            axes.set_title(head if len(head) <= 22 else f"…{head[-21:]}", pad=17)
            axes.annotate(kind, (0, 1), xytext=(0, 5), xycoords="axes fraction", textcoords="offset points",
                          fontsize=8, color=MUTED)  # fmt: skip
            axes.set_xlabel(remark, color=INK, fontsize=8.5)
        for axes in grid[: len(shown) : across]:
            axes.set_ylabel("share")

    return [Picture(name, title, note, (max(5.6, 2.55 * across), 2.0 * rows), draw)]


def _histogram(axes: Axes, values: np.ndarray, color: str) -> None:
    if values.size:
        bins = min(MOST_BINS, ceil(2 * values.size ** (1 / 3)))  # Rice's rule avoids empty bins with few values
        axes.hist(values, bins=bins, weights=np.full(values.size, 1 / values.size), color=color, histtype="stepfilled")
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value, 10))))
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=False))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.tick_params(length=2)
