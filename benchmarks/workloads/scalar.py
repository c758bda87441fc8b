"""Workload: micrograd's demo, a training step on two moons with scalars."""

from __future__ import annotations

import random
import sys
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Goal, Trial, Workload

LR = 1e-3  # small, so that the loss stays large: near 0, most gradients would be 0, which Scalar skips


class Demo(NamedTuple):
    """The sizes of the layers, inputs first, and points (x, y) with labels -1 or 1."""

    sizes: tuple[int, ...]
    points: list[list[float]]
    labels: list[int]


def _problem(dtype: str, smoke: bool) -> Demo:
    """Return the demo, which does not depend on the dtype because Python has only one kind of float."""
    from minigrad.data import Moons
    from models.scalar_mlp import signs

    sizes, count = ((2, 4, 1), 10) if smoke else ((2, 16, 16, 1), 100)
    examples = Moons(n_samples=1000).train
    return Demo(sizes, examples.inputs[:count].tolist(), signs(examples)[:count])


def _trial(parameters: list[Any], loss: Any) -> Trial:
    """Return a trial of gradient descent on `loss()`, after setting the parameters to their initial values."""
    from models.scalar_mlp import descend

    generator = random.Random(0)
    for p in parameters:
        p.data = generator.uniform(-1, 1)

    def step() -> float:
        value = loss()
        descend(parameters, value, LR)
        return value.data

    return Trial(step, lambda: [np.array([p.grad for p in parameters])])


def _same_expressions(number: Any, demo: Demo) -> Trial:
    """Return a trial with the demo's expressions of network and loss, for numbers of any kind."""
    layers = [[([number(0.0) for _ in range(n)], number(0.0)) for _ in range(m)] for n, m in pairwise(demo.sizes)]
    parameters = [p for layer in layers for weights, bias in layer for p in (*weights, bias)]

    def score(x: list[Any]) -> Any:
        *hidden, [last] = layers
        for layer in hidden:
            x = [neuron(weights, bias, x).relu() for weights, bias in layer]
        return neuron(*last, x)

    def neuron(weights: list[Any], bias: Any, x: list[Any]) -> Any:
        return sum((wi * xi for wi, xi in zip(weights, x, strict=True)), bias)

    def loss() -> Any:
        scores = [score(list(map(number, x))) for x in demo.points]
        losses = [(1 + -yi * si).relu() for yi, si in zip(demo.labels, scores, strict=True)]
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)

    return _trial(parameters, loss)


def _minigrad(demo: Demo) -> Trial:
    from minigrad.scalar import Scalar

    return _same_expressions(Scalar, demo)


def _minigrad_neuron(demo: Demo) -> Trial:
    from models.scalar_mlp import Network, objective

    network = Network(*demo.sizes)
    return _trial(network.parameters(), lambda: objective(network, demo.points, demo.labels))


def _micrograd(demo: Demo) -> Trial:
    from micrograd.engine import Value

    sys.setrecursionlimit(10_000)  # its backward() recurses along the sum over all parameters
    return _same_expressions(Value, demo)


SIZES = "2-16-16-1, 100 points, hinge loss, weight decay"

workloads = (
    Workload(
        "scalar",
        f"micrograd's demo in the same expressions: {SIZES}",
        _problem,
        {"minigrad": _minigrad, "micrograd": _micrograd},
        goals={"micrograd": Goal(5)},
    ),
    Workload(
        "scalar_neuron",
        f"micrograd's demo with a neuron as one operation: {SIZES}",
        _problem,
        {"minigrad": _minigrad_neuron, "micrograd": _micrograd},
        goals={"micrograd": Goal(40)},
    ),
)
