"""Graph nodes, and their order in the backward pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count
from operator import attrgetter
from typing import Any

from minigrad.engine.primitive import Primitive

next_sequence = count().__next__
"""The clock, which numbers nodes as they are created, and stamps writes and changes."""

_by_age = attrgetter("sequence")


class Node:
    """A node of the graph: how a tensor was computed.

    It holds the operation, the nodes of its inputs, and the values that the operation's rules need.

    Attributes:
        sequence: the clock's time when the node was created.
        primitive: the operation.
        parents: the node of each input; None for an input that needs no gradient.
        input_types: the (shape, dtype) of each input; None where the parent is None.
        saved: a value for each name in `primitive.saved`, None for those that no needed rule reads. The attribute is
            None once the node is consumed.
        versions: the version counter of each saved input and output (the time of the last write, in a list that all
            views share).
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

    Attributes:
        version: the version counter of the tensor.
        grad: an array, or a gradient of few rows, which becomes an array when its method `whole` is called.
    """

    __slots__ = ("grad", "version")

    def __init__(self, version: list[int]) -> None:
        self.version = version
        self.sequence = -1  # before every operation: leaves come last in the walk
        self.parents = ()
        self.grad: Any = None


def reachable(roots: Iterable[Node], since: int = -1) -> list[Node]:
    """Return the roots and all their ancestors, newest first.

    The search stops at nodes numbered below `since`.
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

    These are the wanted nodes themselves and all nodes computed from them.

    Args:
        wanted: the wanted nodes.
        order: the nodes of the graph, newest first.
    """
    useful = set(wanted)
    for node in reversed(order):
        if not useful.isdisjoint(node.parents):
            useful.add(node)
    return useful
