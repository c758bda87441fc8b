"""Into how many shards a training divides its batches: a rule of sizes, so that no clock decides over bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine import Tensor, no_grad
from minigrad.nn import Module
from minigrad.parallel import available_cores

if TYPE_CHECKING:
    from minigrad.training.experiment import Experiment

SMALL = 2**22
"""Multiplications of a forward pass below which nothing is handed to another thread: about 0.3 ms of a step."""

LARGE = 2**27
"""Multiplications from which on a step is divided: about 4 ms of it.

In between, two BLAS threads do more: shards hand weights and gradients from core to core, which costs some 0.5 ms (a
step of 784-256-128-10 takes 2.0 ms with one batch of 128 in two shards and 1.33 with two BLAS threads; of 1,024, 7.3
and 7.1 to 8.9). Above, all that is not a product counts, which BLAS does not share.
"""


class DivisionError(ValueError):
    """A way to compute a batch that the data, or the layers, do not allow; `path` is that of the setting."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def divide(experiment: Experiment, batch_size: int) -> tuple[int, int]:
    """Returns the number of shards and of BLAS threads: what the trainer says, and for what it leaves open, the rule.

    A small step takes one of both; a large one 2 shards, each with one BLAS thread. Between them, and where a layer
    looks at the whole batch, one shard has 2 BLAS threads, if there are as many cores.

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
    work = _multiplications(experiment) * batch_size if shards is None or blas_threads is None else 0
    if shards is None:
        shards = 2 if work >= LARGE and not undivided and batch_size > 1 else 1
    if shards > 1 and _mixes(experiment):
        if experiment.trainer.shards is not None:
            message = f"shards is {shards}, but what the model says of an example depends on the others of its batch"
            raise DivisionError("trainer.shards", message)
        shards = 1
    if blas_threads is None:
        blas_threads = min(2, available_cores()) if work >= SMALL and shards == 1 else 1
    return shards, blas_threads


def _mixes(experiment: Experiment) -> bool:
    """Whether, in eval mode, the model says something else of an example when it is not alone, beyond rounding."""
    alone, together = (_outputs(experiment, n) for n in (1, 2))
    return not np.allclose(together[:1], alone, rtol=1e-3, atol=1e-3 * np.abs(alone).max(initial=0), equal_nan=True)


def _outputs(experiment: Experiment, n: int) -> np.ndarray:
    """What the model, in eval mode, says of the first n training examples."""
    model = experiment.model
    inputs, _ = experiment.data.train.batch(slice(0, n))
    training = model.training
    try:
        with no_grad(), np.errstate(all="ignore"):
            outputs: np.ndarray = model.eval()(Tensor(inputs)).data
            return outputs
    finally:
        model.train(training)


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

    hooks = [module.register_forward_hook(count) for module in experiment.model.modules()]
    try:
        _outputs(experiment, 1)
    finally:
        for hook in hooks:
            hook.remove()
    return found
