"""The step of the smallest network that reads MNIST, 784-16-10: what a step costs where arithmetic costs nothing."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np

from benchmarks.workload import Trial, Workload
from benchmarks.workloads.training import Array, Framework, Task, frameworks, functional, task, train

LR = 1.0


def _problem(dtype: str, smoke: bool) -> Task:
    """Labels are one-hot: the squared error is to all outputs."""
    sizes = (20, 4, 3) if smoke else (784, 16, 10)
    classes = np.eye(sizes[-1], dtype=dtype)
    made = task(sizes, 4 if smoke else 32, 32, dtype)
    return made._replace(batches=[(x, classes[y]) for x, y in made.batches])


def _framework(framework: Framework, task: Task) -> Trial:
    nn, (inputs, hidden, outputs) = framework.nn, task.sizes
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.Sigmoid(), nn.Linear(hidden, outputs), nn.Sigmoid())
    optimizer = framework.optim.SGD(model.parameters(), lr=LR, **framework.faster)
    return train(framework, task, model, nn.MSELoss(), optimizer)


def _by_hand(task: Task) -> Trial:
    """Nobody remembers anything, the derivative is written out: what the engine's work comes on top of."""
    weights = task.parameters()
    w1, b1, w2, b2 = weights
    batches = cycle(task.batches)

    def sigmoid(z: Array) -> Array:
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)

    def step() -> Any:
        x, y = next(batches)
        hidden = x @ w1.T
        hidden += b1
        sigmoid(hidden)
        outputs = hidden @ w2.T
        outputs += b2
        sigmoid(outputs)
        difference = outputs - y
        loss = np.vdot(difference, difference) / difference.size
        difference *= 2 / difference.size
        difference *= outputs - outputs * outputs
        back = difference @ w2
        back *= hidden - hidden * hidden
        gradients = back.T @ x, back.sum(axis=0), difference.T @ hidden, difference.sum(axis=0)
        for weight, gradient in zip(weights, gradients, strict=True):
            gradient *= LR
            weight -= gradient
        return loss

    return Trial(step, lambda: weights)


def _loss(np: Any, weights: Any, x: Any, y: Any) -> Any:
    """The loss in the words of NumPy, which both libraries of pure functions speak."""
    w1, b1, w2, b2 = weights
    hidden = 1 / (1 + np.exp(-(x @ w1.T + b1)))
    outputs = 1 / (1 + np.exp(-(hidden @ w2.T + b2)))
    return np.mean((outputs - y) ** 2)


def _descent(value_and_grad: Any, np: Any) -> Any:
    gradient = value_and_grad(lambda weights, x, y: _loss(np, weights, x, y))

    def update(weights: Any, moments: Any, x: Any, y: Any) -> Any:
        loss, slopes = gradient(weights, x, y)
        return loss, [w - LR * slope for w, slope in zip(weights, slopes, strict=True)], moments

    return update


def _jax(task: Task) -> Trial:
    import jax

    return functional(task, jax.jit(_descent(jax.value_and_grad, jax.numpy)), array=jax.numpy.asarray)


def _autograd(task: Task) -> Trial:
    import autograd
    import autograd.numpy

    return functional(task, _descent(autograd.value_and_grad, autograd.numpy))


workload = Workload(
    "mnist_16",
    "784-16-10 training step: sigmoid, MSE, SGD, batch 32",
    _problem,
    {"numpy": _by_hand, **frameworks(_framework), "jax": _jax, "autograd": _autograd},
)
