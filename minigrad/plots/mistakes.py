"""The examples that a model is most wrong about."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from minigrad.plots.answers import Amounts, Classes, score_word
from minigrad.plots.picture import INK, MUTED, RULE, Picture, bare, number, short
from minigrad.plots.run import Run
from minigrad.training import Experiment

MOST_IMAGES = 24
MOST_ROWS = 12
MOST_COLUMNS = 4
ACROSS = 6


def mistakes(run: Run) -> list[Picture]:
    """Returns the worst mistakes among the validation examples, or the closest calls where there are no mistakes."""
    if run.experiment is None or run.answers is None:
        return []
    if isinstance(run.answers, Amounts):
        return [_worst_amounts(run.experiment, run.answers)]
    return [_worst_classes(run.experiment, run.answers)]


def _worst_classes(experiment: Experiment, answers: Classes) -> Picture:
    wrong = int((~answers.right).sum())
    order = np.argsort(answers.lead, kind="stable")
    shape = experiment.data.image_shape
    most = MOST_ROWS if shape is None else MOST_IMAGES
    chosen = order[: min(wrong or ACROSS, most)]
    word = score_word(experiment)
    if wrong == 0:
        title = f"No mistakes among {len(order):,} validation examples; the closest calls"
    elif wrong > len(chosen):
        title = f"The {len(chosen)} worst of {wrong:,} mistakes among {len(order):,} validation examples"
    else:
        title = f"All {wrong:,} mistakes among {len(order):,} validation examples, the worst first"
    if wrong == 1:
        title = f"The one mistake among {len(order):,} validation examples"
    said, truth = answers.said[chosen], answers.truth[chosen]
    scores = answers.scores[chosen]
    each = np.arange(len(chosen))
    note = f"Behind each class stands the {word} that the model gives it."
    inputs, _ = experiment.data.val.batch(answers.rows[chosen])
    if shape is not None:
        captions = [
            f"says {short(answers.names[a], 10)}  {_score(p)}\nis {short(answers.names[b], 10)}  {_score(q)}"
            for a, b, p, q in zip(said, truth, scores[each, said], scores[each, truth], strict=True)
        ]
        return _images(title, note, inputs.reshape(-1, *shape), captions)
    columns = {
        "it is": [short(answers.names[i], 16) for i in truth],
        "the model says": [short(answers.names[i], 16) for i in said],
        f"{word} of what it says": [_score(p) for p in scores[each, said]],
        f"{word} of what it is": [_score(p) for p in scores[each, truth]],
    }
    return _table(title, _rows(experiment), {**_inputs(experiment, inputs), **columns})


def _worst_amounts(experiment: Experiment, answers: Amounts) -> Picture:
    distances = np.abs(answers.said - answers.truth).sum(axis=1)
    chosen = np.argsort(-distances, kind="stable")[:MOST_ROWS]
    columns = _inputs(experiment, experiment.data.val.batch(chosen)[0])
    for i in range(min(answers.truth.shape[1], 2)):
        behind = f" ({i})" if answers.truth.shape[1] > 1 else ""
        columns[f"truth{behind}"] = [number(x) for x in answers.truth[chosen, i]]
        columns[f"the model says{behind}"] = [number(x) for x in answers.said[chosen, i]]
    columns["distance"] = [number(x) for x in distances[chosen]]
    return _table("The validation examples that it is furthest from", _rows(experiment), columns)


def _score(value: float) -> str:
    return "<0.001" if 0 < value < 1e-3 else number(value)


def _inputs(experiment: Experiment, inputs: np.ndarray) -> dict[str, list[str]]:
    """The first input values of each example, by name."""
    flat = inputs.reshape(len(inputs), -1)
    names = experiment.data.feature_names or tuple(f"input {i}" for i in range(flat.shape[1]))
    return {name: [number(x) for x in flat[:, i]] for i, name in enumerate(names[:MOST_COLUMNS])}


def _rows(experiment: Experiment) -> str:
    n = experiment.data.num_features
    some = f"the first {MOST_COLUMNS} of {n} inputs" if n > MOST_COLUMNS else "the inputs"
    return f"Each row is one example, with {some} as the model gets them."


def _images(title: str, note: str, images: np.ndarray, captions: Sequence[str]) -> Picture:
    rows = -(-len(images) // ACROSS)

    def draw(figure: FigureBase) -> None:
        grid = figure.subplots(rows, ACROSS, squeeze=False).ravel()
        for axes in grid:
            bare(axes)
        for axes, image, caption in zip(grid, images, captions, strict=False):
            show(axes, image)
            axes.set_xlabel(caption, color=INK, fontsize=8.5, linespacing=1.3)

    return Picture("mistakes", title, note, (7.6, 1.72 * rows), draw)


def show(axes: Axes, image: np.ndarray) -> None:
    """Shows an image (1 or 3, height, width)."""
    if len(image) == 1:
        axes.imshow(image[0], cmap="gray")
    else:
        low, high = image.min(), image.max()
        axes.imshow(np.moveaxis((image - low) / max(high - low, 1e-12), 0, -1))


def _table(title: str, note: str, columns: dict[str, list[str]]) -> Picture:
    heads = [textwrap.fill(short(name, 28), 14) for name in columns]
    tall = 1 + max(head.count("\n") for head in heads)
    widths = [
        max(max(map(len, head.split("\n"))), *map(len, cells)) + 3
        for head, cells in zip(heads, columns.values(), strict=True)
    ]
    rows = len(next(iter(columns.values())))
    right = np.cumsum(widths)

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        bare(axes)
        axes.set_xlim(0, right[-1] + 1)
        axes.set_ylim(rows - 0.3, -0.6 - 0.7 * tall)
        for x, head, cells in zip(right, heads, columns.values(), strict=True):
            axes.text(x, -0.75, head, ha="right", va="bottom", color=MUTED, linespacing=1.2)
            for y, cell in enumerate(cells):
                axes.text(x, y, cell, ha="right", va="center")
        for y in range(rows):
            axes.axhline(y - 0.5, color=RULE, linewidth=0.6)

    size = (max(5.0, 0.08 * right[-1] + 0.3), 0.24 * (rows + 0.7 * tall + 0.5))
    return Picture("mistakes", title, note, size, draw)
