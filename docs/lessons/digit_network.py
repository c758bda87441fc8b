"""What lesson 4 computes: a trained 784-16-10 network, what its hidden nodes answer to, and other widths."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import minigrad
from minigrad import ops
from minigrad.data import Examples
from minigrad.nn import Linear
from minigrad.training import Experiment

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
WIDTHS = (4, 16, 64, 397)
REGION = (8, 8)


@cache
def trained() -> Experiment:
    """Returns `configs/mnist_16.yaml` after its training. Raises ConfigError where the MNIST files are not."""
    experiment = minigrad.load(CONFIGS / "mnist_16.yaml")
    experiment.fit()
    return experiment


def sums(layer: Linear, inputs: np.ndarray) -> np.ndarray:
    """Returns the weighted sum of each node of a layer, with its bias, for inputs (N, in): (N, out)."""
    return ops.linear(inputs, layer.weight.data, None if layer.bias is None else layer.bias.data)


def mean_by_class(values: np.ndarray, examples: Examples) -> np.ndarray:
    """Returns the mean of `values` (N, ...) over the examples of each class, as targets that are one-hot say."""
    return np.stack([values[each > 0].mean(axis=0) for each in examples.targets.T])


def most_selective(answers: np.ndarray) -> int:
    """Returns the node whose mean answer (classes, nodes) to one class is furthest ahead of that to any other."""
    second, first = np.sort(answers, axis=0)[-2:]
    return int((first - second).argmax())


def typical(values: np.ndarray, examples: Examples, digit: int) -> int:
    """Returns the example of a class whose value, of `values` (N,), is the median of the class."""
    members = np.flatnonzero(examples.targets[:, digit])
    order = members[np.argsort(values[members], kind="stable")]
    return int(order[len(order) // 2])


def strongest_region(weights: np.ndarray, size: tuple[int, int] = REGION) -> np.ndarray:
    """Returns the rectangle of this size where `weights` (height, width) are largest together, as True inside it."""
    strengths = sliding_window_view(np.abs(weights), size).sum(axis=(2, 3))
    top, left = np.unravel_index(strengths.argmax(), strengths.shape)
    inside = np.zeros(weights.shape, bool)
    inside[top : top + size[0], left : left + size[1]] = True
    return inside


def mistakes(width: int) -> tuple[int, float]:
    """Trains `configs/mnist_mlp.yaml` with one hidden layer of sigmoids.

    Args:
        width: of the hidden layer.

    Returns the number of parameters, and the share of validation examples that the network gets wrong.

    Raises: ConfigError where the MNIST files are not.
    """
    overrides = [f"model.sizes=[784, {width}, 10]", "model.activation=sigmoid"]
    experiment = minigrad.load(CONFIGS / "mnist_mlp.yaml", overrides, home=ROOT)
    accuracy = experiment.fit()["val/accuracy"]
    return sum(parameter.size for parameter in experiment.model.parameters()), 1 - accuracy
