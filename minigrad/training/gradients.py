"""The gradients of one step: forward, loss and backward of its batches, shard by shard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minigrad.engine import Tensor, collect, random
from minigrad.parallel import Gradients, Shards

if TYPE_CHECKING:
    from minigrad.training.experiment import Experiment

Batch = tuple[np.ndarray, np.ndarray]
"""Inputs (N, ...) and targets (N, ...)."""

Piece = tuple[float, float, np.ndarray, np.ndarray]
"""What came of one shard of one batch: its loss, how much that counts (`Loss.count`), outputs and targets."""


def gradients(experiment: Experiment, shards: Shards, batches: Sequence[Batch], step: int) -> list[Piece]:
    """Leaves in `.grad` the gradients of the loss of all `batches` together, and returns what came of their parts.

    Each shard takes its part of every batch, one after the other. The losses of parts count as much as they do in the
    loss of the whole: the sum is that of an undivided step, to rounding.

    Raises: what the model or the loss raises.
    """
    model, loss = experiment.model, experiment.loss
    places = [shards.split(len(inputs)) for inputs, _ in batches]
    counts = [
        [loss.count(targets[part]) for part in parts] for (_, targets), parts in zip(batches, places, strict=True)
    ]
    total = sum(map(sum, counts))
    is_whole = shards.count == len(batches) == 1

    def work(shard: int, collected: Gradients) -> list[Piece]:
        pieces = []
        with random.at(step, shard):
            for (inputs, targets), parts, of_batch in zip(batches, places, counts, strict=True):
                inputs, targets, count = inputs[parts[shard]], targets[parts[shard]], of_batch[shard]
                if total and not count:  # a part in which nothing counts has no mean
                    continue
                outputs = model(Tensor(inputs))
                value = loss(outputs, Tensor(targets))
                share = None if is_whole or loss.reduction == "sum" else np.array(count / total, value.dtype)
                collect(value, share, collected)
                pieces.append((value.item(), count, outputs.data, targets))
        return pieces

    return [piece for pieces in shards.gradients(work) for piece in pieces]
