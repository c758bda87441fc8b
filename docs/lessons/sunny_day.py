"""Code of lesson 2: a neuron's training, problems beyond one neuron, and activations through layers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

import minigrad
from minigrad import Tensor, nn, ops
from minigrad.nn import Module
from minigrad.training import Callback, Experiment, Training

HOME = Path(__file__).parents[2]
LINE = ("model={Linear: [2, 1]}",)
"""Overrides of the XOR config for a network without a hidden layer."""
CIRCLES = ("data={Circles: {test_fraction: 0.1, targets: binary}}", "loader.batch_size=32")
"""Overrides of the XOR config for the two circles."""
WIDTH = 256
LAYERS = 10
INITIALISATIONS = {"0.01": 0.01, "√(2/256) = 0.088": (2 / WIDTH) ** 0.5, "1": 1.0}
"""The standard deviations of initial weights, by their names in the picture."""


def experiment(config: str, overrides: tuple[str, ...] = ()) -> Experiment:
    """Return the experiment of a config in `configs/`."""
    return minigrad.load(HOME / "configs" / f"{config}.yaml", overrides, HOME)


class Snapshot(NamedTuple):
    """The neuron after some steps: weights (3,), bias, and training accuracy."""

    step: int
    weights: np.ndarray
    bias: float
    accuracy: float


class Watch(Callback):
    """A callback that takes a snapshot of a perceptron after each of the given steps."""

    def __init__(self, steps: tuple[int, ...]) -> None:
        self.steps = steps
        self.snapshots: list[Snapshot] = []

    def on_train_start(self, training: Training) -> None:
        """Step 0."""
        self.on_step_end(training)

    def on_step_end(self, training: Training) -> None:
        """Save copies of the weights, which continue to change."""
        if training.step in self.steps:
            neuron, days = training.model, training.experiment.data.train
            right = neuron.decide(Tensor(days.inputs)) == (days.targets[:, 0] > 0.5)
            weights, bias = neuron.sum.weight.data[0].copy(), neuron.sum.bias.item()
            self.snapshots.append(Snapshot(training.step, weights, bias, float(right.mean())))


def learning(steps: tuple[int, ...]) -> list[Snapshot]:
    """Train the sunny-day neuron from random weights, and return it after each of `steps`."""
    watch = Watch(steps)
    run = experiment("sunny_day")
    run.callbacks.append(watch)
    run.fit()
    return watch.snapshots


def probability(model: Module, points: np.ndarray) -> np.ndarray:
    """Return the probabilities (...) of class 1 at points (..., 2), from a model of logits."""
    with minigrad.no_grad():
        return ops.sigmoid(model(Tensor(points.reshape(-1, 2).astype(np.float32))).data).reshape(points.shape[:-1])


def sizes(std: float) -> list[float]:
    """Return the root mean squares of normal inputs and of the activations after each of ten ReLU layers.

    Args:
        std: the standard deviation of the weights.
    """
    minigrad.seed(0)
    x = Tensor(np.random.default_rng(0).normal(size=(200, WIDTH)).astype(np.float32))
    found = [x]
    for _ in range(LAYERS):
        layer = nn.Linear(WIDTH, WIDTH, bias=False)
        nn.init.normal_(layer.weight, std=std)
        found.append(ops.relu(layer(found[-1])))
    return [float(np.sqrt(np.square(activations.data).mean())) for activations in found]
