"""What the training workloads share: batches, first weights, and one loop for each kind of library.

Networks are trained on noise, in a cycle of batches as large as real training reads from memory: a single batch would
be learned by heart, and numbers on their way to zero cost a processor far more time than others.
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
        sizes: of its layers, as the network understands them.
        weights: the first ones, by their `state_dict` names; one array under two names is one parameter.
        batches: of inputs (N, ...) and targets (N, ...).
    """

    sizes: Any
    weights: dict[str, Array]
    batches: list[tuple[Array, Array]]

    def names(self) -> list[str]:
        """The name of each parameter, the first where it has two, in the order of `weights`."""
        first = {id(weight): name for name, weight in reversed(self.weights.items())}
        return [name for name, weight in self.weights.items() if first[id(weight)] == name]

    def parameters(self) -> list[Array]:
        """Copies of the first weights, one for each name."""
        return [self.weights[name].copy() for name in self.names()]


def classifier(sizes: tuple[int, ...], batch: int, count: int, dtype: str) -> Task:
    """A fully connected network in a `Sequential` with one activation between any two layers, and `count` batches.

    The weights are, of each layer, the matrix (out, in) and the bias (out,). Targets are labels (N,).
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
    """What is trained, as each kind of library needs to hear it.

    Attributes:
        descent: the optimizer.
        gradients: by hand, in NumPy: `gradients(sizes, weights, x, y)` returns the loss and the gradients of `weights`.
        module: `module(library, sizes)` returns the model and the criterion in a library that speaks PyTorch.
        loss: `loss(np, sizes, weights, x, y)` returns the loss in a library of pure functions; `np` is its NumPy.
    """

    descent: SGD | AdamW
    gradients: Callable[[Any, list[Array], Array, Array], tuple[Any, Sequence[Array]]]
    module: Callable[[Library, Any], tuple[Any, Any]]
    loss: Callable[[Any, Any, Any, Any, Any], Any]

    def peers(self, libraries: Mapping[str, Callable[[], Library]]) -> dict[str, Callable[[Task], Trial]]:
        """NumPy by hand, `libraries` that speak PyTorch, and JAX."""
        return {"numpy": self.by_hand, **on_libraries(self.train, libraries), "jax": self.jax}

    def by_hand(self, task: Task) -> Trial:
        """Nobody remembers anything, the derivative is written out: what the engine's work comes on top of."""
        weights, batches = task.parameters(), cycle(task.batches)
        gradients, update = partial(self.gradients, task.sizes), self.descent.by_hand(weights)

        def step() -> Any:
            loss, slopes = gradients(weights, *next(batches))
            update(slopes)
            return loss

        return Trial(step, lambda: weights)

    def train(self, library: Library, task: Task) -> Trial:
        """The training loop that everybody knows, over the batches of `task` again and again."""
        model, criterion = self.module(library, task.sizes)
        model.load_state_dict({name: library.tensor(weight) for name, weight in task.weights.items()})
        batches = cycle([(library.tensor(x), library.tensor(y)) for x, y in task.batches])
        take = library.step(model, criterion, self.optimizer(library, model))
        parameters = dict(model.named_parameters())
        return Trial(lambda: take(*next(batches)), lambda: [parameters[name].detach().numpy() for name in task.names()])

    def optimizer(self, library: Library, model: Any) -> Any:
        """The library's own optimizer of that name, for the parameters of `model`."""
        make = getattr(library.optim, type(self.descent).__name__)
        return make(model.parameters(), **self.descent._asdict(), **library.options)

    def jax(self, task: Task) -> Trial:
        """One compiled function of weights, moments and a batch, which may write the new ones over the old."""
        import jax
        import jax.numpy as jnp

        update = jax.jit(self._update(jax.value_and_grad, jnp, task), donate_argnums=(0, 1))
        return self._functional(task, update, jnp.asarray)

    def autograd(self, task: Task) -> Trial:
        """The same function, differentiated as it runs."""
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
    """A network, a task whose batches are an epoch, and how many epochs there are."""

    network: Network
    task: Task
    epochs: int
