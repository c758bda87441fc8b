"""Into how many shards a training divides its batches: a rule of sizes, so that no clock decides over bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine import Tensor, no_grad
from minigrad.nn import Module
from minigrad.parallel import available_cores

if TYPE_CHECKING:
    from minigrad.training.experiment import Experiment

LARGE = 2**22
"""Multiplications of a forward pass from which on it pays to divide it: about 0.3 ms of forward and backward.

Below that, handing work to another thread costs what it saves."""


class DivisionError(ValueError):
    """A way to compute a batch that the data, or the layers, do not allow; `path` is that of the setting."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def divide(experiment: Experiment, batch_size: int) -> tuple[int, int]:
    """Returns the number of shards and of BLAS threads: what the trainer says, and for what it leaves open, the rule.

    A large step takes 2 shards, each with one BLAS thread; a small one, 1 of both. Where a layer looks at the whole
    batch there is one shard, and a large step takes 2 BLAS threads, if there are as many cores.

    Raises: DivisionError for more shards than examples in a batch, or if a layer looks at the whole batch and more than
        one shard, or a compiled step, was asked for.
    """
    shards, blas_threads = experiment.trainer.shards, experiment.trainer.blas_threads
    undivided = _undivided(experiment)
    if shards is not None and shards > 1:
        if undivided:
            message = f"shards is {shards}, but {undivided} looks at the whole batch: it needs shards: 1"
            raise DivisionError("trainer.shards", message)
        if shards > batch_size:
            raise DivisionError("trainer.shards", f"shards is {shards}, and a batch has only {batch_size} examples")
    if undivided and experiment.trainer.compile:
        message = f"{undivided} looks at the whole batch, outside of operations: it cannot be compiled"
        raise DivisionError("trainer.compile", message)
    if shards is None or blas_threads is None:
        large = _multiplications(experiment) * batch_size >= LARGE
        if shards is None:
            shards = 2 if large and not undivided and batch_size > 1 else 1
        if blas_threads is None:
            blas_threads = min(2, available_cores()) if large and undivided and shards == 1 else 1
    return shards, blas_threads


def _undivided(experiment: Experiment) -> str:
    """Names the first layer whose outputs depend on the other examples of the batch; nothing if there is none."""
    for path, module in experiment.model.named_modules():
        if not module.decomposes:
            return f"layer {path!r} ({type(module).__name__})" if path else type(module).__name__
    return "" if experiment.loss.decomposes else f"the loss ({type(experiment.loss).__name__})"


def _multiplications(experiment: Experiment) -> int:
    """About how many numbers one example has multiplied with weights on its way through the model.

    Each number that comes out of a layer was made with a row of each of its matrices, or a kernel of them.
    """
    found = 0

    def count(module: Module, args: tuple[Any, ...], output: Any) -> None:
        nonlocal found
        results = output if isinstance(output, tuple) else (output,)
        size = next((result.size for result in results if isinstance(result, Tensor)), 0)
        own = (p for name, p in module.named_parameters() if "." not in name)
        found += sum(size * (p.size // p.shape[0]) for p in own if p.ndim > 1)

    model = experiment.model
    inputs, _ = experiment.data.train.batch(slice(0, 1))
    hooks = [module.register_forward_hook(count) for module in model.modules()]
    training = model.training
    try:
        with no_grad(), np.errstate(all="ignore"):
            model.eval()(Tensor(inputs))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return found
