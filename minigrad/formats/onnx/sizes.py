"""Lengths of axes as expressions in the dynamic lengths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

Lengths = tuple[int, ...]
"""The length of an axis in each recording."""


class Axis(NamedTuple):
    """An axis of a named value in the graph."""

    name: str
    axis: int


@dataclass(frozen=True)
class Expression:
    """A linear combination of products of lengths.

    Each term is a factor and the axes whose lengths it multiplies.
    """

    terms: tuple[tuple[int, tuple[Axis, ...]], ...]
    offset: int


class Sizes:
    """A search for expressions of integers that differ between recordings.

    Each dynamic axis was recorded at two lengths, alone and together with all others. An expression that holds for all
    recordings is assumed to hold for other lengths; the check of the finished file would reveal a mistake.

    Args:
        free: the lengths of each dynamic axis in the recordings.
        axes: an axis in the graph that has each of these lengths.
    """

    def __init__(self, free: Mapping[str, Lengths], axes: Mapping[str, Axis]) -> None:
        self.names = {lengths: name for name, lengths in free.items()}
        self._free = [(lengths, axes[name]) for name, lengths in free.items()]
        self._found: dict[Lengths, Axis] = {}

    def note(self, name: str, shapes: Sequence[tuple[int, ...]]) -> None:
        """Register the axes of a named value.

        The graph queries those whose lengths are not simple functions of the dynamic ones.

        Args:
            name: the name of the value in the graph.
            shapes: its shape in each recording.
        """
        for axis, lengths in enumerate(zip(*shapes, strict=True)):
            if len(set(lengths)) > 1 and self._of_free(lengths) is None:
                self._found.setdefault(lengths, Axis(name, axis))

    def expression(self, values: Sequence[int]) -> int | Expression | None:
        """Return the expression of an integer; None if not found."""
        lengths = tuple(map(int, values))
        if len(set(lengths)) == 1:
            return lengths[0]
        found = self._of_free(lengths)
        if found is None:
            for base, axis in self._found.items():
                if (line := _line(lengths, base)) is not None:
                    return Expression(((line[0], (axis,)),), line[1])
        return found

    def _of_free(self, values: Lengths) -> Expression | None:
        for count in range(1, len(self._free) + 1):
            for chosen in combinations(self._free, count):
                products = tuple(math.prod(each) for each in zip(*(lengths for lengths, _ in chosen), strict=True))
                if (line := _line(values, products)) is not None:
                    return Expression(((line[0], tuple(axis for _, axis in chosen)),), line[1])
        return self._sum(values)

    def _sum(self, values: Lengths) -> Expression | None:
        """Return a sum of multiples of dynamic lengths, as for two concatenated sequences."""
        terms, rest = [], list(values)
        for i, (lengths, axis) in enumerate(self._free, 1):
            step, by = values[i] - values[0], lengths[i] - lengths[0]
            if step % by:
                return None
            if step:
                terms.append((step // by, (axis,)))
                rest = [r - step // by * n for r, n in zip(rest, lengths, strict=True)]
        return Expression(tuple(terms), rest[0]) if len(set(rest)) == 1 else None


def _line(values: Lengths, base: Lengths) -> tuple[int, int] | None:
    """Return factor and offset with values = factor * base + offset in all recordings, if they exist."""
    i = next((i for i, b in enumerate(base) if b != base[0]), None)
    if i is None or (values[i] - values[0]) % (base[i] - base[0]):
        return None
    factor = (values[i] - values[0]) // (base[i] - base[0])
    offset = values[0] - factor * base[0]
    fits = all(v == factor * b + offset for v, b in zip(values, base, strict=True))
    return (factor, offset) if fits and factor else None
