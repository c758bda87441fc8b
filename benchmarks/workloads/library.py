"""Libraries with PyTorch's interface, which run the same code: minigrad, and PyTorch in three variants."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from benchmarks.workload import Array, Trial

Step = Callable[[Any, Any], Any]


class Library:
    """A library, and its training step.

    Attributes:
        nn: its layers and losses.
        optim: its optimizers.
        functions: its operations.
        tensor: makes a tensor of an array.
        no_grad: the context without gradients.
        options: options for all optimizers that make them faster.
    """

    nn: Any
    optim: Any
    functions: Any
    tensor: Callable[[Array], Any]
    no_grad: Callable[[], AbstractContextManager[Any]]
    options: dict[str, Any]

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function equivalent to `function`, faster if the library can make it so."""
        return function

    def convert(self, model: Any, dtype: str) -> Any:
        """Return the model with parameters of a dtype."""
        return model.to(dtype)

    def optimizer(self, model: Any, descent: Any) -> Any:
        """Return the optimizer of the name and arguments of `descent`, for the parameters of `model`."""
        make = getattr(self.optim, type(descent).__name__)
        return make(model.parameters(), **descent._asdict(), **self.options)

    def step(self, model: Any, criterion: Any, optimizer: Any) -> Step:
        """Return a function of inputs and targets that does one training step and returns the loss."""
        learn = self.learn(model, criterion)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = learn(x, y)
            self.update(optimizer)
            return loss

        return step

    def learn(self, model: Any, criterion: Any) -> Step:
        """Return a function of inputs and targets that computes the gradients and returns the loss."""
        objective = self.compile(lambda x, y: criterion(model(x), y))

        def learn(x: Any, y: Any) -> Any:
            loss = objective(x, y)
            loss.backward()
            return loss.detach()

        return learn

    def update(self, optimizer: Any) -> None:
        """Update the weights."""
        optimizer.step()

    def there_and_back(self, forward: Callable[..., Any], leaves: Sequence[Any], gradient: Any) -> Trial:
        """Return a trial of a function of tensors, forward and then backward from the `gradient` of its result.

        The first element of the result is used as the loss, the gradients of `leaves` are the state. The batch is the
        first axis of the first leaf.
        """
        for leaf in leaves:
            leaf.requires_grad = True

        def step() -> Any:
            for leaf in leaves:
                leaf.grad = None
            out = forward(*leaves)
            out.backward(gradient)
            return out.detach()[(0,) * out.ndim]

        return Trial(step, lambda: [np.asarray(leaf.grad) for leaf in leaves])


class Minigrad(Library):
    """minigrad in a custom loop."""

    def __init__(self) -> None:
        import minigrad

        self.nn, self.optim, self.functions = minigrad.nn, minigrad.optim, minigrad.ops
        self.tensor, self.no_grad = minigrad.Tensor, minigrad.no_grad
        self.options = {}


class Compiled(Minigrad):
    """minigrad, with small steps as in the trainer with `compile`: recorded, then replayed."""

    def learn(self, model: Any, criterion: Any) -> Step:
        """As for any library; the replay includes the backward pass."""
        import minigrad

        step: Step = minigrad.compile(lambda x, y: criterion(model(x), y))
        return step


class Stepping(Compiled):
    """minigrad in a custom loop with `train_step`; without an optimizer as `Compiled`."""

    def step(self, model: Any, criterion: Any, optimizer: Any) -> Step:
        """Return `minigrad.train_step`."""
        import minigrad

        step: Step = minigrad.train_step(model, criterion, optimizer)
        return step


class Sharded(Minigrad):
    """minigrad, with large steps as in the trainer: recorded and replayed in two shards with one BLAS thread each."""

    def __init__(self) -> None:
        super().__init__()
        from threadpoolctl import threadpool_limits

        from minigrad.parallel import Shards

        threadpool_limits(1, "blas")
        self._shards = Shards(2, threads())

    def learn(self, model: Any, criterion: Any) -> Step:
        """As for any library; the loss of the batch is the weighted sum of the shards' losses."""
        import minigrad
        from minigrad.parallel import Gradients

        objective = minigrad.compile(lambda x, y: criterion(model(x), y))

        def learn(x: Any, y: Any) -> float:
            n = x.shape[0]
            parts = self._shards.split(n)

            def work(shard: int, collected: Gradients) -> float:
                part = parts[shard]
                share = (part.stop - part.start) / n
                (loss,) = objective.collect((x.data[part], y.data[part]), np.array(share), collected)
                return share * loss.item()

            return sum(self._shards.gradients(work))

        return learn

    def update(self, optimizer: Any) -> None:
        """As for any library, on all threads."""
        self._shards.update(optimizer)

    def there_and_back(self, forward: Callable[..., Any], leaves: Sequence[Any], gradient: Any) -> Trial:
        """As for any library; the parts of the batch are separate leaves."""
        from minigrad.engine import collect
        from minigrad.parallel import Gradients

        batch, *shared = leaves
        parts = self._shards.split(len(batch))
        pieces = [self.tensor(batch.data[part]) for part in parts]
        for leaf in (*pieces, *shared):
            leaf.requires_grad = True

        def work(shard: int, collected: Gradients) -> Any:
            out = forward(pieces[shard], *shared)
            collect(out, gradient.data[parts[shard]], collected)
            return out.data[(0,) * out.ndim]

        def state() -> list[Array]:
            return [np.concatenate([piece.grad for piece in pieces]), *(leaf.grad for leaf in shared)]

        return Trial(lambda: self._shards.gradients(work)[0], state)


class Torch(Library):
    """PyTorch in eager mode, optionally with fused optimizers, and with compiled forward and backward passes."""

    def __init__(self, fused: bool = False, compiled: bool = False) -> None:
        import torch

        torch.set_num_threads(threads())
        self.nn, self.optim, self.functions = torch.nn, torch.optim, torch
        self.tensor, self.no_grad = torch.from_numpy, torch.no_grad
        self.options = {"fused": True} if fused else {}
        self._is_compiled = compiled

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, compiled if requested."""
        import torch

        return torch.compile(function) if self._is_compiled else function

    def convert(self, model: Any, dtype: str) -> Any:
        """As for any library."""
        import torch

        return model.to(getattr(torch, dtype))


def threads() -> int:
    """Return the number of threads of each peer, from the environment of its process."""
    return int(os.environ["OMP_NUM_THREADS"])


PYTORCH: dict[str, Callable[[], Library]] = {
    "torch": Torch,
    "torch_fused": partial(Torch, fused=True),
    "torch_compiled": partial(Torch, fused=True, compiled=True),
}
EAGER: dict[str, Callable[[], Library]] = {"minigrad": Minigrad, "torch": Torch}
SMALL_STEPS: dict[str, Callable[[], Library]] = {"minigrad": Compiled, "bare": Minigrad, **PYTORCH}
LARGE_CALLS: dict[str, Callable[[], Library]] = {
    "minigrad": Sharded,
    "bare": Minigrad,
    "torch": Torch,
    "torch_compiled": partial(Torch, compiled=True),
}
LARGE_STEPS: dict[str, Callable[[], Library]] = {"minigrad": Sharded, "bare": Minigrad, **PYTORCH}
"""The libraries by peer; the trainer's way to compute a step depends on its size."""


def on_libraries(
    trial: Callable[[Library, Any], Trial], libraries: Mapping[str, Callable[[], Library]] = EAGER
) -> dict[str, Callable[[Any], Trial]]:
    """Return the peers that run `trial(library, problem)`."""
    return {peer: partial(_on_library, library, trial) for peer, library in libraries.items()}


def _on_library(library: Callable[[], Library], trial: Callable[[Library, Any], Trial], problem: Any) -> Trial:
    return trial(library(), problem)
