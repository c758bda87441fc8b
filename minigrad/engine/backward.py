"""Backpropagation through the graph.

The walk calls the rules of each operation, from the outputs back to the leaves.

Nodes are visited by descending sequence number, so that each comes after all nodes that use it. There is no recursion:
a graph of 100,000 operations is walked like one of ten. Gradients are held in a dict that is local to the call. If
gradients are arrays, the rules run in plain NumPy; if they are tensors (`create_graph`), the same rules build the graph
of the derivative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.devices import foreign
from minigrad.engine.arrays import as_array, asarray
from minigrad.engine.broadcast import cast, sum_to
from minigrad.engine.errors import describe
from minigrad.engine.graph import Leaf, Node, leads_to, reachable
from minigrad.engine.mode import current_mode, enable_grad
from minigrad.engine.tensor import Tensor, wrap

Gradients = dict[Leaf, NDArray[Any]]


def backward(tensor: Tensor, gradient: ArrayLike | Tensor | None = None, retain_graph: bool = False) -> None:
    """Accumulate the gradient of `tensor` into the leaves' `.grad`.

    Args:
        tensor: the tensor to start from.
        gradient: the gradient of a scalar with respect to `tensor`, in its shape. None means 1, and requires a
            one-element tensor.
        retain_graph: keep the saved values, so that the graph can be walked again.

    Raises:
        RuntimeError: if the tensor requires no gradient, if it has more than one element and no `gradient` is given, if
            the graph was consumed before, or if a saved array has been written to since.
        ValueError: for a `gradient` of the wrong shape.
    """
    found = walk({_root(tensor): _start(tensor, gradient)}, retain_graph=retain_graph)
    for leaf, (value, is_owned) in found.items():
        leaf.grad = accumulated(leaf.grad, value, is_owned)


def accumulated(total: Any, value: Any, is_owned: bool = True) -> Any:
    """Return `total` with the gradient `value` added in place.

    If `total` is None, return the value, copied unless `is_owned`.
    """
    if total is None:
        if is_owned:
            return value if value.ndim else asarray(value)
        return value.copy() if type(value) in foreign else np.array(value, order="C")
    total += value
    return total


def collect(tensor: Tensor, gradient: Any, collected: Gradients, ready: Callable[[Leaf], object] | None = None) -> None:
    """Accumulate gradients by leaf in `collected`, not in `.grad`.

    Threads that share parameters use it: adding to one `.grad` from several threads would lose updates.

    Args:
        tensor: the tensor to start from.
        gradient: as for `backward`.
        collected: the dict of gradients by leaf, which is added to.
        ready: called with a leaf as soon as its gradient in `collected` is complete, while the walk goes on; treat that
            array as read-only from then on. It is not called for leaves whose gradient is known to be complete only at
            the end.

    Errors are those of `backward`.
    """

    def complete(leaf: Leaf, value: Any) -> None:
        collected[leaf] = accumulated(collected.get(leaf), value)
        ready(leaf)  # type: ignore[misc]

    found = walk({_root(tensor): _start(tensor, gradient)}, complete=complete if ready else None)
    for leaf, (value, is_owned) in found.items():
        collected[leaf] = accumulated(collected.get(leaf), value, is_owned)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    gradients: ArrayLike | Tensor | Sequence[Any] | None = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of `outputs` with respect to `inputs`.

    The gradients of several outputs are summed. No `.grad` is changed.

    Args:
        outputs: one tensor or several, which require gradients.
        inputs: one tensor or several, leaves or not.
        gradients: the gradient of a scalar with respect to each output. None means 1, and requires one-element outputs.
        create_graph: return gradients that can be differentiated again.
        retain_graph: keep the saved values; by default, if `create_graph`.
        allow_unused: return None for an input that no output depends on, instead of raising.

    Raises:
        RuntimeError: as `backward`, and for an input that no output depends on.
        ValueError: for gradients of the wrong shapes, or the wrong number of them.
        TypeError: for anything but tensors.
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for tensor in (*outputs, *inputs):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"grad() takes tensors, which know how they were made; got {type(tensor).__name__}")
    starts = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients] * len(outputs)
    if len(starts) != len(outputs):
        raise ValueError(f"expected a gradient for each of {len(outputs)} outputs, got a list of {len(starts)}")
    roots: dict[Node, Any] = {}
    for output, start in zip(outputs, starts, strict=True):
        node, value = _root(output), _start(output, start, as_tensor=create_graph)
        roots[node] = roots[node] + value if node in roots else value
    wanted = {tensor.node for tensor in inputs if tensor.node is not None}
    with enable_grad() if create_graph else nullcontext():
        found = walk(roots, wanted, create_graph, create_graph if retain_graph is None else retain_graph)
    results: list[Tensor | None] = []
    for i, tensor in enumerate(inputs):
        if tensor.node in found:
            value, is_owned = found[tensor.node]
            results.append(value if create_graph else wrap(asarray(accumulated(None, value, is_owned)), None, [0]))
        elif allow_unused:
            results.append(None)
        else:
            fault = "does not require gradients" if tensor.node is None else "is not used by any output"
            raise RuntimeError(f"input {i}, of shape {tensor.shape}, {fault}; allow_unused=True gives None for it")
    return tuple(results)


@np.errstate(all="ignore")  # a derivative may be infinite: the caller decides
def walk(
    gradients: dict[Node, Any],
    wanted: Collection[Node] | None = None,
    create_graph: bool = False,
    retain_graph: bool = False,
    since: int = -1,
    complete: Callable[[Leaf, Any], None] | None = None,
) -> dict[Any, tuple[Any, bool]]:
    """Propagate `gradients` to the wanted nodes, or to all leaves.

    Args:
        gradients: the gradients at the nodes where the walk starts: arrays, or tensors if `create_graph`. The dict is
            consumed.
        wanted: the nodes whose gradients are returned; None for all leaves.
        create_graph: whether the rules build a graph of the derivative, with gradient mode on.
        retain_graph: whether nodes keep their saved values.
        since: the walk stops at nodes with a lower sequence number.
        complete: called with a leaf and its gradient as soon as that is complete, while the walk goes on; such leaves
            are not returned.

    Returns:
        For each node that was reached, its gradient and whether that array is referenced nowhere else.
    """
    order = reachable(gradients, since)
    useful = None if wanted is None else leads_to(wanted, order)
    observer = current_mode().observer
    borrowed = set(gradients)  # nodes whose gradient may be referenced elsewhere
    found: dict[Any, tuple[Any, bool]] = {}
    uses = Counter(parent for node in order for parent in node.parents) if complete is not None else {}
    for node in order:
        needs: Sequence[Any] = node.parents
        if not needs or node.sequence < since:  # leaves, and nodes older than `since`, end the walk
            break
        g = gradients.pop(node, None)
        if g is None:  # no wanted node is below
            continue
        if wanted is not None and node in wanted:
            found[node] = (g, node not in borrowed)
        if useful is not None:
            needs = [parent if parent in useful else None for parent in needs]
            if not any(needs):  # a wanted node with no wanted node below is not consumed
                continue
        operation, saved = node.primitive, node.saved
        if saved is None:
            _refuse(node)
        for version in node.versions:
            if version[0] > node.sequence:
                _refuse(node)
        if create_graph:
            values = operation.vjp(g, needs, *_as_tensors(node))
        else:
            values = (operation.fused or operation.vjp)(g, needs, *saved)
        if observer is not None:
            observer.on_backward(node, values)
        if not retain_graph:
            node.saved = None
        for parent, input_type, value in zip(needs, node.input_types, values):  # noqa: B905 - alike
            if parent is None or value is None:
                continue
            shape, dtype = input_type
            if value.shape != shape:
                value = _sum_to(node, value, shape)
            if value.dtype is not dtype:
                value = cast(value, dtype)
            if parent not in gradients:
                gradients[parent] = value
                if value is g or create_graph or value.base is not None:
                    borrowed.add(parent)
            elif parent in borrowed:
                gradients[parent] = gradients[parent] + value
                if not create_graph:
                    borrowed.discard(parent)
            else:
                gradients[parent] += value
        if complete is not None:
            for parent in node.parents:
                uses[parent] -= 1
                if isinstance(parent, Leaf) and not uses[parent] and parent in gradients:
                    complete(parent, gradients.pop(parent))
    for node in gradients if wanted is None else wanted:
        if node in gradients:
            found[node] = (gradients[node], node not in borrowed)
    return found


def _refuse(node: Node) -> NoReturn:
    """Raise the error that says why the node's saved values cannot be used."""
    if node.saved is None:
        raise RuntimeError(
            f"the graph of this {node.primitive.name} was consumed by an earlier backward(), which lets go of what "
            "the rules keep; pass retain_graph=True to that one, or compute the result again"
        )
    raise RuntimeError(
        f"a tensor that {node.primitive.name} keeps for its gradient has been written to in place since (by "
        "x[i] = v, or an optimizer's step); call backward() before the write, or write to a copy"
    )


def _sum_to(node: Node, value: Any, shape: tuple[int, ...]) -> Any:
    """Return the gradient of an input, summed over its broadcast axes."""
    try:
        return sum_to(value, shape)
    except ValueError:
        raise ValueError(
            f"a rule of {node.primitive.name} gives a gradient of shape {value.shape} for an input of shape {shape}, "
            "which was not broadcast to that"
        ) from None


def _as_tensors(node: Node) -> list[Any]:
    """Return a node's saved arrays as tensors, for higher derivatives.

    Inputs and output keep their history, so that the rules' operations are recorded.
    """
    operation, versions = node.primitive, iter(node.versions)
    nodes: dict[str, Any] = {"out": node, **dict(zip(operation.inputs, node.parents, strict=False))}

    def tensor(value: Any, source: Node | None, version: list[int]) -> Any:
        return wrap(value, source, version) if type(value) in foreign or isinstance(value, np.ndarray) else value

    return [
        [tensor(x, parent, next(versions)) for x, parent in zip(value, node.parents, strict=True)]
        if operation.variadic and name in operation.inputs
        else tensor(value, nodes[name], next(versions))
        if operation.is_array(name)
        else tensor(value, None, [0])
        for name, value in zip(operation.saved, node.saved or (), strict=True)
    ]


def _root(tensor: Tensor) -> Node:
    if tensor.node is None:
        raise RuntimeError(
            "this tensor requires no gradient: it was not computed from a tensor with requires_grad=True, or under "
            "no_grad()"
        )
    return tensor.node


def _start(tensor: Tensor, gradient: Any, as_tensor: bool = False) -> Any:
    """Return the gradient at a root."""
    if gradient is None:
        if tensor.size != 1:
            raise RuntimeError(
                f"a gradient starts from one number, and this tensor has shape {tensor.shape}; reduce it first, e.g. "
                "with .sum(), or pass the gradient of your number with respect to it"
            )
        array: NDArray[Any] = np.array(1, tensor.dtype, ndmin=tensor.ndim, like=tensor.data)
    else:
        if isinstance(gradient, Tensor) and as_tensor and gradient.shape == tensor.shape:
            return gradient
        array = as_array(gradient.data if isinstance(gradient, Tensor) else gradient, tensor.dtype)
        if array.shape != tensor.shape:
            raise ValueError(f"a gradient has its tensor's form: expected {tensor.shape}, got {describe(array)}")
    return Tensor(array) if as_tensor else array
