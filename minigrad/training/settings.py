"""How a training goes: the `trainer` of a config."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from minigrad.training.monitor import Checkpoint, EarlyStopping


@dataclass(frozen=True)
class Trainer:
    """How long to train, how often to look, and when to stop.

    Args:
        max_epochs: passes over the training examples; 10 where `max_steps` is not given either.
        max_steps: optimizer steps; the first of the two limits to be reached ends the training.
        accumulate: batches in a step, whose gradients are averaged over all their examples; the last step of an epoch
            takes what is left.
        shards: parts of a batch that are computed apart, by as many threads as there are, and whose gradients are
            summed in their order; decides how numbers are rounded, whoever computes them. Left out, a rule of sizes
            decides when the run begins: 2 for a large step, or 1, also where a layer looks at the whole batch.
        reduce: how several ranks sum gradients: `ordered`, with the same bits on any number of them, or `fast`, as
            their MPI likes best. One process has one order.
        blas_threads: threads of each product of matrices, which decide how it is rounded. Left out: 1, but 2 where a
            step is not divided and not small either.
        compile: record the steps of a batch once and then only carry them out (`minigrad.compile`): the same bits, and
            less to do where a network is small. Not for models that draw random numbers or look at the whole batch.
        val_every: steps between validations; left out, the end of every epoch. The last step is always validated.
        log_every: steps between two records of the training loss, metrics and learning rate.
        grad_clip: the largest norm of all gradients together; longer ones are scaled down to it.
        on_nan: what a loss or a gradient that is not finite does: `stop` the run, or `skip` the update of its step and
            count it.
        early_stopping: ends the training when a monitored value no longer improves.
        checkpoint: which weights are the best, and how often the run is saved.

    Raises: ValueError if a number is not positive.
    """

    max_epochs: int | None = None
    max_steps: int | None = None
    accumulate: int = 1
    shards: int | None = None
    reduce: Literal["ordered", "fast"] = "ordered"
    blas_threads: int | None = None
    compile: bool = False
    val_every: int | None = None
    log_every: int = 50
    grad_clip: float | None = None
    on_nan: Literal["stop", "skip"] = "stop"
    early_stopping: EarlyStopping | None = None
    checkpoint: Checkpoint = field(default_factory=Checkpoint)

    def __post_init__(self) -> None:
        for name in (
            "max_epochs", "max_steps", "accumulate", "shards", "blas_threads", "val_every", "log_every", "grad_clip"
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be larger than 0, got {value}")

    def steps(self, epoch_steps: int) -> int:
        """Returns the number of optimizer steps of a training whose epochs have `epoch_steps` each."""
        if self.max_epochs is None and self.max_steps is not None:
            return self.max_steps
        steps = (10 if self.max_epochs is None else self.max_epochs) * epoch_steps
        return steps if self.max_steps is None else min(steps, self.max_steps)
