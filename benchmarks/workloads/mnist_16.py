"""Workload: the training step of a small network, 784-16-10, which is dominated by overhead."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np

from benchmarks.workload import Array, Goal, Trial, Workload
from benchmarks.workloads.by_hand import linear
from benchmarks.workloads.descent import SGD
from benchmarks.workloads.library import SMALL_STEPS, Library
from benchmarks.workloads.training import Network, Task, classifier


def problem(dtype: str, smoke: bool, batches: int = 32) -> Task:
    """Return the task; targets are one-hot, for the squared error of all outputs."""
    sizes = (20, 4, 3) if smoke else (784, 16, 10)
    classes = np.eye(sizes[-1], dtype=dtype)
    task = classifier(sizes, 4 if smoke else 32, batches, dtype)
    return task._replace(batches=[(x, classes[y]) for x, y in task.batches])


def _module(library: Library, sizes: tuple[int, ...]) -> tuple[Any, Any]:
    nn, (inputs, hidden, outputs) = library.nn, sizes
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.Sigmoid(), nn.Linear(hidden, outputs), nn.Sigmoid())
    return model, nn.MSELoss()


def _sigmoid(z: Array) -> Array:
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    return np.reciprocal(z, out=z)


def forward(weights: list[Array], x: Array) -> tuple[Array, Array]:
    """Return the hidden activations and the outputs."""
    w1, b1, w2, b2 = weights
    hidden = _sigmoid(linear(x, w1, b1))
    return hidden, _sigmoid(linear(hidden, w2, b2))


def backward(weights: list[Array], x: Array, y: Array, hidden: Array, outputs: Array) -> tuple[Any, list[Array]]:
    """Return the loss and the gradients of the weights."""
    difference = outputs - y
    loss = np.vdot(difference, difference) / difference.size
    difference *= 2 / difference.size
    difference *= outputs - outputs * outputs
    back = difference @ weights[2]
    back *= hidden - hidden * hidden
    return loss, [back.T @ x, back.sum(axis=0), difference.T @ hidden, difference.sum(axis=0)]


def _gradients(sizes: tuple[int, ...], weights: list[Array], x: Array, y: Array) -> tuple[Any, list[Array]]:
    return backward(weights, x, y, *forward(weights, x))


def _loss(np: Any, sizes: tuple[int, ...], weights: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, b2 = weights
    hidden = 1 / (1 + np.exp(-(x @ w1.T + b1)))
    outputs = 1 / (1 + np.exp(-(hidden @ w2.T + b2)))
    return np.mean((outputs - y) ** 2)


network = Network(SGD(lr=1.0), _gradients, _module, _loss)


def _tinygrad(task: Task) -> Trial:
    """Return a trial in tinygrad, whose tensors have the NumPy functions of the loss as methods."""
    from tinygrad import Tensor, TinyJit

    weights: list[Any] = [Tensor(weight).realize() for weight in task.parameters()]
    batches = cycle([(Tensor(x).realize(), Tensor(y).realize()) for x, y in task.batches])

    @TinyJit
    def update(x: Any, y: Any) -> Any:
        loss = network.loss(Tensor, task.sizes, weights, x, y)
        after, _ = network.descent.functional(Tensor, weights, loss.gradient(*weights), ())
        for weight, new in zip(weights, after, strict=True):
            weight.assign(new)
        return loss.realize(*weights)

    return Trial(lambda: update(*next(batches)).item(), lambda: [weight.numpy() for weight in weights])


workload = Workload(
    "mnist_16",
    "784-16-10 training step: sigmoid, MSE, SGD, batch 32",
    problem,
    {**network.peers(SMALL_STEPS), "autograd": network.autograd, "tinygrad": _tinygrad},
    goals={
        "torch": Goal(4.5),
        "torch_fused": Goal(4.5),
        "torch_compiled": Goal(4.5),
        "jax": Goal(1.5),
    },
)
