"""What the training workloads share: a classifier's first weights, its batches, and one loop for two libraries.

Networks are trained on noise, in a cycle of batches as large as real training reads from memory: a single batch would
be learned by heart, and numbers on their way to zero cost a processor far more time than others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.workload import Trial

Array = NDArray[Any]


class Task(NamedTuple):
    """A classifier to train: `weights` by their `state_dict` names, and `batches` of inputs (N, in) and labels (N,)."""

    sizes: tuple[int, ...]
    weights: dict[str, Array]
    batches: list[tuple[Array, Array]]

    def parameters(self) -> list[Array]:
        """Copies of the weights: of each layer the matrix (out, in), then the bias (out,)."""
        return [weight.copy() for weight in self.weights.values()]


def task(sizes: tuple[int, ...], batch: int, count: int, dtype: str) -> Task:
    """A fully connected network in a `Sequential` with one activation between any two layers, and `count` batches."""
    random = np.random.default_rng(0)
    weights: dict[str, Array] = {}
    for i, (before, after) in enumerate(pairwise(sizes)):
        bound = before**-0.5
        weights[f"{2 * i}.weight"] = random.uniform(-bound, bound, (after, before)).astype(dtype)
        weights[f"{2 * i}.bias"] = random.uniform(-bound, bound, after).astype(dtype)
    batches = [
        (random.random((batch, sizes[0])).astype(dtype), random.integers(0, sizes[-1], batch)) for _ in range(count)
    ]
    return Task(sizes, weights, batches)


class Framework(NamedTuple):
    """A library that speaks PyTorch: its two rooms, how it takes arrays, and what it has to make them faster."""

    nn: Any
    optim: Any
    tensor: Callable[[Array], Any]
    compile: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function
    faster: dict[str, Any] = {}  # noqa: RUF012 - options of every optimizer; a tuple's default, never written to


def _minigrad() -> Framework:
    from minigrad import Tensor, nn, optim

    return Framework(nn, optim, Tensor)


def _torch(fused: bool = False, compiled: bool = False) -> Framework:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    framework = Framework(torch.nn, torch.optim, torch.from_numpy)
    if fused:
        framework = framework._replace(faster={"fused": True})
    return framework._replace(compile=torch.compile) if compiled else framework


def frameworks(trial: Callable[[Framework, Task], Trial]) -> dict[str, Callable[[Task], Trial]]:
    """The peers that run the very same lines, `trial`, with another library."""
    libraries = {
        "minigrad": _minigrad,
        "torch": _torch,
        "torch_fused": partial(_torch, fused=True),
        "torch_compiled": partial(_torch, fused=True, compiled=True),
    }
    return {peer: _peer(library, trial) for peer, library in libraries.items()}


def _peer(library: Callable[[], Framework], trial: Callable[[Framework, Task], Trial]) -> Callable[[Task], Trial]:
    return lambda task: trial(library(), task)


def train(framework: Framework, task: Task, model: Any, criterion: Any, optimizer: Any) -> Trial:
    """The training loop that everybody knows, over the batches of `task` again and again."""
    model.load_state_dict({name: framework.tensor(weight) for name, weight in task.weights.items()})
    batches = cycle([(framework.tensor(x), framework.tensor(y)) for x, y in task.batches])
    objective = framework.compile(lambda x, y: criterion(model(x), y))

    def step() -> Any:
        x, y = next(batches)
        optimizer.zero_grad()
        loss = objective(x, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return Trial(step, lambda: [parameter.detach().numpy() for parameter in model.parameters()])


def functional(
    task: Task,
    update: Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]],
    moments: Any = (),
    array: Callable[[Array], Any] = np.asarray,
) -> Trial:
    """The loop of a library of pure functions.

    `update(weights, moments, x, y)` returns the loss, the next weights and the next moments, which are the optimizer's;
    `array` makes one of the library's own arrays.
    """
    weights: Any = [array(weight) for weight in task.parameters()]
    batches: Iterator[Any] = cycle([(array(x), array(y)) for x, y in task.batches])

    def step() -> Any:
        nonlocal weights, moments
        loss, weights, moments = update(weights, moments, *next(batches))
        return loss

    return Trial(step, lambda: [np.asarray(weight) for weight in weights])
