"""Code of lesson 4: a trained 784-16-10 network, the responses of its hidden nodes, and other widths."""

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
    """Return the trained experiment of `configs/mnist_16.yaml`.

    Raises:
        ConfigError: if the MNIST files are missing.
    """
    experiment = minigrad.load(CONFIGS / "mnist_16.yaml")
    experiment.fit()
    return experiment


def sums(layer: Linear, inputs: np.ndarray) -> np.ndarray:
    """Return the weighted sums plus biases of a layer's nodes, (N, out), for inputs (N, in)."""
    return ops.linear(inputs, layer.weight.data, None if layer.bias is None else layer.bias.data)


def mean_by_class(values: np.ndarray, examples: Examples) -> np.ndarray:
    """Return the mean of `values` (N, ...) over the examples of each class, given one-hot targets."""
    return np.stack([values[each > 0].mean(axis=0) for each in examples.targets.T])


def most_selective(answers: np.ndarray) -> int:
    """Return the node whose largest mean response is furthest ahead of its second largest, from (classes, nodes)."""
    second, first = np.sort(answers, axis=0)[-2:]
    return int((first - second).argmax())


def typical(values: np.ndarray, examples: Examples, digit: int) -> int:
    """Return the example of a class whose value in `values` (N,) is the median of the class."""
    members = np.flatnonzero(examples.targets[:, digit])
    order = members[np.argsort(values[members], kind="stable")]
    return int(order[len(order) // 2])


def strongest_region(weights: np.ndarray, size: tuple[int, int] = REGION) -> np.ndarray:
    """Return a mask of the rectangle of this size with the largest absolute `weights` (height, width)."""
    strengths = sliding_window_view(np.abs(weights), size).sum(axis=(2, 3))
    top, left = np.unravel_index(strengths.argmax(), strengths.shape)
    inside = np.zeros(weights.shape, bool)
    inside[top : top + size[0], left : left + size[1]] = True
    return inside


def mistakes(width: int) -> tuple[int, float]:
    """Train `configs/mnist_mlp.yaml` with one hidden layer of sigmoids.

    Args:
        width: the width of the hidden layer.

    Returns:
        The number of parameters, and the validation error rate.

    Raises:
        ConfigError: if the MNIST files are missing.
    """
    overrides = [f"model.sizes=[784, {width}, 10]", "model.activation=sigmoid"]
    experiment = minigrad.load(CONFIGS / "mnist_mlp.yaml", overrides, home=ROOT)
    accuracy = experiment.fit()["val/accuracy"]
    return sum(parameter.size for parameter in experiment.model.parameters()), 1 - accuracy
