"""The step of a usual small classifier, 784-256-128-10: half of it is matrix products, and those cost all the same."""

from __future__ import annotations

from itertools import cycle, pairwise
from math import log, sqrt
from typing import Any

import numpy as np

from benchmarks.workload import Trial, Workload
from benchmarks.workloads.training import Framework, Task, frameworks, functional, task, train

LR, BETAS, EPS, WEIGHT_DECAY = 1e-3, (0.9, 0.999), 1e-8, 0.1


def _problem(dtype: str, smoke: bool) -> Task:
    return task((20, 8, 6, 3), 4, 32, dtype) if smoke else task((784, 256, 128, 10), 128, 32, dtype)


def _framework(framework: Framework, task: Task) -> Trial:
    nn = framework.nn
    layers: list[Any] = []
    for before, after in pairwise(task.sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    optimizer = framework.optim.AdamW(
        model.parameters(), lr=LR, betas=BETAS, eps=EPS, weight_decay=WEIGHT_DECAY, **framework.faster
    )
    return train(framework, task, model, nn.CrossEntropyLoss(), optimizer)


def _by_hand(task: Task) -> Trial:
    """Layers and optimizer written out, in place where that is plain to see."""
    weights = task.parameters()
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    firsts, seconds, spares = ([np.zeros_like(weight) for weight in weights] for _ in range(3))
    batches = cycle(task.batches)
    steps = 0

    def step() -> Any:
        nonlocal steps
        steps += 1
        x, labels = next(batches)
        inputs = [x]
        for weight, bias in layers:
            out = inputs[-1] @ weight.T
            out += bias
            inputs.append(np.maximum(out, 0, out=out) if weight is not layers[-1][0] else out)
        rows = np.arange(len(x)), labels
        scores = inputs.pop()
        scores -= scores.max(axis=1, keepdims=True)
        right = scores[rows]
        np.exp(scores, out=scores)
        total = scores.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - right)
        scores /= total
        scores[rows] -= 1
        scores /= len(x)
        back, gradients = scores, []
        for (weight, _), x in zip(reversed(layers), reversed(inputs), strict=True):
            gradients += [back.sum(axis=0), back.T @ x]
            if x is not inputs[0]:
                back = back @ weight
                back *= x > 0
        _adamw(weights, gradients[::-1], firsts, seconds, spares, steps)
        return loss

    return Trial(step, lambda: weights)


def _adamw(weights: Any, gradients: Any, firsts: Any, seconds: Any, spares: Any, steps: int) -> None:
    """Loshchilov and Hutter, arXiv:1711.05101, algorithm 2, with PyTorch's order of operations."""
    unbias1, unbias2 = 1 - BETAS[0] ** steps, 1 - BETAS[1] ** steps
    for weight, gradient, first, second, spare in zip(weights, gradients, firsts, seconds, spares, strict=True):
        weight *= 1 - LR * WEIGHT_DECAY
        first *= BETAS[0]
        first += np.multiply(gradient, 1 - BETAS[0], out=spare)
        second *= BETAS[1]
        np.multiply(gradient, gradient, out=spare)
        spare *= 1 - BETAS[1]
        second += spare
        np.sqrt(second, out=spare)
        spare /= sqrt(unbias2)
        spare += EPS
        np.divide(first, spare, out=spare)
        spare *= LR / unbias1
        weight -= spare


def _jax(task: Task) -> Trial:
    import jax
    import jax.numpy as jnp

    def loss_of(weights: Any, x: Any, labels: Any) -> Any:
        for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            x = jax.nn.relu(x @ weight.T + bias)
        logs = jax.nn.log_softmax(x @ weights[-2].T + weights[-1])
        return -jnp.mean(logs[jnp.arange(len(labels)), labels])

    gradient = jax.value_and_grad(loss_of)

    @jax.jit
    def update(weights: Any, moments: Any, x: Any, labels: Any) -> Any:
        loss, slopes = gradient(weights, x, labels)
        firsts, seconds, steps = moments
        steps += 1
        firsts = [BETAS[0] * m + (1 - BETAS[0]) * g for m, g in zip(firsts, slopes, strict=True)]
        seconds = [BETAS[1] * v + (1 - BETAS[1]) * g * g for v, g in zip(seconds, slopes, strict=True)]
        # Not 1 - beta ** steps, which in float32 has lost four digits at the first step.
        unbias1, unbias2 = (-jnp.expm1(steps * log(beta)) for beta in BETAS)
        weights = [
            w * (1 - LR * WEIGHT_DECAY) - LR / unbias1 * m / (jnp.sqrt(v / unbias2) + EPS)
            for w, m, v in zip(weights, firsts, seconds, strict=True)
        ]
        return loss, weights, (firsts, seconds, steps)

    zeros = [jnp.zeros_like(weight) for weight in task.parameters()]
    return functional(task, update, (zeros, zeros, 0), jnp.asarray)


workload = Workload(
    "mnist_mlp",
    "784-256-128-10 training step: ReLU, cross-entropy, AdamW, batch 128",
    _problem,
    {"numpy": _by_hand, **frameworks(_framework), "jax": _jax},
)
