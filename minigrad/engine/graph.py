"""Graph nodes, and their order in the backward pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count
from operator import attrgetter
from typing import Any

from minigrad.engine.primitive import Primitive

next_sequence = count().__next__
"""The clock: numbers nodes as they are made, and stamps what is written to or changed."""

_by_age = attrgetter("sequence")


class Node:
    """A node of the graph: how a tensor was computed.

    It holds the operation, the nodes of its inputs, and what the rules of the operation need.

    Attributes:
        sequence: when it was made, by the clock.
        primitive: the operation.
        parents: for each input its node, None where it needs no gradient.
        input_types: for each parent the (shape, dtype) of that input; None where the parent is None.
        saved: a value for each name in `primitive.saved`, None for what no needed rule reads; None once consumed.
        versions: of each saved input and output, when it was last written to, in a cell that its views share.
    """

    __slots__ = ("input_types", "parents", "primitive", "saved", "sequence", "versions")

    sequence: int
    primitive: Primitive
    parents: tuple[Node | None, ...]
    input_types: tuple[Any, ...]
    saved: tuple[Any, ...] | None
    versions: tuple[list[int], ...]


class Leaf(Node):
    """The node of a leaf tensor, which accumulates its gradient.

    `version` is its version counter.

    `grad` is an array, or what stands for one until its method `whole` is called: gradients of few rows.
    """

    __slots__ = ("grad", "version")

    def __init__(self, version: list[int]) -> None:
        self.version = version
        self.sequence = -1  # before every operation: leaves are last in the walk
        self.parents = ()
        self.grad: Any = None


def reachable(roots: Iterable[Node], since: int = -1) -> list[Node]:
    """Return the roots and all their ancestors, newest first.

    Nodes numbered below `since` end the search.
    """
    order = list(roots)
    seen = set(order)
    for node in order:  # grows while it is read
        if node.sequence >= since:
            for parent in node.parents:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    order.append(parent)
    order.sort(key=_by_age, reverse=True)
    return order


def leads_to(wanted: Collection[Node], order: list[Node]) -> set[Node]:
    """Return the nodes that lead to a wanted one.

    These are the wanted nodes and those computed from one.
    """
    useful = set(wanted)
    for node in reversed(order):
        if not useful.isdisjoint(node.parents):
            useful.add(node)
    return useful
