"""Common parts of training workloads: batches, initial weights, and a loop for each kind of library.

Networks are trained on noise, in a cycle of many batches: a single batch would be overfitted, and denormal numbers,
which appear on the way to zero, are slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle, pairwise
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Array, Trial
from benchmarks.workloads.descent import SGD, AdamW
from benchmarks.workloads.library import Library, on_libraries


class Task(NamedTuple):
    """A network to train.

    Attributes:
        sizes: the sizes of the layers; their meaning depends on the network.
        weights: the initial weights by `state_dict` name; an array under two names is one parameter.
        batches: the inputs (N, ...) and targets (N, ...) of each batch.
    """

    sizes: Any
    weights: dict[str, Array]
    batches: list[tuple[Array, Array]]

    def names(self) -> list[str]:
        """Return the first name of each parameter, in the order of `weights`."""
        first = {id(weight): name for name, weight in reversed(self.weights.items())}
        return [name for name, weight in self.weights.items() if first[id(weight)] == name]

    def parameters(self) -> list[Array]:
        """Return copies of the initial weights, one for each parameter."""
        return [self.weights[name].copy() for name in self.names()]


def classifier(sizes: tuple[int, ...], batch: int, count: int, dtype: str) -> Task:
    """Return a task for a `Sequential` of linear layers with activations in between, with `count` batches.

    The weights of each layer are a matrix (out, in) and a bias (out,). Targets are labels (N,).
    """
    random = np.random.default_rng(0)
    weights: dict[str, Array] = {}
    for i, (before, after) in enumerate(pairwise(sizes)):
        bound = before**-0.5
        weights[f"{2 * i}.weight"] = random.uniform(-bound, bound, (after, before)).astype(dtype)
        weights[f"{2 * i}.bias"] = random.uniform(-bound, bound, after).astype(dtype)
    batches = [
        (random.random((batch, sizes[0]), np.float32).astype(dtype, copy=False), random.integers(0, sizes[-1], batch))
        for _ in range(count)
    ]
    return Task(sizes, weights, batches)


class Network(NamedTuple):
    """A network in the form that each kind of library needs.

    Attributes:
        descent: the optimizer.
        gradients: `gradients(sizes, weights, x, y)` returns the loss and the gradients of `weights`, in plain NumPy.
        module: `module(library, sizes)` returns the model and the criterion in a library with PyTorch's interface.
        loss: `loss(np, sizes, weights, x, y)` returns the loss in a library of pure functions; `np` is its NumPy.
    """

    descent: SGD | AdamW
    gradients: Callable[[Any, list[Array], Array, Array], tuple[Any, Sequence[Array]]]
    module: Callable[[Library, Any], tuple[Any, Any]]
    loss: Callable[[Any, Any, Any, Any, Any], Any]

    def peers(self, libraries: Mapping[str, Callable[[], Library]]) -> dict[str, Callable[[Task], Trial]]:
        """Return the peers: plain NumPy, `libraries` with PyTorch's interface, and JAX."""
        return {"numpy": self.by_hand, **on_libraries(self.train, libraries), "jax": self.jax}

    def by_hand(self, task: Task) -> Trial:
        """Return a trial in plain NumPy with hand-written derivatives, as a baseline for the engine's overhead."""
        weights, batches = task.parameters(), cycle(task.batches)
        gradients, update = partial(self.gradients, task.sizes), self.descent.by_hand(weights)

        def step() -> Any:
            loss, slopes = gradients(weights, *next(batches))
            update(slopes)
            return loss

        return Trial(step, lambda: weights)

    def train(self, library: Library, task: Task) -> Trial:
        """Return a trial of the usual training loop, which repeats the batches of `task`."""
        model, criterion = self.module(library, task.sizes)
        model.load_state_dict({name: library.tensor(weight) for name, weight in task.weights.items()})
        batches = cycle([(library.tensor(x), library.tensor(y)) for x, y in task.batches])
        take = library.step(model, criterion, library.optimizer(model, self.descent))
        parameters = dict(model.named_parameters())
        return Trial(lambda: take(*next(batches)), lambda: [parameters[name].detach().numpy() for name in task.names()])

    def jax(self, task: Task) -> Trial:
        """Return a trial of one compiled function of weights, moments and a batch, with donated buffers."""
        import jax
        import jax.numpy as jnp

        update = jax.jit(self._update(jax.value_and_grad, jnp, task), donate_argnums=(0, 1))
        return self._functional(task, update, jnp.asarray)

    def autograd(self, task: Task) -> Trial:
        """Return a trial of the same function in HIPS autograd."""
        import autograd
        import autograd.numpy

        return self._functional(task, self._update(autograd.value_and_grad, autograd.numpy, task), np.asarray)

    def _update(self, value_and_grad: Any, np: Any, task: Task) -> Callable[..., tuple[Any, Any, Any]]:
        gradient = value_and_grad(lambda weights, x, y: self.loss(np, task.sizes, weights, x, y))

        def update(weights: Any, moments: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
            loss, slopes = gradient(weights, x, y)
            return loss, *self.descent.functional(np, weights, slopes, moments)

        return update

    def _functional(self, task: Task, update: Callable[..., Any], array: Callable[[Array], Any]) -> Trial:
        weights: Any = [array(weight) for weight in task.parameters()]
        moments = self.descent.moments([array(np.zeros_like(weight)) for weight in task.parameters()])
        batches = cycle([(array(x), array(y)) for x, y in task.batches])

        def step() -> Any:
            nonlocal weights, moments
            loss, weights, moments = update(weights, moments, *next(batches))
            return loss

        return Trial(step, lambda: [np.asarray(weight) for weight in weights])


class Course(NamedTuple):
    """A network, a task whose batches are an epoch, and the number of epochs."""

    network: Network
    task: Task
    epochs: int
