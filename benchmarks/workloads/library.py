"""Libraries that speak PyTorch, so that the very same lines run with each: minigrad, and PyTorch in three ways."""

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
    """A library, and the step of training that it is measured by.

    Attributes:
        nn: its layers and losses.
        optim: its optimizers.
        functions: its operations.
        tensor: makes a tensor of an array.
        no_grad: the context in which nothing is remembered.
        options: of every optimizer, which make it faster.
    """

    nn: Any
    optim: Any
    functions: Any
    tensor: Callable[[Array], Any]
    no_grad: Callable[[], AbstractContextManager[Any]]
    options: dict[str, Any]

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what does the same as `function`, faster where the library can."""
        return function

    def convert(self, model: Any, dtype: str) -> Any:
        """Returns the model with parameters of a dtype."""
        return model.to(dtype)

    def step(self, model: Any, criterion: Any, optimizer: Any) -> Step:
        """Returns the function of inputs and targets that does one step of training and returns the loss."""
        learn = self.learn(model, criterion)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = learn(x, y)
            self.update(optimizer)
            return loss

        return step

    def learn(self, model: Any, criterion: Any) -> Step:
        """Returns the function of inputs and targets that leaves the gradients in `.grad` and returns the loss."""
        objective = self.compile(lambda x, y: criterion(model(x), y))

        def learn(x: Any, y: Any) -> Any:
            loss = objective(x, y)
            loss.backward()
            return loss.detach()

        return learn

    def update(self, optimizer: Any) -> None:
        """Moves the weights."""
        optimizer.step()

    def there_and_back(self, forward: Callable[..., Any], leaves: Sequence[Any], gradient: Any) -> Trial:
        """A trial of one function of tensors, forward and backward from the `gradient` of its result.

        The first element of the result stands for the loss, the gradients of `leaves` are the state. The batch is the
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
    """minigrad in a loop of one's own."""

    def __init__(self) -> None:
        import minigrad

        self.nn, self.optim, self.functions = minigrad.nn, minigrad.optim, minigrad.ops
        self.tensor, self.no_grad = minigrad.Tensor, minigrad.no_grad
        self.options = {}


class Stepping(Minigrad):
    """minigrad, by the step that it offers for a loop of one's own."""

    def step(self, model: Any, criterion: Any, optimizer: Any) -> Step:
        """Returns `minigrad.train_step`."""
        import minigrad

        step: Step = minigrad.train_step(model, criterion, optimizer)
        return step

    def learn(self, model: Any, criterion: Any) -> Step:
        """As of any library; where no optimizer belongs to it, what `minigrad.compile` makes of it."""
        import minigrad

        learn: Step = minigrad.compile(lambda x, y: criterion(model(x), y))
        return learn


class Compiled(Minigrad):
    """minigrad, with small steps as its trainer takes them where it is told to compile: recorded, then replayed."""

    def learn(self, model: Any, criterion: Any) -> Step:
        """As of any library; the replay knows the way back."""
        import minigrad

        step: Step = minigrad.compile(lambda x, y: criterion(model(x), y))
        return step


class Sharded(Minigrad):
    """minigrad, with large steps as its trainer takes them.

    In two shards of the batch with one BLAS thread each, which are recorded and replayed.
    """

    def __init__(self) -> None:
        super().__init__()
        from threadpoolctl import threadpool_limits

        from minigrad.parallel import Shards

        threadpool_limits(1, "blas")
        self._shards = Shards(2, threads())

    def learn(self, model: Any, criterion: Any) -> Step:
        """As of any library; the sum of the shards' losses, weighted, is that of the batch."""
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
        """As of any library, on all threads."""
        self._shards.update(optimizer)

    def there_and_back(self, forward: Callable[..., Any], leaves: Sequence[Any], gradient: Any) -> Trial:
        """As of any library; the parts of the batch are leaves of their own."""
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
    """PyTorch as it comes; with its fused optimizers; and with the forward and backward pass compiled."""

    def __init__(self, fused: bool = False, compiled: bool = False) -> None:
        import torch

        torch.set_num_threads(threads())
        self.nn, self.optim, self.functions = torch.nn, torch.optim, torch
        self.tensor, self.no_grad = torch.from_numpy, torch.no_grad
        self.options = {"fused": True} if fused else {}
        self._is_compiled = compiled

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the compiled function, if that is wanted."""
        import torch

        return torch.compile(function) if self._is_compiled else function

    def convert(self, model: Any, dtype: str) -> Any:
        """As of any library."""
        import torch

        return model.to(getattr(torch, dtype))


def threads() -> int:
    """How many each peer may use, as the environment of its process says."""
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
"""The libraries by the name of the peer; how the trainer takes a step depends on its size."""


def on_libraries(
    trial: Callable[[Library, Any], Trial], libraries: Mapping[str, Callable[[], Library]] = EAGER
) -> dict[str, Callable[[Any], Trial]]:
    """The peers that run `trial(library, problem)`."""
    return {peer: partial(_on_library, library, trial) for peer, library in libraries.items()}


def _on_library(library: Callable[[], Library], trial: Callable[[Library, Any], Trial], problem: Any) -> Trial:
    return trial(library(), problem)
