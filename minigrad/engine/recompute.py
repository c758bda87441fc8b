"""Gradient checkpointing: recompute activations in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.engine import random
from minigrad.engine.backward import walk
from minigrad.engine.graph import Leaf, Node, next_sequence, reachable
from minigrad.engine.mode import enable_grad, is_grad_enabled
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor, wrap


def checkpoint(f: Callable[..., Tensor], *args: Any) -> Tensor:
    """Return f(*args), recomputing its intermediate results in the backward pass.

    Gradients also reach the tensors that f closes over, such as the parameters of a module. Random draws are repeated
    with the same numbers. The graph of the recomputation can be differentiated in turn, to any order.

    Between the two computations you may not write into arguments, parameters, or values that a derivative inside needs:
    that raises an error. Other constants that f reads (a bias without gradients, an array) must not change either, but
    are not checked.

    Args:
        f: a function that returns one tensor, and is deterministic.
        args: its arguments; tensors among them may require gradients.

    Raises:
        TypeError: if f returns anything but a tensor.
    """
    if not is_grad_enabled():
        return f(*args)
    start, place = next_sequence(), random.place()
    result = f(*args)
    if not isinstance(result, Tensor):
        raise TypeError(f"checkpoint takes a function that returns one tensor, got {type(result).__name__}")
    if result.node is None or result.node.sequence < start:
        return result
    inside = [node for node in reachable([result.node], start) if node.sequence >= start]
    # The inputs of the computation, by position or by name, and their types.
    given = {
        parent: input_type
        for node in inside
        for parent, input_type in zip(node.parents, node.input_types, strict=True)
        if parent is not None and parent.sequence < start
    }

    def again(g: Any) -> list[Any]:
        """Return the gradients of all arguments and captured tensors."""
        now, graph = next_sequence(), isinstance(g, Tensor)
        with place.copy(), enable_grad():
            root: Any = f(*args).node
        found = walk({root: g}, given.keys(), graph, graph, since=now)
        return [found[node][0] if node in found else None for node in given]

    node = Node()
    node.primitive = _checkpoint
    node.sequence = next_sequence()
    node.parents = tuple(given)
    node.saved = (again,)
    node.input_types = tuple(given.values())
    # The recomputation reads the arguments and the leaves even if no rule inside saves them.
    node.versions = (
        *(arg.version for arg in args if isinstance(arg, Tensor)),
        *(parent.version for parent in given if isinstance(parent, Leaf)),
        *(cell for node_inside in inside for cell in node_inside.versions),
    )
    return wrap(result.data, node, [0])


_checkpoint = Primitive("checkpoint", lambda given, again: given, (lambda g, again: again(g),), variadic=True)
