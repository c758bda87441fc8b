"""Workloads: the overhead of the trainer, compared with minimal loops.

The trainer shuffles, gathers batches, computes metrics, writes records and checks for divergence. The minimal loops
only gather shuffled batches and count correct predictions. All evaluate one batch twice, as validation and test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workload import Goal, Trial, Workload
from benchmarks.workloads import gpt, mnist_16
from benchmarks.workloads.training import Course

MNIST_BATCHES, MNIST_EPOCHS, GPT_EPOCHS = 320, 5, 1


def _mnist(batches: int, epochs: int) -> Callable[[str, bool], Course]:
    return lambda dtype, smoke: Course(mnist_16.network, mnist_16.problem(dtype, smoke, batches), epochs)


def _gpt(dtype: str, smoke: bool) -> Course:
    return Course(gpt.network, gpt.task(gpt.TINY if smoke else gpt.SMALL, dtype), GPT_EPOCHS)


def _by_hand(course: Course) -> Trial:
    """Return a trial of 784-16-10 in plain NumPy."""
    from benchmarks.workloads.epochs import Noise, hits

    weights, data = course.task.parameters(), Noise(course.task)
    update = course.network.descent.by_hand(weights)

    def step() -> Any:
        right = 0
        for x, y in data.batches(course.epochs):
            hidden, outputs = mnist_16.forward(weights, x)
            right += hits(outputs, y)
            _, gradients = mnist_16.backward(weights, x, y, hidden, outputs)
            update(gradients)
        for part in (data.val, data.test):
            difference = mnist_16.forward(weights, part.inputs)[1] - part.targets
        return np.mean(difference * difference)

    return Trial(step, lambda: weights)


def _bare(course: Course) -> Trial:
    from benchmarks.workloads.epochs import bare

    return bare(course)


def _trainer(course: Course) -> Trial:
    from benchmarks.workloads.epochs import trainer

    return trainer(course)


def _compiled(course: Course) -> Trial:
    from benchmarks.workloads.epochs import trainer

    return trainer(course, compile=True)


workloads = (
    Workload(
        "mnist_epoch",
        "the trainer's epoch of 784-16-10, compiled: 60,000 images of noise, sigmoid, MSE, SGD, batch 32",
        _mnist(60_000 // 32, 1),
        {"numpy": _by_hand, "bare": _bare, "minigrad": _compiled},
        goals={"numpy": Goal(1 / 1.5)},
    ),
    Workload(
        "trainer",
        "the trainer around a step of 784-16-10: sigmoid, MSE, SGD, batch 32",
        _mnist(MNIST_BATCHES, MNIST_EPOCHS),
        {"bare": _bare, "minigrad": _trainer},
        operations=MNIST_BATCHES * MNIST_EPOCHS,
        goals={"bare": Goal(1 / 1.15)},
    ),
    Workload(
        "trainer_gpt",
        "the trainer around a step of a GPT of 0.8 million parameters",
        _gpt,
        {"bare": _bare, "minigrad": _trainer},
        operations=gpt.BATCHES * GPT_EPOCHS,
        goals={"bare": Goal(1 / 1.01)},
    ),
)
