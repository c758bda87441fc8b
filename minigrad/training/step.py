"""Training steps and evaluation, on shards and ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from minigrad.data import Batch, DataLoader, Examples
from minigrad.devices import on_cpu
from minigrad.engine import Compiled, Tensor, collect, compile, no_grad, random
from minigrad.engine.arrays import asarray_like
from minigrad.inputs import Inputs, call
from minigrad.metrics import MetricCollection
from minigrad.nn import Loss, Module
from minigrad.nn.calls import evaluating
from minigrad.optim import Optimizer, clip_grad_norm_
from minigrad.parallel import Gradients, Ranks, Shards
from minigrad.training.divergence import NonFiniteLossError, TrainingError

Piece = tuple[float, float, np.ndarray, np.ndarray]
"""The result of one shard of one batch: loss, weight of the loss (`Loss.count`), outputs and targets."""


class Part(NamedTuple):
    """A part of a batch, perhaps with weights of examples.

    `counted` is the weight of the part in the mean of the loss.
    """

    inputs: Inputs
    targets: np.ndarray
    weights: np.ndarray | None
    counted: float


_EMPTY = np.zeros(0)
"""A placeholder for outputs and targets that no metric needs."""

NOTHING_LEARNS = (
    "the loss depends on no trainable weight: all parameters are frozen, or the model's output is detached from the "
    "graph, as by .data, .detach() or no_grad()"
)

NO_TENSOR = "a loss must return a tensor, got {}: compute it from the outputs by tensor operations, without .item()"

SEVERAL_LOSSES = "a loss must be one number, got shape {}: use reduction='mean' or 'sum', or end with .mean()"

_SHARED_BUFFERS = (
    "a layer wrote to a buffer while the batch was divided into {} shards, which share it: set decomposes = False in "
    "the layer's class, or trainer.shards=1"
)


class TrainStep:
    """The forward pass, backward pass and update of a model.

    A step is `gradients`, then `update`; in between, a caller may inspect or clip the gradients, or skip the update.

    Args:
        model: maps the inputs of a batch to outputs.
        loss: a scalar function of outputs and targets.
        optimizer: the optimizer of the model's parameters.
        shards: how each batch is divided and computed on threads.
        ranks: the processes that share the shards.
        compiled: whether to record the operations of a batch once and replay them, as `minigrad.compile` does.
    """

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, shards: Shards, ranks: Ranks, compiled: bool = False
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.shards = shards
        self.ranks = ranks
        self.compiled = compiled
        self._programs: dict[Any, Compiled] = {}
        self._buffers = _buffer_versions(model) if shards.count > 1 else {}

    def gradients(self, batches: Sequence[Batch], position: int) -> list[Piece]:
        """Compute the gradients of `batches` into the parameters' `.grad`.

        Each shard computes its part of every batch, one batch after the other; only that part is read. The loss of a
        part is weighted by `Loss.weighted_count`, so that the sum is the loss of the undivided batches, up to rounding.

        Args:
            batches: the batches of the step; gradients are averaged over all their examples.
            position: the position of the step in the random streams, from 0.

        Returns:
            One piece for each batch and shard of this rank in which a target counts. If none does, as when all targets
            are ignored, no parameter gets a gradient.

        Raises:
            CompileError: if a compiled step does something that cannot be replayed.
            TrainingError: if the loss is not one number that depends on trainable weights, or if a shard writes to a
                buffer, which all shards share.
            Exception: any error of the model or the loss.
        """
        if self.shards.count == len(batches) == 1:  # weighting would cost a small network noticeable time
            return self.whole(part_of(self.loss, batches[0], slice(None)), position)
        pieces = self._weighted_gradients(batches, position)
        if self._buffers and self._buffers != _buffer_versions(self.model):
            raise TrainingError(_SHARED_BUFFERS.format(self.shards.count))
        return pieces

    def whole(self, part: Part, position: int) -> list[Piece]:
        """Compute the gradients of one undivided batch, `part`."""
        if not part.counted:
            return []
        collected = Gradients()
        with random.at(position):
            piece = self._piece(part, None, collected, True)
        for leaf, gradient in collected.items():
            leaf.grad = gradient
        return [piece]

    def read(self, batches: Sequence[Batch]) -> None:
        """Read the parts of batches that `gradients` needs.

        Any thread may call this method.
        """
        for batch in batches:
            if self.shards.count == len(batches) == 1:
                batch.read(slice(None))
            else:
                places = self.shards.split(len(batch))
                for shard in self.shards.own:
                    batch.read(places[shard])

    def update(self, batches: Sequence[Batch], position: int, max_norm: float = inf) -> None:
        """Update the parameters, on all threads, and clear the gradients.

        Args:
            batches: the batches of the step, for optimizers that evaluate the loss again, such as `LBFGS`.
            position: the position of the step in the random streams, which keeps that loss the same function of the
                weights.
            max_norm: the norm to which gradients are clipped in these evaluations.
        """
        if self.optimizer.evaluates:
            self.optimizer.step(partial(self._loss, batches, position, max_norm))
        else:
            self.shards.update(self.optimizer)
        self.optimizer.zero_grad()

    def _loss(self, batches: Sequence[Batch], position: int, max_norm: float) -> float:
        """Return the loss of all `batches` over all ranks, and leave gradients, clipped to `max_norm`, in `.grad`."""
        own = [(loss, count) for loss, count, _, _ in self.gradients(batches, position)]
        clip_grad_norm_(self.model.parameters(), max_norm)
        parts = [part for rank in self.ranks.allgather(own) for part in rank]
        if self.loss.reduction == "sum":
            return sum([loss for loss, _ in parts])
        return sum([loss * count for loss, count in parts]) / sum([count for _, count in parts])

    def record(self, examples: Examples, batch_size: int) -> None:
        """Record a compiled step, to test whether that is possible.

        The first two batches are used, before the run.

        Raises:
            CompileError: if it is not possible.
        """
        if self.compiled:
            for start in (0, batch_size):  # the second batch is both computed and replayed
                if start + batch_size <= len(examples):
                    part = part_of(self.loss, Batch(examples, range(start, start + batch_size)), slice(None))
                    if part.counted:
                        with random.at(0), preserve_buffers(self.model):
                            self._piece(part, None, Gradients(), False)

    def _weighted_gradients(self, batches: Sequence[Batch], position: int) -> list[Piece]:
        """Compute the gradients of several shards or batches."""
        places = [(batch, self.shards.split(len(batch))) for batch in batches]
        parts = [[part_of(self.loss, batch, place[shard]) for batch, place in places] for shard in self.shards.own]
        counts = [[part.counted for part in own] for own in parts]
        total = sum([count for rank in self.ranks.allgather(counts) for own in rank for count in own])
        if not total:
            return []

        def work(shard: int, collected: Gradients) -> list[Piece]:
            pieces = []
            own = parts[shard - self.shards.own.start]
            with random.at(position, shard):
                for part in own:
                    if not part.counted:  # without a target that counts there is no mean
                        continue
                    share = None if self.loss.reduction == "sum" else np.array(part.counted / total)
                    pieces.append(self._piece(part, share, collected, part is own[-1]))
            return pieces

        return [piece for pieces in self.shards.gradients(work) for piece in pieces]

    def _piece(self, part: Part, share: np.ndarray | None, collected: Gradients, is_last: bool) -> Piece:
        """Add the gradients of a part, times `share`, to `collected`; the last part completes its shard's gradients."""
        if self.compiled:
            named = part.inputs if isinstance(part.inputs, dict) else {}
            arrays: list[Any] = [*named.values(), part.targets] if named else [part.inputs, part.targets]
            if part.weights is not None:
                arrays.append(part.weights)
            kind = (*named, len(arrays))
            program = self._programs.get(kind)
            if program is None:
                program = self._programs[kind] = self._program(tuple(named), part.weights is not None)
            value, outputs = program.collect(arrays, share, collected)
            return value.item(), part.counted, outputs, part.targets
        error, result = _forward(self.model, self.loss, part)
        share = None if share is None else asarray_like(share, error)
        collect(error := _one_number(error), share, collected, collected.ready if is_last else None)
        return error.item(), part.counted, result.data, part.targets

    def _program(self, names: tuple[str, ...], has_weights: bool) -> Compiled:
        """Return the function to record, from inputs and targets of a part to loss and outputs."""
        model, loss = self.model, self.loss

        def forward(*values: Tensor) -> tuple[Tensor, Tensor]:
            given = list(values)
            weights = given.pop() if has_weights else None
            targets = given.pop()
            outputs = model(**dict(zip(names, given, strict=True))) if names else model(*given)
            return _one_number(loss_of(loss, outputs, targets, weights)), outputs

        return compile(forward)


def evaluate(
    model: Module,
    loss: Loss,
    examples: Examples,
    batch_size: int,
    position: int,
    metrics: MetricCollection,
    ranks: Ranks,
) -> None:
    """Evaluate `examples` into `metrics`, on rank 0.

    The model is in eval mode during the evaluation. The ranks take the batches in turn.

    Args:
        model: maps the inputs of a batch to outputs.
        loss: a scalar function of outputs and targets.
        examples: a split of the data.
        batch_size: the largest number of examples per batch.
        position: the position of the training step in the random streams.
        metrics: gets the results, in the order of the batches.
        ranks: the processes that share the work.

    Raises:
        NonFiniteLossError: on the rank where a loss is not finite.
    """
    loader = DataLoader(examples, min(batch_size, len(examples)), shuffle=False)
    batches = enumerate(loader.batches(0))
    with evaluating(model):
        while turn := list(islice(batches, ranks.size)):
            own = turn[ranks.rank : ranks.rank + 1]
            gather_into(metrics, [_evaluate_one(model, loss, batch, position, number) for number, batch in own], ranks)


def gather_into(metrics: MetricCollection, pieces: list[Piece], ranks: Ranks) -> None:
    """Add the pieces of all ranks to `metrics`.

    They are added on rank 0, except those with a non-finite loss.
    """
    if ranks.size > 1 and not metrics.metrics:
        pieces = [(loss, count, _EMPTY, _EMPTY) for loss, count, _, _ in pieces]
    elif metrics.metrics:
        pieces = [(loss, count, on_cpu(outputs), on_cpu(targets)) for loss, count, outputs, targets in pieces]
    for own in ranks.gather(pieces):
        for piece in own:
            if isfinite(piece[0]):
                metrics.add(*piece)


def part_of(loss: Loss, batch: Batch, place: slice) -> Part:
    """Read a part of a batch.

    For a mean loss, its weights are divided by their sum.
    """
    (inputs, targets), weights = batch[place], batch.weights(place)
    if weights is None:
        return Part(inputs, targets, None, loss.count(targets))
    count = loss.weighted_count(targets, weights)
    if count and loss.reduction != "sum":
        weights = weights / weights.dtype.type(count)
    return Part(inputs, targets, weights, count)


def loss_of(loss: Loss, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """Return the loss of outputs, weighted if weights are given."""
    return loss(outputs, targets) if weights is None else loss.weighted_sum(outputs, targets, weights)


def _forward(model: Module, loss: Loss, part: Part) -> tuple[Tensor, Tensor]:
    """Return the loss of a part and the model's outputs."""
    outputs = call(model, part.inputs)
    weights = None if part.weights is None else Tensor(asarray_like(part.weights, outputs))
    return loss_of(loss, outputs, Tensor(asarray_like(part.targets, outputs)), weights), outputs


def _one_number(error: Any) -> Tensor:
    """Return a loss without axes.

    Raises:
        TrainingError: if it is not one number that depends on trainable weights.
    """
    if not isinstance(error, Tensor):
        raise TrainingError(NO_TENSOR.format(type(error).__name__))
    if error.size != 1:
        raise TrainingError(SEVERAL_LOSSES.format(error.shape))
    if not error.requires_grad:
        raise TrainingError(NOTHING_LEARNS)
    return error.reshape(()) if error.ndim else error


@contextmanager
def preserve_buffers(model: Module) -> Iterator[None]:
    """Restore the buffers of a model after the block."""
    before = [(buffer, buffer.data.copy()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, array in before:
            buffer.data[...] = array


def _evaluate_one(model: Module, loss: Loss, batch: Batch, position: int, number: int) -> Piece:
    part = part_of(loss, batch, slice(None))
    with no_grad(), random.at(position, number):
        if part.counted:
            error, outputs = _forward(model, loss, part)
            value = error.item()
        else:
            outputs, value = call(model, part.inputs), 0.0
    if not isfinite(value):
        raise NonFiniteLossError(value, part.inputs)
    return value, part.counted, outputs.data, part.targets


def _buffer_versions(model: Module) -> dict[str, tuple[int, int]]:
    """Return the identity and version of each buffer."""
    return {name: (id(buffer), buffer.version[0]) for name, buffer in model.named_buffers()}
