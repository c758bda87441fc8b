"""Memory for time: a part of a computation that is computed again in the backward pass instead of kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.engine import random
from minigrad.engine.backward import reachable, walk
from minigrad.engine.mode import enable_grad, is_grad_enabled
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Leaf, Node, Tensor, next_number, wrap


def checkpoint(f: Callable[..., Tensor], *args: Any) -> Tensor:
    """Returns f(*args) and keeps nothing of what is between, which is computed again when gradients are asked for.

    Gradients also reach the tensors that f closes over, such as the parameters of a module. Random draws are repeated
    with the same numbers. The graph of the second computation is as good as that of the first, to any order.

    Writes in between are refused where they go into arguments, parameters, or what a derivative inside needs. Other
    constants that f reads (a bias without gradients, an array) are not watched, and must not change until then.

    Args:
        f: a function that returns one tensor, and does the same each time.
        args: its arguments; those that are tensors may require gradients.

    Raises: TypeError if f returns anything but a tensor.
    """
    if not is_grad_enabled():
        return f(*args)
    start, place = next_number(), random.place()
    result = f(*args)
    if not isinstance(result, Tensor):
        raise TypeError(f"checkpoint takes a function that returns one tensor, got {type(result).__name__}")
    if result.node is None or result.node.number < start:
        return result
    inside = [node for node in reachable([result.node], start) if node.number >= start]
    # What the computation was given, by argument or by name, and the form of each.
    given = {
        parent: form
        for node in inside
        for parent, form in zip(node.parents, node.forms, strict=True)
        if parent is not None and parent.number < start
    }

    def again(g: Any) -> list[Any]:
        """The gradients of all that was given."""
        now, graph = next_number(), isinstance(g, Tensor)
        with random.at_place(place), enable_grad():
            root = f(*args).node
        found = walk({root: g}, [root], given.keys(), graph, graph, since=now)  # type: ignore[dict-item, list-item]
        return [found[node][0] if node in found else None for node in given]

    node = object.__new__(Node)
    node.primitive = _checkpoint
    node.number = next_number()
    node.parents = tuple(given)
    node.saved = (None, again, None)
    node.forms = tuple(given.values())
    # What is computed again reads the arguments and the leaves, also where no rule inside keeps them.
    node.cells = (
        *(arg.version for arg in args if isinstance(arg, Tensor)),
        *(parent.version for parent in given if isinstance(parent, Leaf)),
        *(cell for node_inside in inside for cell in node_inside.cells),
    )
    node.seen = sum(cell[0] for cell in node.cells)
    return wrap(result.data, node, [0])


_checkpoint = Primitive(
    "checkpoint", lambda given, again: given, (lambda g, again: again(g),), fast=None, extras=(), variadic=True
)
