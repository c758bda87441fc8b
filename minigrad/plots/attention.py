"""Which token looks at which: the attention of each head of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from minigrad.engine import Tensor, no_grad
from minigrad.nn import Module, MultiHeadAttention
from minigrad.plots.picture import BLUE, Picture, short, tint
from minigrad.training import Experiment, UsageError
from minigrad.training.generation import read

MOST_TOKENS = 48
CELL = 0.115  # inches
NAMES = {" ": "␣", "\n": "⏎", "\t": "⇥"}


def attention(experiment: Experiment, text: str) -> Picture:
    """Returns what each head of a model looks at when it reads `text`, of which the last 48 tokens count.

    Raises: UsageError for a model without attention, or data that is no text; DataError for what no token stands for.
    """
    data, tokens = read(experiment, text)
    seen = tokens[-min(MOST_TOKENS, data.block_size) :]
    with no_grad(), watched(experiment.model) as weights:
        experiment.model(Tensor(seen[np.newaxis]))
    if not weights:
        raise UsageError(f"{type(experiment.model).__name__} has no MultiHeadAttention to look into")
    names = ["".join(data.decode([token])) for token in seen.tolist()]
    labels = [NAMES.get(name, name) for name in names]
    note = (
        "A row is a token that looks, a column one that is looked at; the darker, the more of its value is taken. "
        "Each row adds up to 1."
    )
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

    title = "What each head of attention looks at"
    return Picture("attention", title, note, (side * across, (side + 0.3) * len(weights)), draw)


@contextmanager
def watched(model: Module) -> Iterator[dict[str, np.ndarray]]:
    """Within the block, calls of `model` gather the weights of its layers of attention, by path: (N, heads, L, S)."""
    weights: dict[str, np.ndarray] = {}

    def ask(module: Module, args: Any, kwargs: dict[str, Any]) -> Any:
        return args, {**kwargs, "need_weights": True, "average_attn_weights": False}

    handles = []
    for path, module in model.named_modules():
        if isinstance(module, MultiHeadAttention):

            def take(module: Module, args: Any, output: tuple[Tensor, Tensor], path: str = path) -> Tensor:
                out, weights[path] = output[0], output[1].data
                return out

            handles += [module.register_forward_pre_hook(ask, with_kwargs=True), module.register_forward_hook(take)]
    try:
        yield weights
    finally:
        for handle in handles:
            handle.remove()


def _draw(axes: Axes, weights: np.ndarray, labels: list[str]) -> None:
    axes.imshow(tint(BLUE, np.sqrt(weights)))  # the root, so that a tenth is still seen
    size = 7 if max(map(len, labels)) == 1 else 5.5
    axes.set_xticks(range(len(labels)), labels, fontsize=size, rotation=0 if size == 7 else 90)
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=1)
    axes.spines[:].set_visible(False)
