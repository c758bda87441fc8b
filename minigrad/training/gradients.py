"""The gradients of one step: forward, loss and backward of its batches, shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    model, loss = experiment.model, experiment.loss
    places = [shards.split(len(batch)) for batch in batches]
    parts = [[batch[place[shard]] for batch, place in zip(batches, places, strict=True)] for shard in shards.own]
    counts = [[loss.count(targets) for _, targets in part] for part in parts]
    total = sum([count for everyone in ranks.allgather(counts) for part in everyone for count in part])
    is_whole = shards.count == len(batches) == 1

    def work(shard: int, collected: Gradients) -> list[Piece]:
        pieces = []
        i = shard - shards.own.start
        with random.at(step, shard):
            for (inputs, targets), count in zip(parts[i], counts[i], strict=True):
                if total and not count:  # a part in which nothing counts has no mean
                    continue
                share = None if is_whole or loss.reduction == "sum" else np.array(count / total)
                if program is not None:
                    value, outputs = program.collect((inputs, targets), share, collected)
                    pieces.append((value.item(), count, outputs, targets))
                    continue
                result = model(Tensor(inputs))
                error = loss(result, Tensor(targets))
                is_last = targets is parts[i][-1][1]
                collect(error, share, collected, collected.ready if is_last else None)
                pieces.append((error.item(), count, result.data, targets))
        return pieces

    return [piece for pieces in shards.gradients(work) for piece in pieces]
