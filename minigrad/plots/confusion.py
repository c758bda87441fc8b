"""Which classes a model takes for which."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import FigureBase

from minigrad.plots.answers import Amounts, Classes
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, RULE, Picture, number, short, tint
from minigrad.plots.run import Run

MOST_CLASSES = 60
MOST_AMOUNTS = 4


def confusion(run: Run) -> list[Picture]:
    """Returns the confusion matrix of the validation examples; none if the answers are no classes, or too many."""
    answers = run.answers
    if not isinstance(answers, Classes) or len(answers.names) > MOST_CLASSES:
        return []
    names, n = answers.names, len(answers.names)
    counts = np.bincount(answers.truth * n + answers.said, minlength=n * n).reshape(n, n)
    right, total = int(counts.trace()), int(counts.sum())
    wrong = counts * ~np.eye(n, dtype=bool)
    note = "A row has the examples of one class, a column those taken for it by the model. Blue is right, orange wrong."
    if wrong.max() > 1:
        i, j = np.unravel_index(wrong.argmax(), wrong.shape)
        note += f" The most frequent mistake: {names[i]} taken for {names[j]} ({wrong[i, j]:,} of {counts[i].sum():,})."
    labels = [short(name, 16) for name in names]
    longest = max(map(len, labels))
    room = 0.075 * max(longest - 3, 0)  # inches, for labels
    cell = min(0.62, 6.0 / n)
    side = max(2.2, cell * n)

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots()
        totals = counts.sum(axis=1, keepdims=True)
        shares = counts / np.maximum(totals, 1)
        colors = tint(ORANGE, 0.85 * np.sqrt(wrong / max(wrong.max(), 1)))
        diagonal = np.arange(n)
        colors[diagonal, diagonal] = tint(BLUE, 0.85 * shares.diagonal())
        axes.imshow(colors)
        axes.hlines(np.arange(n + 1) - 0.5, -0.5, n - 0.5, color=RULE, linewidth=0.5)
        axes.vlines(np.arange(n + 1) - 0.5, -0.5, n - 0.5, color=RULE, linewidth=0.5)
        axes.set_anchor("W")
        axes.set_xticks(diagonal, labels, rotation=90 if longest > 3 else 0)
        axes.set_yticks(diagonal, labels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("the model says")
        axes.set_ylabel("it is")
        if n <= 25:
            size = min(10.0, 26 * cell)
            for i, j in np.argwhere(counts):
                color = "#ffffff" if i == j and colors[i, j, 3] > 0.5 else INK
                axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", fontsize=size, color=color)
            found = axes.secondary_yaxis("right")
            found.set_yticks(
                diagonal,
                [f"{share:.0%}" if some else "" for share, some in zip(shares.diagonal(), totals[:, 0], strict=True)],
            )
            found.tick_params(length=0, labelcolor=MUTED)
            found.spines["right"].set_visible(False)
            found.set_ylabel("right of this class", color=MUTED)

    title = f"{right:,} of {total:,} validation examples are right ({100 * right / total:.4g} %)"
    return [Picture("confusion", title, note, (max(side + 1.7 + room, 5.6), side + 0.7 + room), draw)]


def predictions(run: Run) -> list[Picture]:
    """Returns the answers of a regression beside the truth; none if the answers are classes."""
    answers = run.answers
    if not isinstance(answers, Amounts):
        return []
    k = min(answers.truth.shape[1], MOST_AMOUNTS)
    distances = np.abs(answers.said - answers.truth)

    def draw(figure: FigureBase) -> None:
        for i, axes in enumerate(figure.subplots(1, k, squeeze=False)[0]):
            truth, said = answers.truth[:, i], answers.said[:, i]
            ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
            axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle="--", label="as it should be")
            axes.plot(truth, said, "o", color=BLUE, markersize=3.5, alpha=0.6, markeredgewidth=0)
            axes.set_aspect("equal", adjustable="datalim")
            axes.grid()
            axes.set_xlabel("truth")
            axes.set_ylabel("the model says")
            axes.set_title(f"Output {i}" if k > 1 else "")

    title = f"Half of the answers are within {number(float(np.median(distances)))} of the truth"
    note = f"One dot for each of {len(distances):,} validation examples; the nearer to the dashed line, the better."
    if k < answers.truth.shape[1]:
        note += f" The first {k} of {answers.truth.shape[1]} outputs."
    return [Picture("predictions", title, note, (max(5.6, 3.2 * k), 4.2 if k == 1 else 3.5), draw)]
