"""Measurements of a profile."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from minigrad.observers.products import Product, seconds_alone

UPDATE = "update"
"""The kind of time spent in optimizers, which ends when a parameter is written."""

OUTSIDE = "outside of operations"
"""The kind of all other time: Python code between operations, the loader, reading the loss."""

Event = tuple[str, str, str, float, float, int]
"""An interval: kind ("forward", "backward", `UPDATE`, `OUTSIDE`), layer, operation, start and end in seconds, and
thread."""


@dataclass
class Entry:
    """The time and memory of one operation in one layer.

    Attributes:
        calls: number of forward calls.
        forward: seconds in the forward pass.
        backward: seconds in the backward pass.
        flops: multiplications and additions in matrix products, forward and backward.
        allocated: bytes of results, residuals and gradients.
        saved: bytes saved for the backward pass, each counted where it is first saved.
    """

    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    flops: int = 0
    allocated: int = 0
    saved: int = 0

    @property
    def seconds(self) -> float:
        """The seconds of forward and backward."""
        return self.forward + self.backward

    def add(self, other: Entry) -> None:
        """Add another entry's measurements."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Measured:
    """The times and memory of a block.

    Attributes:
        entries: an `Entry` per layer and operation, by (layer, operation).
        update: seconds in optimizers.
        outside: seconds of everything else.
        seconds: total seconds of the block, including measuring.
        overhead: seconds of measuring.
        peak: peak memory of results and gradients, in bytes.
        products: the matrix products, forward and backward, with their counts.
        events: the intervals in order, up to `MOST_EVENTS` of `minigrad.observers.profile`.
    """

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        self.update = self.outside = self.seconds = self.overhead = 0.0
        self.peak = 0
        self.products: Counter[Product] = Counter()
        self.events: list[Event] = []

    def by(self, part: int) -> dict[str, Entry]:
        """Return entries summed by layer (0) or operation (1).

        Entries with the longest times are first.
        """
        sums: dict[str, Entry] = {}
        for key, entry in self.entries.items():
            sums.setdefault(key[part], Entry()).add(entry)
        return dict(sorted(sums.items(), key=lambda item: -item[1].seconds))

    def seconds_of_products(self) -> float:
        """Measure only the matrix products in NumPy, in seconds.

        BLAS uses its current number of threads.
        """
        return sum(count * seconds_alone(product) for product, count in self.products.items())
