"""The gradients of one step: forward, loss and backward of its batches, shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.data import Batch
from minigrad.engine import Compiled, Tensor, collect, compile, random
from minigrad.parallel import Gradients, Ranks, Shards

if TYPE_CHECKING:
    from minigrad.training.experiment import Experiment

Piece = tuple[float, float, np.ndarray, np.ndarray]
"""What came of one shard of one batch: its loss, how much that counts (`Loss.count`), outputs and targets."""


def compiled(experiment: Experiment) -> Compiled:
    """Returns the forward, loss and backward of a batch as a program: the loss, and the outputs of the model."""

    def forward(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = experiment.model(inputs)
        return experiment.loss(outputs, targets), outputs

    return compile(forward)


def gradients(
    experiment: Experiment,
    shards: Shards,
    ranks: Ranks,
    batches: Sequence[Batch],
    step: int,
    program: Compiled | None = None,
) -> list[Piece]:
    """Leaves in `.grad` the gradients of the loss of all `batches` together, and returns what came of the parts of them
    that belong to own shards.

    Each shard takes its part of every batch, one after the other; nothing else of a batch is read. The losses of parts
    count as much as they do in the loss of the whole: the sum is that of an undivided step, to rounding. With a
    `program`, it computes them.

    Raises: what the model or the loss raises, and CompileError.
    """
    loss = experiment.loss

    def compute(batch: tuple[Any, Any], count: float, share: Any, collected: Gradients, is_last: bool = True) -> Piece:
        if program is not None:
            value, outputs = program.collect(batch, share, collected)
            return value.item(), count, outputs, batch[1]
        result = experiment.model(Tensor(batch[0]))
        error = loss(result, Tensor(batch[1]))
        collect(error, share, collected, collected.ready if is_last else None)
        return error.item(), count, result.data, batch[1]

    if shards.count == len(batches) == 1:  # nothing to weigh: a small network would notice

        def whole(shard: int, collected: Gradients) -> Piece:
            batch = batches[0][:]
            with random.at(step):
                return compute(batch, loss.count(batch[1]), None, collected)

        return shards.gradients(whole)

    places = [shards.split(len(batch)) for batch in batches]
    parts = [[batch[place[shard]] for batch, place in zip(batches, places, strict=True)] for shard in shards.own]
    counts = [[loss.count(targets) for _, targets in part] for part in parts]
    total = sum([count for everyone in ranks.allgather(counts) for part in everyone for count in part])

    def work(shard: int, collected: Gradients) -> list[Piece]:
        pieces = []
        own = shard - shards.own.start
        with random.at(step, shard):
            for batch, count in zip(parts[own], counts[own], strict=True):
                if total and not count:  # a part in which nothing counts has no mean
                    continue
                share = None if loss.reduction == "sum" else np.array(count / total)
                pieces.append(compute(batch, count, share, collected, batch is parts[own][-1]))
        return pieces

    return [piece for pieces in shards.gradients(work) for piece in pieces]
