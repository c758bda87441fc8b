"""Code of lesson 3: the gradients of a neuron, a cost of two weights, and losses with a sum or a mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from minigrad import Scalar, Tensor, nn, ops, optim, seed
from minigrad.data import Digits

STEPS = 60
EXAMPLES = 100

Number = TypeVar("Number", float, Scalar)


def neuron() -> dict[str, Scalar]:
    """Return the graph of a sigmoid neuron and its squared error, by name, with gradients."""
    w, x, b, y = Scalar(-2.0), Scalar(1.5), Scalar(3.0), Scalar(0.9)
    z = w * x + b
    a = z.sigmoid()
    cost = (a - y) ** 2
    cost.backward()
    return {"w": w, "x": x, "b": b, "y": y, "z": z, "a": a, "C": cost}


def cost(w1: Number, w2: Number) -> Number:
    """Return (1.6 w₁ + 0.05 w₂ + 0.1)²; at w₁ = 0.5 and w₂ = 2 it is 1, and its gradients are 3.2 and 0.1."""
    return (1.6 * w1 + 0.05 * w2 + 0.1) ** 2


def summed(errors: Tensor) -> Tensor:
    """Return the mean over the examples of the sum over the outputs of `errors` (N, outputs)."""
    return errors.sum(axis=1).mean()


def averaged(errors: Tensor) -> Tensor:
    """Return the mean over the examples of the mean over the outputs of `errors` (N, outputs)."""
    return errors.mean(axis=1).mean()


def descend(loss: Callable[[Tensor], Tensor], lr: float) -> tuple[np.ndarray, np.ndarray]:
    """Teaches ten sigmoid neurons a hundred digits in STEPS steps of gradient descent.

    Args:
        loss: reduces the squared errors (100, 10) to one number.
        lr: the learning rate.

    Returns:
        The mean squared error before each step (STEPS,), and the weights after the last step (10, 64).
    """
    inputs, targets = Digits(targets="one_hot").train.batch(slice(EXAMPLES))
    seed(0)
    layer = nn.Linear(64, 10)
    optimizer = optim.SGD(layer.parameters(), lr=lr)
    means = []
    for _ in range(STEPS):
        errors = ops.square(ops.sigmoid(layer(Tensor(inputs))) - targets)
        means.append(float(errors.data.mean()))
        optimizer.zero_grad()
        loss(errors).backward()
        optimizer.step()
    return np.array(means), layer.weight.data
