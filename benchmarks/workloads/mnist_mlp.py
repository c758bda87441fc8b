"""Workload: the training step of a typical small classifier, 784-256-128-10, half of which is matrix products."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.workload import Array, Goal, Workload
from benchmarks.workloads.by_hand import cross_entropy, linear, linear_back
from benchmarks.workloads.descent import AdamW
from benchmarks.workloads.library import SMALL_STEPS, Library
from benchmarks.workloads.training import Network, Task, classifier


def _problem(dtype: str, smoke: bool) -> Task:
    return classifier((20, 8, 6, 3), 4, 32, dtype) if smoke else classifier((784, 256, 128, 10), 128, 32, dtype)


def _module(library: Library, sizes: tuple[int, ...]) -> tuple[Any, Any]:
    nn = library.nn
    layers: list[Any] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1]), nn.CrossEntropyLoss()


def _gradients(sizes: tuple[int, ...], weights: list[Array], x: Array, labels: Array) -> tuple[Any, list[Array]]:
    inputs = [x]
    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        out = linear(inputs[-1], weight, bias)
        inputs.append(np.maximum(out, 0, out=out))
    loss, back = cross_entropy(linear(inputs[-1], *weights[-2:]), labels)
    gradients: list[Array] = []
    for weight, hidden in zip(weights[-2:0:-2], inputs[:0:-1], strict=True):
        back, *slopes = linear_back(back, hidden, weight)
        back *= hidden > 0
        gradients = [*slopes, *gradients]
    return loss, [back.T @ x, back.sum(axis=0), *gradients]


def _loss(np: Any, sizes: tuple[int, ...], weights: Any, x: Any, labels: Any) -> Any:
    """Return the loss in JAX, with its own functions where these are faster."""
    from jax.nn import log_softmax, relu

    for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = relu(x @ weight.T + bias)
    logs = log_softmax(x @ weights[-2].T + weights[-1])
    return -np.mean(logs[np.arange(len(labels)), labels])


network = Network(AdamW(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1), _gradients, _module, _loss)

workload = Workload(
    "mnist_mlp",
    "784-256-128-10 training step: ReLU, cross-entropy, AdamW, batch 128",
    _problem,
    network.peers(SMALL_STEPS),
    goals={"torch": Goal(1.7), "torch_fused": Goal(1.0), "torch_compiled": Goal(1.0)},
)
