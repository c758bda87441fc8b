"""The number of shards of a batch, chosen by sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.data import Examples
from minigrad.engine import no_grad
from minigrad.engine.mode import observed
from minigrad.engine.observer import Observer, Values
from minigrad.engine.primitive import Primitive
from minigrad.inputs import call
from minigrad.nn import Loss, Module
from minigrad.nn.calls import evaluating
from minigrad.observers.products import products_of
from minigrad.parallel import available_cores

SMALL = 2**22
"""A step with fewer multiplications in its forward pass uses one thread; it takes about 0.3 ms."""

LARGE = 2**27
"""A batch with at least as many multiplications is divided; its step takes about 4 ms.

Between the two limits, two BLAS threads are faster: shards pass weights and gradients from core to core, which costs
about 0.5 ms. A step of 784-256-128-10 with a batch of 128 takes 2.0 ms in two shards and 1.33 with two BLAS threads;
with 1,024, 7.3 and 7.1 to 8.9. Above the limit, shards are faster, because they also divide what is not a product.
"""


MOST_BLAS_THREADS = 64
"""The limit of OpenBLAS in NumPy's wheels, which silently reduces larger numbers to it."""


class ShardingError(ValueError):
    """An impossible number of shards or threads.

    It does not fit the data, the layers or the device.

    Attributes:
        path: the path of the setting in a config.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def shards_and_threads(
    model: Module,
    loss: Loss,
    examples: Examples,
    batch_size: int,
    shards: int | None = None,
    blas_threads: int | None = None,
) -> tuple[int, int]:
    """Return the numbers of shards and BLAS threads.

    Numbers that are not given depend on the size of a step: a small step gets one shard and one BLAS thread, a large
    one 2 shards with one BLAS thread each. Steps in between, and models whose layers depend on the whole batch, get one
    shard with 2 BLAS threads if there are 2 cores. Timings play no role, because both numbers affect rounding.

    Args:
        model: the model; its forward pass is run on two examples.
        loss: the loss, which may depend on the whole batch.
        examples: the training examples.
        batch_size: examples per batch.
        shards: parts of a batch, if given.
        blas_threads: threads of each matrix product, if given.

    Raises:
        ShardingError: for more shards than examples in a batch, more threads than BLAS supports, or more than one shard
            if a layer depends on the whole batch.
    """
    if blas_threads is not None and blas_threads > MOST_BLAS_THREADS:
        message = f"blas_threads is {blas_threads:,}, and NumPy's BLAS has at most {MOST_BLAS_THREADS}"
        raise ShardingError("trainer.blas_threads", message)
    undivided = _undivided(model, loss)
    if shards is not None and shards > 1:
        if undivided:
            message = f"shards is {shards}, but {undivided} depends on the whole batch: it needs shards: 1"
            raise ShardingError("trainer.shards", message)
        if shards > batch_size:
            raise ShardingError("trainer.shards", f"shards is {shards}, and a batch has only {batch_size} examples")
    counted = shards is None or blas_threads is None
    work = multiplications(model, examples, batch_size) if counted else Work(0, 0)
    chosen = shards
    if chosen is None:
        chosen = 2 if work.long >= LARGE and not undivided and batch_size > 1 else 1
    if chosen > 1 and _mixes(model, examples):
        if shards is not None:
            message = f"shards is {shards}, but the model's output for an example depends on the rest of its batch"
            raise ShardingError("trainer.shards", message)
        chosen = 1
    if blas_threads is None:
        blas_threads = min(2, available_cores()) if work.all >= SMALL and chosen == 1 else 1
    return chosen, blas_threads


def pays_to_replay(model: Module, examples: Examples, batch_size: int) -> bool:
    """Return whether recording and replaying a step pays.

    It does if Python calls take more than a few percent of the step. A larger step would gain only 1 to 3 percent, and
    verifying a recording computes the steps 2, 4, 8 and so on twice.
    """
    return multiplications(model, examples, batch_size).all < LARGE


def _mixes(model: Module, examples: Examples) -> bool:
    """Whether, in eval mode and beyond rounding, an example's outputs depend on others in its batch."""
    alone, together = (_outputs(model, examples, n) for n in (1, 2))
    return not np.allclose(together[:1], alone, rtol=1e-3, atol=1e-3 * np.abs(alone).max(initial=0), equal_nan=True)


def _outputs(model: Module, examples: Examples, n: int) -> np.ndarray:
    """Return the model's eval outputs of the first n examples."""
    inputs, _ = examples.batch(slice(0, n))
    with evaluating(model), no_grad(), np.errstate(all="ignore"):
        outputs: np.ndarray = call(model, inputs).data
    return outputs


def _undivided(model: Module, loss: Loss) -> str:
    """Name the first layer or loss that needs whole batches; an empty text if there is none."""
    for path, module in model.named_modules():
        if not module.decomposes:
            return f"layer {path!r} ({type(module).__name__})" if path else type(module).__name__
    return "" if loss.decomposes else f"the loss ({type(loss).__name__})"


class Work(NamedTuple):
    """Multiplications in the matrix products of a forward pass.

    The products include attention and convolutions.

    Attributes:
        all: the multiplications in all products.
        long: the multiplications in products that take longer than starting another thread. The steps of a recurrent
            layer are many short products, in which two threads are slower than one.
    """

    all: int
    long: int


def multiplications(model: Module, examples: Examples, batch_size: int) -> Work:
    """Return the multiplications of a batch.

    They are extrapolated from a forward pass of one example.
    """
    counter = _Products()
    with observed(counter):
        _outputs(model, examples, 1)
    sizes = [size * batch_size for size in counter.sizes]
    return Work(sum(sizes), sum(size for size in sizes if size >= SMALL))


class _Products(Observer):
    """An observer that counts multiplications of matrix products."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def on_forward(self, operation: Primitive, node: Any, arguments: Values, values: Values, results: Values) -> None:
        self.sizes += [product.flops // 2 for product in products_of(operation.name, values, results[0])]
