"""Batches of sequences of different lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.devices import on_cpu
from minigrad.engine import Tensor

State = tuple[Tensor, ...]


class Ragged:
    """Lengths of padded sequences, as recurrent layers process them.

    Sequences are sorted by length, the longest first, so that at every step those that have not ended come first, as in
    PyTorch's packed sequences. Between two steps at which a sequence ends, they are processed together.

    Args:
        lengths: the length of each sequence, (N,).
        steps: the length of the padded sequences.
        n: the number of sequences.

    Attributes:
        lengths: the sorted lengths, (N,).
        order: the indices of the sequences in sorted order.
        places: the position of each sequence in sorted order.

    Raises:
        TypeError: for lengths that are not integers.
        ValueError: for the wrong number of lengths, or a length outside 1 to `steps`.
    """

    def __init__(self, lengths: Any, steps: int, n: int) -> None:
        given = np.asarray(on_cpu(lengths.data if isinstance(lengths, Tensor) else lengths))
        if given.dtype.kind not in "iu":
            raise TypeError(f"lengths are integers, got {given.dtype}")
        if given.shape != (n,):
            raise ValueError(f"expected a length for each of {n} sequences, ({n},), got {given.shape}")
        wrong = np.flatnonzero((given < 1) | (given > steps))
        if wrong.size:
            one = int(wrong[0])
            raise ValueError(f"lengths are from 1 to {steps}, the steps of x; sequence {one} has {given[one]}")
        self.order = np.argsort(-given.astype(np.int64), kind="stable")
        self.places = np.argsort(self.order)
        self.lengths = given[self.order].astype(np.int64)
        self.steps = steps

    def reversed(self, x: Tensor) -> Tensor:
        """Return x with each sequence reversed, padding in place.

        x is (L, N, ...). The padding stays at the end.
        """
        steps = np.arange(self.steps)[:, None]
        return x[np.where(steps < self.lengths, self.lengths - 1 - steps, steps), np.arange(len(self.lengths))]

    def run(
        self, sequence: Callable[[Tensor, State], tuple[Tensor, State]], x: Tensor, state: State
    ) -> tuple[Tensor, State]:
        """Return the outputs (L, N, H) and the last states.

        Outputs are zero in the padding. The last state of a sequence is the state after its last step.

        Args:
            sequence: a function of x (steps, n, I) and the state before, which returns the outputs (steps, n, H) and
                the state after.
            x: (L, N, I).
            state: the state before the first step, each part (N, H).
        """
        outputs, ended = [], []
        begin, running = 0, len(self.lengths)
        for end in np.unique(self.lengths):
            output, state = sequence(x[begin:end, :running], state)
            outputs.append(ops.pad(output, [(0, 0), (0, len(self.lengths) - running), (0, 0)]))
            begin, going_on = end, int((self.lengths > end).sum())
            ended.append(tuple(part[going_on:] for part in state))
            running, state = going_on, tuple(part[:going_on] for part in state)
        if begin < self.steps:
            rest = (self.steps - int(begin), *outputs[0].shape[1:])
            outputs.append(Tensor(np.zeros(rest, outputs[0].dtype, like=outputs[0].data)))
        return ops.concatenate(outputs), tuple(ops.concatenate(parts) for parts in zip(*reversed(ended), strict=True))
