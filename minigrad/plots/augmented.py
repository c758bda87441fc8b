"""Augmented training images."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import FigureBase

from minigrad.engine import random
from minigrad.plots.mistakes import show
from minigrad.plots.picture import INK, Picture, bare
from minigrad.plots.run import Run

IMAGES = 6
EPOCHS = 6


def augmented(run: Run) -> list[Picture]:
    """Draw training images and their augmentations by epoch.

    The list is empty without augmentation.
    """
    shape = run.experiment.data.image_shape if run.experiment is not None else None
    if run.experiment is None or shape is None:
        return []
    train = run.experiment.data.train
    count = min(IMAGES, len(train))
    rows = np.unique(np.linspace(0, len(train) - 1, count).astype(np.intp))
    with random.at(seed=run.experiment.seed):
        epochs = [train.epoch(n) for n in range(EPOCHS)]
    if all(epoch is train for epoch in epochs):
        return []
    columns = [each.batch(rows)[0].reshape(-1, *shape) for each in (train, *epochs)]

    def draw(figure: FigureBase) -> None:
        grid = figure.subplots(len(rows), len(columns), squeeze=False)
        for i, line in enumerate(grid):
            for j, axes in enumerate(line):
                bare(axes)
                show(axes, columns[j][i])
                if i == 0:
                    axes.set_title("original" if j == 0 else f"epoch {j}", color=INK, fontsize=8.5)

    title = f"Augmentations of {len(rows)} training images"
    note = f"The original is on the left, followed by its augmentations in the first {EPOCHS} epochs."
    return [Picture("augmented", title, note, (7.6, 1.1 * len(rows) + 0.4), draw)]
