"""The pictures of lesson 6."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import FigureBase

from docs.lessons import language_model
from minigrad.plots import Picture
from minigrad.plots.picture import BLUE, CLASS_COLORS, bare, tint

BEGINNINGS = ("The capital of France is", "The capital of Italy is", "The cat sat on the")
SENTENCE = "The cat sat on the mat because it was tired"


def next_token() -> Picture:
    """Draw the eight likeliest tokens after three beginnings."""
    writer = language_model.opened()
    after = [language_model.likeliest(writer, text) for text in BEGINNINGS]

    def draw(figure: FigureBase) -> None:
        for axes, text, shares in zip(figure.subplots(1, 3), BEGINNINGS, after, strict=True):
            axes.set_title(text)
            axes.barh(range(len(shares)), list(shares.values()), color=CLASS_COLORS[0])
            axes.set_yticks(range(len(shares)), [_shown(token) for token in shares])
            axes.invert_yaxis()
            axes.set_xlim(0, 1)
            axes.set_xlabel("probability")

    note = (
        "The eight likeliest of 49,152 tokens by SmolLM2; ␣ is a space, with which most tokens begin. If one token "
        "is right, it gets most of the probability; if many are possible, they share it."
    )
    return Picture("6_next_token", "Probabilities of the next token", note, (7.0, 2.6), draw)


def head() -> Picture:
    """Draw the head in which "it" attends most to "cat", and the mean of all heads."""
    writer = language_model.opened()
    tokens = language_model.pieces(writer, SENTENCE)
    weights = language_model.attention_weights(writer, SENTENCE)
    layer, number = language_model.best_head(weights, tokens.index(" it"), tokens.index(" cat"))
    heads = ((f"layer {layer + 1}, head {number + 1}", weights[layer, number]), ("all heads", weights.mean((0, 1))))

    def draw(figure: FigureBase) -> None:
        for axes, (title, shares) in zip(figure.subplots(1, 2), heads, strict=True):
            axes.set_title(title)
            axes.imshow(tint(BLUE, np.sqrt(shares)), rasterized=True)
            bare(axes)
            axes.set_xticks(range(len(tokens)), [_shown(token) for token in tokens], rotation=90)
            axes.set_yticks(range(len(tokens)), [_shown(token) for token in tokens])
            axes.xaxis.tick_top()
            axes.tick_params(length=0, pad=1)

    note = (
        "Rows are query tokens, columns are key tokens; the darker, the larger the weight. Left: the head with the "
        "largest weight from “it” to “cat”. Right: the mean of all heads."
    )
    return Picture("6_head", "What “it” attends to", note, (7.0, 3.9), draw)


def _shown(token: str) -> str:
    """Return a token with visible spaces and line ends."""
    return token.replace(" ", "␣").replace("\n", "↵")


PICTURES = (next_token, head)
