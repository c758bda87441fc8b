"""What is inside a model: its weights, and what its layers give."""

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
from minigrad.nn import Module
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, Picture, bare, number
from minigrad.plots.run import Run

MOST_UNITS = 48
MOST_LAYERS = 12
MOST_EXAMPLES = 512
MOST_VALUES = 200_000
MOST_BINS = 50


def first_layer(run: Run) -> list[Picture]:
    """Returns the weights of the first layer as images; none where its inputs are no images."""
    shape = run.experiment.data.image_shape if run.experiment is not None else None
    if run.experiment is None or shape is None:
        return []
    weight = next((p.data for p in run.experiment.model.parameters() if p.ndim > 1), np.zeros((0, 0)))
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
    room = max(across, 5)  # tiles in the width, so that few are not too large

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        bare(axes)
        axes.set_anchor("W")
        height, width = (1.25 * size for size in images.shape[1:])  # of a tile, with a gap and room for its number
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

    some = f"The {len(chosen)} strongest of {len(images)}" if len(chosen) < len(images) else f"All {len(images)}"
    title = "What the first layer looks for"
    note = (
        f"{some} units, by number. Where a unit is yellow, a bright pixel of the input excites it; where it is dark "
        "blue, a bright pixel calms it; grey parts of the image do not matter to it."
    )
    return [Picture("first_layer", title, note, (7.6, 0.2 + 6.6 / room * (rows + 0.2)), draw)]


def weights(run: Run) -> list[Picture]:
    """Returns how the weights of each layer are spread; none without a model."""
    if run.experiment is None:
        return []
    found = [(name, p.data) for name, p in run.experiment.model.named_parameters() if p.ndim > 1]
    panels = [
        (name, " × ".join(map(str, values.shape)), values.ravel(), f"std {number(float(values.std()))}")
        for name, values in found
    ]
    title = "How large the weights of each layer are"
    note = (
        "A bar is the share of a layer's weights that have this value. A healthy layer has one hill around 0; far-off "
        "weights, or a single spike, hint at a learning rate that is too large, or at a layer that does not learn."
    )
    return _histograms("weights", title, note, panels, BLUE)


def activations(run: Run) -> list[Picture]:
    """Returns how the outputs of each layer are spread over validation examples; none without a model."""
    if run.experiment is None:
        return []
    # where an output is more than one row, as in a language model, one batch has enough of them
    count = MOST_EXAMPLES if run.answers is not None else run.experiment.loader(run.experiment.data.train).batch_size
    inputs, _ = run.experiment.data.val.batch(slice(count))
    note = (
        f"For {len(inputs):,} validation examples: a bar is the share of a layer's outputs that have this value. A "
        "unit that is always 0 learns nothing more."
    )
    panels = _outputs(run.experiment.model, inputs)
    return _histograms("activations", "What comes out of each layer", note, panels, ORANGE)


def _outputs(model: Module, inputs: np.ndarray) -> list[tuple[str, str, np.ndarray, str]]:
    """One panel for each call of each innermost layer, in their order."""
    panels: list[tuple[str, str, np.ndarray, str]] = []
    calls: Counter[str] = Counter()

    def hook(path: str, module: Module, args: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or output.dtype.kind != "f":
            return
        if any(isinstance(x, Tensor) and np.may_share_memory(x.data, output.data) for x in args):
            return  # it passes on what it gets, as dropout does after the training
        calls[path] += 1
        again = f" (call {calls[path]})" if calls[path] > 1 else ""
        values = output.data.ravel()
        some = values[:: max(1, values.size // MOST_VALUES)].copy()  # not all of it in memory at once
        panels.append((path or "model", type(module).__name__ + again, some, _state(output.data)))

    with ExitStack() as hooks, no_grad(), np.errstate(all="ignore"):
        for path, module in model.named_modules():
            if not any(module.children()):
                hooks.enter_context(module.register_forward_hook(partial(hook, path)))
        model(Tensor(inputs))
    return panels


def _state(values: np.ndarray) -> str:
    """What is worth knowing of the outputs (N, ...) of one layer."""
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
    """One small histogram for each panel: its title, what stands behind it, the values, and a remark below."""
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
        bins = min(MOST_BINS, ceil(2 * values.size ** (1 / 3)))  # Rice's rule, so that few values make no comb
        axes.hist(values, bins=bins, weights=np.full(values.size, 1 / values.size), color=color, histtype="stepfilled")
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value, 10))))
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=False))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.tick_params(length=2)
