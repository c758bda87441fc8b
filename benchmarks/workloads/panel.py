"""Rows of the panel: typical networks from a library's layers, in the usual training loop.

The initial weights depend only on the names and shapes of the parameters, which are the same in all libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from math import prod
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import STEPS, Array, Trial, Workload
from benchmarks.workloads import panel_jax
from benchmarks.workloads.descent import SGD, AdamW
from benchmarks.workloads.library import PYTORCH, Library, Minigrad, Stepping, on_libraries

Batches = list[tuple[Array, Array]]

LIBRARIES: Mapping[str, Callable[[], Library]] = {"torch": PYTORCH["torch"], "bare": Minigrad, "step": Stepping}
LIBRARIES = {**LIBRARIES, "torch_fused": PYTORCH["torch_fused"], "torch_compiled": PYTORCH["torch_compiled"]}
"""PyTorch eager in float64, the reference."""


class Adam(NamedTuple):
    """The optimizer of most rows.

    A parameter without effect, such as a bias before batch norm, has a gradient of only rounding errors, which a
    smaller eps would amplify.
    """

    lr: float = 1e-3
    eps: float = 1e-5


class Row(NamedTuple):
    """One row of the panel.

    Attributes:
        number: the number in the panel.
        name: a short name.
        title: a description with the sizes.
        module: `module(library, smoke)` returns the model and the criterion.
        batches: `batches(random, smoke)` returns inputs and targets.
        descent: the optimizer.
        dtype: the dtype of weights and floating-point inputs.
        is_random: whether the model is random, as with dropout; the first steps, which are compared, are then in eval
            mode.
        in_trainer: whether the trainer supports it.
    """

    number: int
    name: str
    title: str
    module: Callable[[Library, bool], tuple[Any, Any]]
    batches: Callable[[np.random.Generator, bool], Batches]
    descent: Adam | SGD | AdamW = Adam()
    dtype: str = "float32"
    is_random: bool = False
    in_trainer: bool = True

    def workload(self) -> Workload:
        """Return the workload of the row."""
        peers = on_libraries(self.trial, LIBRARIES)
        if self.in_trainer:
            peers["trainer"] = self.trainer
        peers["jax"] = partial(panel_jax.trial, self)
        return Workload(panel_name(self.number, self.name), self.title, self.problem, peers)

    def problem(self, dtype: str, smoke: bool) -> tuple[str, bool, Batches]:
        """Return the dtype, whether sizes are tiny, and the batches."""
        dtype = max(dtype, self.dtype, key=lambda name: np.dtype(name).itemsize)
        batches = self.batches(np.random.default_rng(0), smoke)
        return dtype, smoke, [(as_dtype(x, dtype), as_dtype(y, dtype)) for x, y in batches]

    def made(self, library: Library, dtype: str, smoke: bool) -> tuple[Any, Any]:
        """Return the model with its initial weights, and the criterion."""
        model, criterion = self.module(library, smoke)
        model = library.convert(model, dtype)
        weights = first_weights({name: tuple(p.shape) for name, p in model.named_parameters()}, dtype)
        model.load_state_dict({**model.state_dict(), **{name: library.tensor(w) for name, w in weights.items()}})
        return model, criterion

    def trial(self, library: Library, problem: tuple[str, bool, Batches]) -> Trial:
        """Return a trial of the usual loop, which repeats the batches."""
        dtype, smoke, batches = problem
        model, criterion = self.made(library, dtype, smoke)
        take = library.step(model, criterion, library.optimizer(model, self.descent))
        endless = cycle([(library.tensor(x), library.tensor(y)) for x, y in batches])
        return self._trial(model, lambda: take(*next(endless)))

    def trainer(self, problem: tuple[str, bool, Batches]) -> Trial:
        """Return a trial of the trainer's steps, with its loader, metrics and checks for divergence."""
        from benchmarks.workloads.epochs import steps_of_a_training

        dtype, smoke, batches = problem
        model, criterion = self.made(library := Minigrad(), dtype, smoke)
        take = steps_of_a_training(model, criterion, library.optimizer(model, self.descent), batches)
        return self._trial(model, take)

    def _trial(self, model: Any, take: Callable[[], Any]) -> Trial:
        parameters = dict(model.named_parameters())
        if not self.is_random:
            return Trial(take, lambda: _arrays(parameters))
        done = 0
        model.eval()

        def step() -> Any:
            nonlocal done
            if done == STEPS:
                model.train()
            done += 1
            return take()

        return Trial(step, lambda: _arrays(parameters))


def panel_name(number: int, name: str) -> str:
    """Return the name of a row's workload."""
    return f"panel_{number:02}_{name}"


def as_dtype(array: Array, dtype: str) -> Array:
    """Return floating-point numbers in a dtype, and integers unchanged."""
    return array.astype(dtype) if array.dtype.kind == "f" else array


def first_weights(shapes: Mapping[str, Sequence[int]], dtype: str) -> dict[str, Array]:
    """Return matrices and kernels that keep the size of activations, gains around 1, and biases around 0."""
    random = np.random.default_rng(0)
    weights: dict[str, Array] = {}
    for name in sorted(shapes):
        shape = shapes[name]
        noise = random.uniform(-1, 1, shape)
        if len(shape) > 1:
            weights[name] = noise * prod(shape[1:]) ** -0.5
        else:
            weights[name] = 0.1 * noise + (1.0 if name.endswith("weight") else 0.0)
    return {name: weight.astype(dtype) for name, weight in weights.items()}


def _arrays(parameters: Mapping[str, Any]) -> list[Array]:
    return [parameters[name].detach().numpy() for name in sorted(parameters)]


def stepping(peers: Mapping[str, Callable[[Any], Trial]], network: Any) -> dict[str, Callable[[Any], Trial]]:
    """Return the peers of an existing workload, reference first, with the additional ways of the panel."""
    ours = on_libraries(network.train, {"bare": Minigrad, "step": Stepping})
    theirs = {peer: trial for peer, trial in peers.items() if peer.startswith(("torch", "jax"))}
    return {"numpy": peers["numpy"], **ours, "trainer": partial(_trained, network), **theirs}


def _trained(network: Any, task: Any) -> Trial:
    from benchmarks.workloads.epochs import steps_of_a_training

    library = Minigrad()
    model, criterion = network.module(library, task.sizes)
    model.to(next(iter(task.weights.values())).dtype)
    model.load_state_dict(task.weights)
    take = steps_of_a_training(model, criterion, library.optimizer(model, network.descent), task.batches)
    parameters = dict(model.named_parameters())
    return Trial(take, lambda: [parameters[name].data for name in task.names()])
