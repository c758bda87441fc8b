"""Decision regions of models with two inputs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FuncFormatter

from minigrad.engine import Tensor, no_grad
from minigrad.inference.answers import read
from minigrad.plots.answers import Amounts, Classes, Labels
from minigrad.plots.picture import CLASS_COLORS, CLASS_MARKERS, INK, Picture, number, short, tint
from minigrad.plots.run import Run
from minigrad.training import Experiment

POINTS = 240  # along each side
SIDE = 5.0  # inches; leaves space for a legend
MARGIN = 0.12  # fraction of the range of the inputs
BATCH = 4096


def decision(run: Run) -> list[Picture]:
    """Draw the decision regions and the validation examples.

    The list is empty unless the model has two inputs.
    """
    experiment, answers = run.experiment, run.answers
    if experiment is None or answers is None or experiment.data.input_shapes or experiment.data.input_shape != (2,):
        return []
    if isinstance(answers, Labels) or (isinstance(answers, Amounts) and answers.said.shape[1] > 1):
        return []
    inputs, _ = experiment.data.val.batch(slice(None))
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = MARGIN * np.maximum(high - low, 1e-6)
    (left, bottom), (right, top) = low - margin, high + margin
    x, y = np.meshgrid(np.linspace(left, right, POINTS), np.linspace(bottom, top, POINTS))
    places = np.stack([x.ravel(), y.ravel()], axis=1).astype(inputs.dtype)
    with no_grad(), np.errstate(all="ignore"):
        outputs = [experiment.model(Tensor(places[i : i + BATCH])).data for i in range(0, len(places), BATCH)]
    plane = np.concatenate(outputs)
    names = experiment.data.feature_names or ("input 0", "input 1")

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        if isinstance(answers, Classes):
            _regions(axes, experiment, plane, (left, right, bottom, top))
            _examples(axes, inputs, answers)
        else:
            _surface(figure, axes, plane, (left, right, bottom, top), inputs, answers)
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])

    height = SIDE * float(np.clip((top - bottom) / (right - left), 0.5, 1.2)) + 0.6
    if isinstance(answers, Amounts):
        title, note = (
            "Predictions over the input plane",
            "The dots are validation examples, in the color of their targets.",
        )
    else:
        title = f"Decision regions: {answers.right.sum():,} of {len(inputs):,} correct"
        note = "The color is the predicted class, stronger where the model is more certain."
        note += " The points are the validation examples."
    return [Picture("decision", title, f"{note} Inputs are shown as the model gets them.", (7.0, height), draw)]


def _regions(axes: Axes, experiment: Experiment, plane: np.ndarray, extent: tuple[float, float, float, float]) -> None:
    """Draw the predicted classes as tints, and the lines between them."""
    said, scores = read(experiment, plane, experiment.data.target(experiment.loss.comparison, plane.shape))
    ordered = np.sort(scores, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    sure = np.clip(lead / max(np.quantile(lead, 0.95), 1e-12), 0, 1)
    colors = np.empty((len(said), 4))
    for i in np.unique(said):
        rows = said == i
        colors[rows] = tint(CLASS_COLORS[i % len(CLASS_COLORS)], 0.08 + 0.26 * sure[rows])
    axes.imshow(
        colors.reshape(POINTS, POINTS, 4), extent=extent, origin="lower", aspect="auto", interpolation="bilinear"
    )
    x, y = np.linspace(*extent[:2], POINTS), np.linspace(*extent[2:], POINTS)
    for i in np.unique(said)[1:]:
        others = np.delete(scores, i, axis=1).max(axis=1)
        axes.contour(x, y, (scores[:, i] - others).reshape(POINTS, POINTS), levels=[0.0], colors=[INK], linewidths=1.1)


def _examples(axes: Axes, inputs: np.ndarray, answers: Classes) -> None:
    """Draw the examples, each class with its color and marker, and rings around mistakes."""
    points = inputs[answers.rows]
    for i in np.unique(answers.truth):
        mine = points[answers.truth == i]
        axes.plot(
            *mine.T,
            CLASS_MARKERS[i % len(CLASS_MARKERS)],
            color=CLASS_COLORS[i % len(CLASS_COLORS)],
            markersize=5 if len(points) > 20 else 9,
            markeredgecolor="#ffffff",
            markeredgewidth=0.6,
            label=f"class {short(answers.names[i], 12)}",
        )
    wrong = points[~answers.right]
    if len(wrong):
        axes.plot(*wrong.T, "o", color=INK, fillstyle="none", markersize=11, markeredgewidth=1.3, label="wrong")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)


def _surface(
    figure: FigureBase,
    axes: Axes,
    plane: np.ndarray,
    extent: tuple[float, float, float, float],
    inputs: np.ndarray,
    answers: Amounts,
) -> None:
    """Draw the predictions as colors, and the examples in the colors of their targets."""
    low, high = float(min(plane.min(), answers.truth.min())), float(max(plane.max(), answers.truth.max()))
    shown = axes.imshow(
        plane.reshape(POINTS, POINTS),
        extent=extent,
        origin="lower",
        aspect="auto",
        cmap="cividis",
        vmin=low,
        vmax=high,
        interpolation="bilinear",
    )
    axes.scatter(
        inputs[:, 0],
        inputs[:, 1],
        c=answers.truth[:, 0],
        cmap="cividis",
        vmin=low,
        vmax=high,
        s=22,
        edgecolors="#ffffff",
        linewidths=0.7,
    )
    bar = figure.colorbar(shown, ax=axes, aspect=24, pad=0.02)
    bar.set_label("predicted")
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
