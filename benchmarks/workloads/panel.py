"""What users write, as rows of a panel: networks from a library's own layers, and the loop that everybody knows.

The first weights depend on the names and shapes of the parameters alone, which are the same in all libraries.
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
"""PyTorch eager is the reference, in float64."""


class Adam(NamedTuple):
    """The optimizer of most rows.

    What changes nothing, such as a bias before a batch norm, has a gradient of rounding alone, which a smaller eps
    would make large.
    """

    lr: float = 1e-3
    eps: float = 1e-5


class Row(NamedTuple):
    """One row.

    Attributes:
        number: in the panel.
        name: a short one.
        title: what it is, with its sizes.
        module: `module(library, smoke)` returns the model and the criterion.
        batches: `batches(random, smoke)` returns inputs and targets.
        descent: the optimizer.
        dtype: of the weights and of real inputs.
        is_random: whether it draws, as dropout does: the first steps, which are compared, are taken in eval mode.
        in_trainer: whether there is a trainer for it.
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
        """The row as a comparison."""
        peers = on_libraries(self.trial, LIBRARIES)
        if self.in_trainer:
            peers["trainer"] = self.trainer
        peers["jax"] = partial(panel_jax.trial, self)
        return Workload(panel_name(self.number, self.name), self.title, self.problem, peers)

    def problem(self, dtype: str, smoke: bool) -> tuple[str, bool, Batches]:
        """The dtype, the size, and the batches."""
        dtype = max(dtype, self.dtype, key=lambda name: np.dtype(name).itemsize)
        batches = self.batches(np.random.default_rng(0), smoke)
        return dtype, smoke, [(as_dtype(x, dtype), as_dtype(y, dtype)) for x, y in batches]

    def made(self, library: Library, dtype: str, smoke: bool) -> tuple[Any, Any]:
        """The model with its first weights, and the criterion."""
        model, criterion = self.module(library, smoke)
        model = library.convert(model, dtype)
        weights = first_weights({name: tuple(p.shape) for name, p in model.named_parameters()}, dtype)
        model.load_state_dict({**model.state_dict(), **{name: library.tensor(w) for name, w in weights.items()}})
        return model, criterion

    def optimizer(self, library: Library, model: Any) -> Any:
        """The library's own of that name."""
        make = getattr(library.optim, type(self.descent).__name__)
        return make(model.parameters(), **self.descent._asdict(), **library.options)

    def trial(self, library: Library, problem: tuple[str, bool, Batches]) -> Trial:
        """The loop, over the batches again and again."""
        dtype, smoke, batches = problem
        model, criterion = self.made(library, dtype, smoke)
        take = library.step(model, criterion, self.optimizer(library, model))
        endless = cycle([(library.tensor(x), library.tensor(y)) for x, y in batches])
        return self._trial(model, lambda: take(*next(endless)))

    def trainer(self, problem: tuple[str, bool, Batches]) -> Trial:
        """The steps of a training, with its loader, its tally and its look for what is not finite."""
        from benchmarks.workloads.epochs import steps_of_a_training

        dtype, smoke, batches = problem
        model, criterion = self.made(library := Minigrad(), dtype, smoke)
        take = steps_of_a_training(model, criterion, self.optimizer(library, model), batches)
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
    """How the command line and a player call a row."""
    return f"panel_{number:02}_{name}"


def as_dtype(array: Array, dtype: str) -> Array:
    """Real numbers in a dtype; whole ones stay."""
    return array.astype(dtype) if array.dtype.kind == "f" else array


def first_weights(shapes: Mapping[str, Sequence[int]], dtype: str) -> dict[str, Array]:
    """Matrices and kernels of a size that keeps signals alive, gains around one, biases around zero."""
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
    """The peers of a workload that is measured elsewhere too, with the reference first, and the ways of the panel."""
    ours = on_libraries(network.train, {"bare": Minigrad, "step": Stepping})
    theirs = {peer: trial for peer, trial in peers.items() if peer.startswith(("torch", "jax"))}
    return {"numpy": peers["numpy"], **ours, "trainer": partial(_trained, network), **theirs}


def _trained(network: Any, task: Any) -> Trial:
    from benchmarks.workloads.epochs import steps_of_a_training

    library = Minigrad()
    model, criterion = network.module(library, task.sizes)
    model.to(next(iter(task.weights.values())).dtype)
    model.load_state_dict(task.weights)
    take = steps_of_a_training(model, criterion, network.optimizer(library, model), task.batches)
    parameters = dict(model.named_parameters())
    return Trial(take, lambda: [parameters[name].data for name in task.names()])
