"""Attention maps: which token attends to which, per head."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from minigrad.engine import Tensor, no_grad
from minigrad.inference.attention import attention_weights
from minigrad.inference.generate import read
from minigrad.plots.picture import BLUE, Picture, short, tint
from minigrad.training import Experiment, UsageError

MOST_TOKENS = 48
CELL = 0.115  # inches
NAMES = {" ": "␣", "\n": "⏎", "\t": "⇥"}


def attention(experiment: Experiment, text: str) -> Picture:
    """Draw the attention weights of each head for a text.

    Only the last 48 tokens are drawn.

    Args:
        experiment: a trained language model.
        text: the text.

    Raises:
        UsageError: for a model without attention, or data that is not text.
        DataError: for a character outside the vocabulary.
    """
    data, tokens = read(experiment, text)
    seen = tokens[-min(MOST_TOKENS, data.block_size) :]
    with no_grad(), attention_weights(experiment.model) as weights:
        experiment.model(Tensor(seen[np.newaxis]))
    if not weights:
        raise UsageError(f"{type(experiment.model).__name__} has no MultiHeadAttention layer")
    names = ["".join(data.decode([token])) for token in seen.tolist()]
    labels = [NAMES.get(name, name) for name in names]
    note = "A row is a query token, a column a key token; the darker, the larger the weight. Each row sums to 1."
    if len(tokens) > len(seen):
        note += f" The last {len(seen)} of {len(tokens)} tokens are shown."
    side = max(1.7, CELL * len(seen) + 0.4)
    across = max(heads.shape[1] for heads in weights.values())

    def draw(figure: FigureBase) -> None:
        grid = figure.subplots(len(weights), across, squeeze=False)
        for row, (path, heads) in zip(grid, weights.items(), strict=True):
            for head, axes in enumerate(row):
                if head < heads.shape[1]:
                    axes.set_title(f"{short(path, 24)}, head {head + 1}")
                    _draw(axes, heads[0, head], labels)
                else:
                    axes.remove()

    title = "Attention weights of each head"
    return Picture("attention", title, note, (side * across, (side + 0.3) * len(weights)), draw)


def _draw(axes: Axes, weights: np.ndarray, labels: list[str]) -> None:
    axes.imshow(tint(BLUE, np.sqrt(weights)))  # the square root makes small weights visible
    size = 7 if max(map(len, labels)) == 1 else 5.5
    axes.set_xticks(range(len(labels)), labels, fontsize=size, rotation=0 if size == 7 else 90)
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=1)
    axes.spines[:].set_visible(False)
