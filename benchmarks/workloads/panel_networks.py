"""The networks of the panel and their batches, written as users of either library would."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.workloads.library import Library, Torch
from benchmarks.workloads.panel import Batches

COUNT = 8
"""The number of batches, which are repeated."""


def labels(shape: tuple[int, ...], classes: int, tiny: tuple[int, ...]) -> Callable[..., Batches]:
    """Return batches of normal inputs and one label for each example."""

    def batches(random: np.random.Generator, smoke: bool) -> Batches:
        size = tiny if smoke else shape
        return [
            (random.standard_normal(size).astype(np.float32), random.integers(0, classes, size[0]))
            for _ in range(COUNT)
        ]

    return batches


def numbers(shape: tuple[int, ...], out: tuple[int, ...], tiny: tuple[int, ...], tiny_out: tuple[int, ...]) -> Any:
    """Return batches of normal inputs and normal targets."""

    def batches(random: np.random.Generator, smoke: bool) -> Batches:
        sizes = (tiny, tiny_out) if smoke else (shape, out)
        return [tuple(random.standard_normal(size) for size in sizes) for _ in range(COUNT)]  # type: ignore[misc]

    return batches


def _attend(library: Library, layer: Any, query: Any, other: Any, is_causal: bool = False) -> Any:
    """Call the attention layer of each library."""
    if not isinstance(library, Torch):
        return layer(query, other, other, is_causal=is_causal)
    mask = None
    if is_causal:
        mask = library.nn.Transformer.generate_square_subsequent_mask(query.shape[1], dtype=query.dtype)
    return layer(query, other, other, need_weights=False, attn_mask=mask, is_causal=is_causal)[0]


def attention(width: int, heads: int, is_causal: bool = False, keys: int = 0) -> Callable[..., tuple[Any, Any]]:
    """Self-attention, optionally only to the first `keys` positions."""

    def module(library: Library, smoke: bool) -> tuple[Any, Any]:
        nn = library.nn
        size = 8 if smoke else width
        is_torch = isinstance(library, Torch)

        class Attend(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                options = {"batch_first": True} if is_torch else {}
                make = nn.MultiheadAttention if is_torch else nn.MultiHeadAttention
                self.attention = make(size, 2 if smoke else heads, **options)

            def forward(self, x: Any) -> Any:
                if not keys:
                    return _attend(library, self.attention, x, x, is_causal)
                split = x.shape[1] * 64 // (64 + keys)
                return _attend(library, self.attention, x[:, :split], x[:, split:])

        return Attend(), nn.MSELoss()

    return module


def encoder(library: Library, smoke: bool) -> tuple[Any, Any]:
    """A transformer encoder layer on vectors."""
    width, heads = (8, 2) if smoke else (128, 4)
    options = {"batch_first": True} if isinstance(library, Torch) else {}
    layer = library.nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, **options)
    return layer, library.nn.MSELoss()


def recurrent(name: str, inputs: int, hidden: int, **options: Any) -> Callable[..., tuple[Any, Any]]:
    """A recurrent layer, and a classifier of its last output."""

    def module(library: Library, smoke: bool) -> tuple[Any, Any]:
        nn = library.nn
        sizes = (5, 6) if smoke else (inputs, hidden)

        class Reader(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.rnn = getattr(nn, name)(*sizes, batch_first=True, **options)
                self.head = nn.Linear(sizes[1] * (1 + options.get("bidirectional", False)), 10)

            def forward(self, x: Any) -> Any:
                return self.head(self.rnn(x)[0][:, -1])

        return Reader(), nn.CrossEntropyLoss()

    return module


def letters(library: Library, smoke: bool) -> tuple[Any, Any]:
    """A character-level language model of 65 symbols."""
    nn, width = library.nn, 8 if smoke else 128

    class Writer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(65, width)
            self.rnn = nn.LSTM(width, width, batch_first=True)
            self.head = nn.Linear(width, 65)

        def forward(self, x: Any) -> Any:
            return self.head(self.rnn(self.embed(x))[0]).reshape(-1, 65)

    class Each(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.loss = nn.CrossEntropyLoss()

        def forward(self, input: Any, target: Any) -> Any:
            return self.loss(input, target.reshape(-1))

    return Writer(), Each()


def texts(random: np.random.Generator, smoke: bool) -> Batches:
    """Return batches of symbols and the symbols that follow."""
    shape = (2, 5) if smoke else (16, 64)
    return [(random.integers(0, 65, shape), random.integers(0, 65, shape)) for _ in range(COUNT)]


def cnn(library: Library, smoke: bool, side: int = 0) -> tuple[Any, Any]:
    """Two convolutions with batch norm and pooling, on images with this edge."""
    nn = library.nn
    layers: list[Any] = []
    for before, after in ((3, 16), (16, 32)):
        layers += [
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    side = (side or (8 if smoke else 32)) // 4
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * side * side, 10)), nn.CrossEntropyLoss()


def residual(library: Library, smoke: bool) -> tuple[Any, Any]:
    """Four blocks of two convolutions each."""
    nn = library.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(16, 16, 3, padding=1)
            self.second = nn.Conv2d(16, 16, 3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(x + self.second(self.relu(self.first(x))))

    side = 6 if smoke else 28
    return (
        nn.Sequential(*(Block() for _ in range(4)), nn.Flatten(), nn.Linear(16 * side * side, 10)),
        nn.CrossEntropyLoss(),
    )


def separable(library: Library, smoke: bool) -> tuple[Any, Any]:
    """A depthwise and a pointwise convolution."""
    nn = library.nn
    layers = [nn.Conv2d(32, 32, 5, padding=2, groups=32), nn.Conv2d(32, 32, 1), nn.ReLU()]
    side = 6 if smoke else 28
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * side * side, 10)), nn.CrossEntropyLoss()


def autoencoder(library: Library, smoke: bool) -> tuple[Any, Any]:
    """A convolution and a transposed convolution."""
    nn = library.nn
    inner = nn.Conv2d(1, 16, 3, stride=2, padding=1)
    outer = nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(inner, nn.ReLU(), outer), nn.MSELoss()


def conv1d(library: Library, smoke: bool) -> tuple[Any, Any]:
    """Two convolutions along one axis."""
    nn = library.nn

    class Mean(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean(-1)

    layers = [nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.Conv1d(32, 32, 5, padding=2), nn.ReLU()]
    return nn.Sequential(*layers, Mean(), nn.Linear(32, 10)), nn.CrossEntropyLoss()


def words(library: Library, smoke: bool) -> tuple[Any, Any]:
    """The mean of 16 embeddings."""
    nn = library.nn

    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(50 if smoke else 50_000, 64)
            self.head = nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.embed(x).mean(1))

    return Mean(), nn.CrossEntropyLoss()


def word_batches(random: np.random.Generator, smoke: bool) -> Batches:
    """Return batches of words, and a label for each example."""
    n, words = (3, 50) if smoke else (32, 50_000)
    return [(random.integers(0, words, (n, 16)), random.integers(0, 10, n)) for _ in range(COUNT)]


def vocabulary(library: Library, smoke: bool) -> tuple[Any, Any]:
    """One layer with many classes."""
    return library.nn.Linear(128, 50 if smoke else 50_257), library.nn.CrossEntropyLoss()


def mlp(*sizes: int, loss: str = "CrossEntropyLoss") -> Callable[..., tuple[Any, Any]]:
    """Linear layers with ReLU between them."""

    def module(library: Library, smoke: bool) -> tuple[Any, Any]:
        nn = library.nn
        widths = [sizes[0], *[8 if smoke else width for width in sizes[1:-1]], sizes[-1]]
        layers: list[Any] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        return nn.Sequential(*layers[:-1]), getattr(nn, loss)()

    return module
