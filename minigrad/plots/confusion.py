"""Confusion matrices, label counts, and regression scatter plots."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import FigureBase

from minigrad.plots.answers import Amounts, Classes, Labels
from minigrad.plots.picture import BLUE, INK, MUTED, ORANGE, RULE, Picture, number, short, table, tint
from minigrad.plots.run import Run

MOST_CLASSES = 60
MOST_AMOUNTS = 4


def confusion(run: Run) -> list[Picture]:
    """Draw the confusion matrix of the validation split.

    The list is empty if the predictions are not classes, or there are too many.
    """
    answers = run.answers
    if not isinstance(answers, Classes) or len(answers.names) > MOST_CLASSES:
        return []
    names, n = answers.names, len(answers.names)
    counts = np.bincount(answers.truth * n + answers.said, minlength=n * n).reshape(n, n)
    right, total = int(counts.trace()), int(counts.sum())
    wrong = counts * ~np.eye(n, dtype=bool)
    note = "Rows are true classes, columns predicted ones. Blue is correct, orange wrong."
    if wrong.max() > 1:
        i, j = np.unravel_index(wrong.argmax(), wrong.shape)
        share = f"{wrong[i, j]:,} of {counts[i].sum():,}"
        note += f" The most frequent mistake: {names[i]} predicted as {names[j]} ({share})."
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
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
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
            found.set_ylabel("recall", color=MUTED)

    title = f"{right:,} of {total:,} validation examples are correct ({100 * right / total:.4g} %)"
    return [Picture("confusion", title, note, (max(side + 1.7 + room, 5.6), side + 0.7 + room), draw)]


def labels(run: Run) -> list[Picture]:
    """Draw a table of the counts of each label.

    The list is empty if the predictions are not labels, or there are too many.
    """
    answers = run.answers
    if not isinstance(answers, Labels) or len(answers.names) > MOST_CLASSES:
        return []
    said, truth = answers.said, answers.truth
    right = said == truth
    counts = {
        "positives": truth,
        "true positives": truth & said,
        "false negatives": truth & ~said,
        "false positives": said & ~truth,
    }
    columns = {"label": [short(name, 16) for name in answers.names]}
    columns |= {head: [f"{n:,}" for n in np.count_nonzero(which, axis=0)] for head, which in counts.items()}
    columns["accuracy"] = [f"{share:.1%}" for share in right.mean(axis=0)]
    title = f"{np.count_nonzero(right):,} of {right.size:,} labels are correct ({100 * right.mean():.4g} %)"
    note = f"Counts over {len(truth):,} validation examples, each with any number of labels."
    return [table("labels", title, note, columns)]


def predictions(run: Run) -> list[Picture]:
    """Draw predicted against true values of a regression.

    The list is empty if the predictions are classes.
    """
    answers = run.answers
    if not isinstance(answers, Amounts):
        return []
    k = min(answers.truth.shape[1], MOST_AMOUNTS)
    distances = np.abs(answers.said - answers.truth)
    names = run.experiment.data.target_names if run.experiment is not None else ()
    titles = names if len(names) == answers.truth.shape[1] else [f"Output {i}" for i in range(k)]

    def draw(figure: FigureBase) -> None:
        for i, axes in enumerate(figure.subplots(1, k, squeeze=False)[0]):
            truth, said = answers.truth[:, i], answers.said[:, i]
            ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
            axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle="--", label="prediction = truth")
            axes.plot(truth, said, "o", color=BLUE, markersize=3.5, alpha=0.6, markeredgewidth=0)
            axes.set_aspect("equal", adjustable="datalim")
            axes.grid()
            axes.set_xlabel("true")
            axes.set_ylabel("predicted")
            axes.set_title(short(titles[i], 24) if k > 1 else "")

    title = f"Median absolute error {number(float(np.median(distances)))}"
    note = f"One dot for each of {len(distances):,} validation examples; predictions on the dashed line are exact."
    if k < answers.truth.shape[1]:
        note += f" The first {k} of {answers.truth.shape[1]} outputs."
    return [Picture("predictions", title, note, (max(5.6, 3.2 * k), 4.2 if k == 1 else 3.5), draw)]
