"""The validation examples with the worst predictions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from minigrad.inputs import Inputs, parts
from minigrad.plots.answers import Amounts, Classes, Labels, score_word
from minigrad.plots.picture import INK, Picture, bare, number, short, table
from minigrad.plots.run import Run
from minigrad.training import Experiment

MOST_IMAGES = 24
MOST_ROWS = 12
MOST_COLUMNS = 4
ACROSS = 6


def mistakes(run: Run) -> list[Picture]:
    """Draw the worst mistakes among the validation examples.

    If there are none, the predictions with the smallest margins are drawn.
    """
    if run.experiment is None or run.answers is None:
        return []
    if isinstance(run.answers, Amounts):
        return [_worst_amounts(run.experiment, run.answers)]
    if isinstance(run.answers, Labels):
        return [_worst_labels(run.experiment, run.answers)]
    return [_worst_classes(run.experiment, run.answers)]


def _worst_classes(experiment: Experiment, answers: Classes) -> Picture:
    wrong = int((~answers.right).sum())
    order = np.argsort(answers.lead, kind="stable")
    shape = experiment.data.image_shape
    most = MOST_ROWS if shape is None else MOST_IMAGES
    chosen = order[: min(wrong or ACROSS, most)]
    word = score_word(experiment)
    if wrong == 0:
        title = f"No mistakes among {len(order):,} validation examples; below, those with the smallest margins"
    elif wrong > len(chosen):
        title = f"The {len(chosen)} worst of {wrong:,} mistakes among {len(order):,} validation examples"
    else:
        title = f"All {wrong:,} mistakes among {len(order):,} validation examples, worst first"
    if wrong == 1:
        title = f"The only mistake among {len(order):,} validation examples"
    said, truth = answers.said[chosen], answers.truth[chosen]
    scores = answers.scores[chosen]
    each = np.arange(len(chosen))
    inputs, _ = experiment.data.val.batch(answers.rows[chosen])
    if shape is not None:
        captions = [
            f"{short(answers.names[a], 10)}  {_score(p)}\n{short(answers.names[b], 10)}  {_score(q)}\n{i}"
            for a, b, p, q, i in zip(
                said, truth, scores[each, said], scores[each, truth], answers.rows[chosen], strict=True
            )
        ]
        note = f"Below each image: predicted and true class, each with its {word}, and the index of the example."
        return _images(title, note, inputs.reshape(-1, *shape), captions)
    columns = {
        "true": [short(answers.names[i], 16) for i in truth],
        "predicted": [short(answers.names[i], 16) for i in said],
        f"{word} (predicted)": [_score(p) for p in scores[each, said]],
        f"{word} (true)": [_score(p) for p in scores[each, truth]],
    }
    shown = _places(experiment, answers.rows[chosen]) | _inputs(experiment, inputs)
    return table("mistakes", title, _rows(experiment), shown | columns)


def _worst_labels(experiment: Experiment, answers: Labels) -> Picture:
    wrong = (answers.said != answers.truth).sum(axis=1)
    chosen = np.argsort(-wrong, kind="stable")[:MOST_ROWS]

    def names_of(holds: np.ndarray) -> list[str]:
        return [short(", ".join(np.array(answers.names)[row]) or "none", 30) for row in holds[chosen]]

    columns = {
        "true": names_of(answers.truth),
        "predicted": names_of(answers.said),
        "wrong labels": [str(count) for count in wrong[chosen]],
    }
    inputs = _places(experiment, chosen) | _inputs(experiment, experiment.data.val.batch(chosen)[0])
    title = f"{np.count_nonzero(wrong):,} of {len(wrong):,} validation examples have a wrong label; worst first"
    return table("mistakes", title, _rows(experiment), {**inputs, **columns})


def _worst_amounts(experiment: Experiment, answers: Amounts) -> Picture:
    distances = np.abs(answers.said - answers.truth).mean(axis=1)
    chosen = np.argsort(-distances, kind="stable")[:MOST_ROWS]
    columns = _places(experiment, chosen) | _inputs(experiment, experiment.data.val.batch(chosen)[0])
    names = experiment.data.target_names
    for i in range(min(answers.truth.shape[1], 2)):
        behind = f" ({names[i] if len(names) > i else i})" if answers.truth.shape[1] > 1 else ""
        columns[f"true{behind}"] = [number(x) for x in answers.truth[chosen, i]]
        columns[f"predicted{behind}"] = [number(x) for x in answers.said[chosen, i]]
    note, several = _rows(experiment), answers.truth.shape[1]
    columns["absolute error" if several == 1 else "mean absolute error"] = [number(x) for x in distances[chosen]]
    if several > 1:
        note += f" The error is the mean over the {several} targets of an example."
    return table("mistakes", "The validation examples with the largest errors", note, columns)


def _score(value: float) -> str:
    return "<0.001" if 0 < value < 1e-3 else number(value)


def _inputs(experiment: Experiment, inputs: Inputs) -> dict[str, list[str]]:
    """Return the first values of each example by name, from the file if possible, else from the model's inputs."""
    if cells := experiment.data.original(inputs):
        return {name: [short(text, 40) for text in cells[name]] for name in list(cells)[:MOST_COLUMNS]}
    columns: dict[str, np.ndarray] = {}
    for of, array in parts(inputs):
        flat = array.reshape(len(array), -1)
        names = experiment.data.feature_names or tuple(f"{of or 'input'} {i}" for i in range(flat.shape[1]))
        columns |= dict(zip(names[:MOST_COLUMNS], flat.T, strict=False))
    return {name: [number(x) for x in columns[name]] for name in list(columns)[:MOST_COLUMNS]}


def _rows(experiment: Experiment) -> str:
    data = experiment.data
    if cells := data.original(data.val.batch(slice(1))[0]):
        some = f"the first {MOST_COLUMNS} of {len(cells)} columns" if len(cells) > MOST_COLUMNS else "its columns"
        return f"Each row is one {'line of the file' if data.val.lines is not None else 'example'}, with {some}."
    n = sum(map(prod, data.input_shapes.values())) if data.input_shapes else data.num_features
    some = f"the first {MOST_COLUMNS} of {n} inputs" if n > MOST_COLUMNS else "the inputs"
    return f"Each row is one validation example, by index, with {some} as the model gets them."


def _places(experiment: Experiment, chosen: np.ndarray) -> dict[str, list[str]]:
    """Return the place of each example: its line in the file, or its index in the validation split."""
    lines = experiment.data.val.lines
    return {"example": [f"{i}" for i in chosen]} if lines is None else {"line": [f"{i}" for i in lines[chosen]]}


def _images(title: str, note: str, images: np.ndarray, captions: Sequence[str]) -> Picture:
    rows = -(-len(images) // ACROSS)

    def draw(figure: FigureBase) -> None:
        grid = figure.subplots(rows, ACROSS, squeeze=False).ravel()
        for axes in grid:
            bare(axes)
        for axes, image, caption in zip(grid, images, captions, strict=False):
            show(axes, image)
            axes.set_xlabel(caption, color=INK, fontsize=8.5, linespacing=1.3)

    return Picture("mistakes", title, note, (7.6, 1.85 * rows), draw)


def show(axes: Axes, image: np.ndarray) -> None:
    """Show an image (1 or 3, height, width)."""
    if len(image) == 1:
        axes.imshow(image[0], cmap="gray")
    else:
        low, high = image.min(), image.max()
        axes.imshow(np.moveaxis((image - low) / max(high - low, 1e-12), 0, -1))
