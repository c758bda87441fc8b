"""The pictures of lesson 5."""

from __future__ import annotations

from string import ascii_lowercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from docs.lessons import transformer
from docs.lessons.figures.colors import signed
from minigrad import Tensor, nn, ops
from minigrad.plots import Picture
from minigrad.plots.picture import BLUE, CLASS_COLORS, CLASS_MARKERS, INK, MUTED, bare, number, tint

DASHES = ("-", "--", ":")
VOWELS = "aeiou"
LETTERS = VOWELS + "".join(letter for letter in ascii_lowercase if letter not in VOWELS)
SENTENCE = "the method returns a string"
BEGINNING = "the name of the class i"
PLACES = range(0, 64, 20)


def embeddings() -> Picture:
    """Draw dot products of the embeddings of letters, and of letters with capitals."""
    of = transformer.directions(transformer.trained())
    small, large = (np.stack([of[letter] for letter in letters]) for letters in (LETTERS, LETTERS.upper()))
    among_small = small @ small.T
    np.fill_diagonal(among_small, 0)

    def draw(figure: FigureBase) -> None:
        left, right = figure.subplots(1, 2)
        left.set_title("lowercase letters, vowels first")
        right.set_title("lowercase letters (rows) and capitals")
        left.imshow(signed(among_small, 0.5), rasterized=True)
        right.imshow(signed(small @ large.T, 0.5), rasterized=True)
        for axes, columns in ((left, LETTERS), (right, LETTERS.upper())):
            _label(axes, LETTERS, columns)

    note = (
        "Cosine similarity: blue is positive, orange negative, in full color from 0.5 on; that of a letter with itself "
        "is left out. Left: the vowels form a block in the corner. Right: most letters are similar to their own "
        "capital, on the diagonal. Rare letters (j, q, z, most capitals) are similar to each other: training hardly "
        "distinguishes them."
    )
    return Picture("5_embeddings", "Letters that are used alike have similar embeddings", note, (7.0, 3.5), draw)


def positions() -> Picture:
    """Draw the sines and cosines of 64 positions, and the similarity of positions by these and by learned vectors."""
    waves = nn.PositionalEncoding(128)(Tensor(np.zeros((64, 128), np.float32))).data
    learned = transformer.trained().model.wpe.weight.data

    def draw(figure: FigureBase) -> None:
        first, second, third = figure.subplots(1, 3, width_ratios=(2, 1, 1))
        first.set_title("sines and cosines")
        first.imshow(signed(waves, 1), rasterized=True)
        first.set_xlabel("element of the vector")
        first.set_ylabel("position")
        first.set_yticks(PLACES)
        for axes, name, table in ((second, "their similarity", waves), (third, "similarity, learned", learned)):
            rows = table / np.linalg.norm(table, axis=1, keepdims=True)
            axes.set_title(name)
            axes.imshow(signed(rows @ rows.T, 1), rasterized=True)
            axes.set_xlabel("position")
            axes.set_xticks(PLACES)
            axes.set_yticks(PLACES)

    note = (
        "Left: the vectors of 64 positions, blue above 0 and orange below. Middle and right: the cosine similarity of "
        "each position with each other, for sines and cosines, and for the learned embedding of a GPT."
    )
    return Picture("5_positions", "A vector for each position", note, (7.0, 2.15), draw)


def mask() -> Picture:
    """Draw attention of one head to five letters: scores, masked scores, and weights."""
    text, head = "class", 1
    experiment = transformer.trained()
    scores = transformer.head_scores(experiment.model, experiment.data.encode(text))[head]
    seen = np.tri(len(text), dtype=bool)
    weights = ops.softmax(np.where(seen, scores, -np.inf))
    texts = np.vectorize(lambda value, digits=1: f"{value:.{digits}f}".replace("-", "−"))

    def draw(figure: FigureBase) -> None:
        hidden = tint(MUTED, 0.12 * ~seen)
        panels = (
            ("1. scores", np.zeros_like(hidden), texts(scores)),
            ("2. later tokens masked", hidden, np.where(seen, texts(scores), "−∞")),
            ("3. softmax of each row", np.where(seen[..., None], tint(BLUE, weights), hidden), texts(weights, 2)),
        )
        for axes, (title, colors, shown) in zip(figure.subplots(1, 3), panels, strict=True):
            axes.set_title(title)
            axes.imshow(colors, rasterized=True)
            _label(axes, text, text, size=9)
            for place in np.ndindex(scores.shape):
                color = "white" if colors[place][-1] > 0.6 else INK if seen[place] else MUTED
                axes.text(*place[::-1], shown[place], ha="center", va="center", fontsize=8, color=color)

    note = (
        "Head 2 of the first block. Rows are queries, columns are keys. Only differences within a row matter: adding "
        "the same number to all scores of a row does not change its weights."
    )
    return Picture("5_mask", "From scores to weights", note, (7.0, 2.5), draw)


def temperature() -> Picture:
    """Draw the softmax of 2, 4 and 5 over the temperature, and a model's next characters at three temperatures."""
    scores, temperatures = np.array([5.0, 4.0, 2.0]), np.geomspace(0.1, 20, 200)
    shares = ops.softmax(scores / temperatures[:, None])
    experiment = transformer.trained()
    likely = list(transformer.probabilities(experiment, BEGINNING, 1.0))[:8]

    def draw(figure: FigureBase) -> None:
        left, right = figure.subplots(1, 2)
        left.set_title("softmax of the scores 2, 4 and 5")
        left.axvline(1, color=MUTED, linewidth=0.8)
        for i, score in enumerate(scores):
            left.plot(temperatures, shares[:, i], DASHES[i], color=CLASS_COLORS[i], label=f"score {number(score)}")
        left.set_xscale("log")
        left.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        left.set_xlabel("temperature")
        left.set_ylabel("probability")
        left.legend()
        right.set_title(f"after “{BEGINNING}”")
        for i, t in enumerate((0.5, 1.0, 2.0)):
            after = transformer.probabilities(experiment, BEGINNING, t)
            style = {"color": CLASS_COLORS[i], "marker": CLASS_MARKERS[i], "markersize": 4}
            right.plot([after[c] for c in likely], DASHES[i], label=f"temperature {number(t)}", **style)
        right.set_xticks(range(len(likely)), likely)
        right.set_xlabel("next character")
        right.legend()
        for axes in (left, right):
            axes.set_ylim(0, 1.02)

    note = (
        "Left: near 0 the largest score gets all the weight, at high temperatures each score gets a third. Right: the "
        "eight likeliest characters of a trained model. The lower the temperature, the more likely is the first one."
    )
    return Picture("5_temperature", "Temperature divides the scores", note, (7.0, 2.7), draw)


def attention() -> Picture:
    """Draw the attention of two heads of each block on a sentence."""
    experiment = transformer.trained()
    weights = transformer.attention_weights(experiment.model, experiment.data.encode(SENTENCE))

    def draw(figure: FigureBase) -> None:
        grid = figure.subplots(2, 2)
        for (block, head), axes in zip(((0, 0), (0, 3), (1, 1), (1, 2)), grid.ravel(), strict=True):
            axes.set_title(f"block {block + 1}, head {head + 1}")
            axes.imshow(tint(BLUE, np.sqrt(weights[block, head])), rasterized=True)
            _label(axes, SENTENCE.replace(" ", "␣"), SENTENCE.replace(" ", "␣"))

    note = (
        "Rows are query characters, columns are key characters; the darker, the larger the weight. Characters to the "
        "right of the diagonal come later and are masked."
    )
    return Picture("5_attention", "Attention weights of four heads", note, (7.0, 7.0), draw)


def _label(axes: Axes, rows: str, columns: str, size: float = 7) -> None:
    """Label each row and column of an image with a character."""
    bare(axes)
    axes.set_xticks(range(len(columns)), list(columns), fontsize=size)
    axes.set_yticks(range(len(rows)), list(rows), fontsize=size)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=1)


PICTURES = (embeddings, positions, mask, temperature, attention)
