"""The walk: from results back to what they were made of, gradients in hand.

The reachable nodes are collected with a stack and taken by descending creation number, so that each is met after all
that used it; there is no recursion, and a graph of 100,000 operations is as good as one of ten. Gradients live in a
dict of the call. With arrays for gradients the rules run in plain NumPy; with tensors (`create_graph`) the same rules
build the graph of the derivative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.engine.broadcast import cast, sum_to
from minigrad.engine.mode import current_mode, enable_grad
from minigrad.engine.primitive import describe
from minigrad.engine.tensor import Leaf, Node, Tensor, as_array, wrap

_by_age = attrgetter("number")


def backward(tensor: Tensor, gradient: ArrayLike | Tensor | None = None, retain_graph: bool = False) -> None:
    """Adds to the `.grad` of every leaf below `tensor` the gradient of `tensor` with respect to it.

    Args:
        gradient: that of some number with respect to `tensor`, of its shape; 1 if None, for a tensor of one element.
        retain_graph: keep what the graph holds, so that it can be walked again.

    Raises: RuntimeError if the tensor requires no gradient, has more than one element and no `gradient` is given, if
        the graph was consumed before, or if what it kept has been written to since. ValueError for a `gradient` of
        another shape.
    """
    root = _root(tensor)
    found = walk({root: _start(tensor, gradient)}, {root}, retain_graph=retain_graph)
    for leaf, (value, owned) in found.items():
        if leaf.grad is None:
            leaf.grad = np.asarray(value) if owned else value.copy()
        else:
            leaf.grad += value


def collect(
    tensor: Tensor,
    gradient: ArrayLike | Tensor | None,
    collected: dict[Leaf, NDArray[Any]],
    ready: Callable[[Leaf], object] | None = None,
) -> None:
    """Adds to `collected`, by leaf, what `backward(tensor, gradient)` would add to their `.grad`.

    For threads that share parameters: two of them that add to one `.grad` would lose updates.

    Args:
        ready: is called with a leaf as soon as all of its gradient is in `collected`, while the walk goes on; from then
            on that array is only to be read. Leaves of which this is not known before the end are not told of.

    Raises: as `backward`.
    """
    root = _root(tensor)
    gradients: dict[Node, Any] = {root: _start(tensor, gradient)}
    if ready is not None:
        gradients = _Arrivals(gradients, root, collected, ready)
    for leaf, (value, owned) in walk(gradients, {root}).items():
        if isinstance(gradients, _Arrivals) and not gradients.missing[leaf]:  # it was told of
            continue
        if leaf in collected:
            collected[leaf] += value
        else:
            collected[leaf] = np.asarray(value) if owned else value.copy()


class _Arrivals(dict[Node, Any]):
    """The gradients of a walk, which notices when the last part of that of a leaf is added.

    The walk assigns once for each use of a node, so that it need not know of this, and costs nothing more without.
    """

    def __init__(
        self,
        gradients: dict[Node, Any],
        root: Node,
        collected: dict[Leaf, NDArray[Any]],
        ready: Callable[[Leaf], object],
    ) -> None:
        super().__init__(gradients)
        self.missing: Counter[Node] = Counter(
            p for node in reachable({root}) for p in node.parents if isinstance(p, Leaf)
        )
        self.missing[root] += 1  # a root that is a leaf: its gradient is there from the beginning
        self.collected = collected
        self.ready = ready

    def __setitem__(self, node: Node, value: Any) -> None:
        super().__setitem__(node, value)
        if isinstance(node, Leaf):
            self.missing[node] -= 1
            if not self.missing[node]:
                if node in self.collected:
                    self.collected[node] += value
                else:
                    self.collected[node] = np.asarray(value)
                self.ready(node)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    gradients: ArrayLike | Tensor | Sequence[Any] | None = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """Returns the gradients of the sum of `outputs` with respect to each of `inputs`, and touches no `.grad`.

    Args:
        outputs: one tensor or several, that require gradients.
        inputs: one tensor or several, given or computed.
        gradients: of some number with respect to each output; 1 if None, for outputs of one element.
        create_graph: return gradients that can be differentiated again.
        retain_graph: keep what the graph holds; by default if `create_graph`.
        allow_unused: give None for an input that no output depends on, instead of an error.

    Raises: RuntimeError as `backward` does, and for an input that no output depends on; ValueError for gradients of
        other shapes or another number than the outputs; TypeError for what is no tensor.
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
    found = walk(
        roots,
        roots.keys(),
        wanted=wanted,
        create_graph=create_graph,
        retain_graph=create_graph if retain_graph is None else retain_graph,
    )
    results: list[Tensor | None] = []
    for i, tensor in enumerate(inputs):
        if tensor.node in found:
            value, owned = found[tensor.node]
            results.append(value if create_graph else wrap(np.array(value, copy=not owned or None), None, [0]))
        elif allow_unused:
            results.append(None)
        else:
            fault = "does not require gradients" if tensor.node is None else "is not used by any output"
            raise RuntimeError(f"input {i}, of shape {tensor.shape}, {fault}; allow_unused=True gives None for it")
    return tuple(results)


def walk(
    gradients: dict[Node, Any],
    roots: Collection[Node],
    wanted: Collection[Node] | None = None,
    create_graph: bool = False,
    retain_graph: bool = False,
    since: int = -1,
) -> dict[Any, tuple[Any, bool]]:
    """Carries `gradients` from the roots to the wanted nodes, or to all leaves.

    Nodes with a number below `since` are not passed. Returns for each node that was reached the gradient, and whether
    its array belongs to nobody else.
    """
    order = reachable(roots, since)
    useful = None if wanted is None else leads_to(wanted, order)
    quiet: list[np.errstate] = []
    try:
        if not create_graph:  # rules that are given arrays build nothing, whatever the mode
            return _walk(order, gradients, wanted, useful, False, retain_graph, since, quiet)
        with enable_grad():
            return _walk(order, gradients, wanted, useful, True, retain_graph, since, quiet)
    finally:
        if quiet:
            quiet[0].__exit__(None, None, None)


def _walk(
    order: list[Node],
    gradients: dict[Node, Any],
    wanted: Collection[Node] | None,
    useful: Collection[Node] | None,
    create_graph: bool,
    retain_graph: bool,
    since: int,
    quiet: list[np.errstate],
) -> dict[Any, tuple[Any, bool]]:
    watcher = current_mode().watcher
    borrowed = set(gradients)  # nodes whose gradient is, or may be, an array of somebody else
    found: dict[Any, tuple[Any, bool]] = {}
    for node in order:
        parents = node.parents
        if not parents or node.number < since:  # here the leaves begin, and what is too old: nothing goes on from them
            break
        g = gradients.pop(node, None)
        if g is None:  # nothing that is wanted lies below
            continue
        if wanted is not None and node in wanted:
            found[node] = (g, node not in borrowed)
        operation = node.primitive
        if not (operation.smooth or quiet):
            # From here on a slope may be infinite: a result for the user to judge, not an accident to warn of.
            quiet.append(np.errstate(all="ignore"))
            quiet[0].__enter__()
        saved = node.saved
        seen = node.seen
        for cell in node.cells:
            seen -= cell[0]
        if create_graph or useful is not None or operation.joint:
            needs = [parent is not None and (useful is None or parent in useful) for parent in parents]
            if True not in needs:  # the node is wanted, and nothing below it: it stays as it is
                continue
            if saved is None or seen:
                _refuse(node)
            results = by_fast(node, g, needs) if operation.fast and not create_graph else by_rules(node, g, needs)
        else:
            if saved is None or seen:
                _refuse(node)
            results = [
                None if parent is None else rule(g, *select(saved))  # type: ignore[misc]
                for parent, rule, select in zip(parents, operation.rules, operation.selectors)  # noqa: B905 - alike
            ]
        if watcher is not None:
            watcher.differentiated(node, results)
        if not retain_graph:
            node.saved = None
        for parent, form, value in zip(parents, node.forms, results):  # noqa: B905
            if parent is None or value is None:
                continue
            shape, dtype = form
            if value.shape != shape:
                try:
                    value = sum_to(value, shape)
                except ValueError:
                    raise ValueError(
                        f"a rule of {operation.name} gives a gradient of shape {value.shape} for an input of shape "
                        f"{shape}, which was not broadcast to that"
                    ) from None
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
    for node in gradients if wanted is None else wanted:
        if node in gradients:
            found[node] = (gradients[node], node not in borrowed)
    return found


def _refuse(node: Node) -> NoReturn:
    """Says why what the node keeps for its rules cannot be used."""
    name = node.primitive.name
    if node.saved is None:
        raise RuntimeError(
            f"the graph of this {name} was consumed by an earlier backward(), which lets go of what the rules keep; "
            "pass retain_graph=True to that one, or compute the result again"
        )
    raise RuntimeError(
        f"a tensor that {name} keeps for its gradient has been written to in place since (by x[i] = v, or an "
        "optimizer's step); call backward() before the write, or write to a copy"
    )


def by_fast(node: Node, g: NDArray[Any], needs: Sequence[bool]) -> Sequence[Any]:
    """The gradients of the inputs of `node` by the fast path of its operation, None where `needs` is False."""
    operation = node.primitive
    return operation.fast(g, needs, *operation.selectors[-1](node.saved))  # type: ignore[misc]


def by_rules(node: Node, g: Any, needs: Sequence[bool]) -> Sequence[Any]:
    """The gradients of the inputs of `node` by rules; with a graph of their own if `g` is a tensor."""
    operation = node.primitive
    saved: tuple[Any, ...] = _as_tensors(node) if isinstance(g, Tensor) else node.saved  # type: ignore[assignment]
    if operation.variadic:
        (rule,), (select,) = operation.rules, operation.selectors
        return rule(g, *select(saved))  # type: ignore[misc]
    return [
        rule(g, *select(saved)) if need else None  # type: ignore[misc]
        for rule, select, need in zip(operation.rules, operation.selectors, needs, strict=False)
    ]


def _as_tensors(node: Node) -> tuple[Any, ...]:
    """What the node keeps, with inputs and result as the tensors that they were, so that rules build a graph."""
    operation, parents, cells = node.primitive, node.parents, node.cells
    values: list[Any] = list(node.saved)  # type: ignore[arg-type]
    out = len(operation.parameters)
    if operation.variadic:
        if values[0] is not None:
            values[0] = [wrap(x, parent, cell) for x, parent, cell in zip(values[0], parents, cells, strict=False)]
        places = [out] if values[out] is not None else []
        cells = cells[-1:]
    else:
        kept = operation.kept([parent is not None for parent in parents])
        places = [out if place == operation.arity else place for place in kept]
    for place, cell in zip(places, cells, strict=False):
        if isinstance(values[place], np.ndarray):
            values[place] = wrap(values[place], node if place == out else parents[place], cell)
    return tuple(values)


def reachable(roots: Collection[Node], since: int = -1) -> list[Node]:
    """The roots and all that they were made of, newest first; nodes below number `since` end the search."""
    order = list(roots)
    seen = set(order)
    for node in order:  # grows while it is read
        if node.number >= since:
            for parent in node.parents:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    order.append(parent)
    order.sort(key=_by_age, reverse=True)
    return order


def leads_to(wanted: Collection[Node], order: list[Node]) -> set[Node]:
    """The nodes of `order` that are wanted or were made of a wanted one."""
    useful = set(wanted)
    for node in reversed(order):
        if not useful.isdisjoint(node.parents):
            useful.add(node)
    return useful


def _root(tensor: Tensor) -> Node:
    if tensor.node is None:
        raise RuntimeError(
            "this tensor requires no gradient: it was not computed from a tensor with requires_grad=True, or under "
            "no_grad()"
        )
    return tensor.node


def _start(tensor: Tensor, gradient: Any, as_tensor: bool = False) -> Any:
    """The gradient at a root."""
    if gradient is None:
        if tensor.size != 1:
            raise RuntimeError(
                f"a gradient starts from one number, and this tensor has shape {tensor.shape}; reduce it first, e.g. "
                "with .sum(), or pass the gradient of your number with respect to it"
            )
        array: NDArray[Any] = np.array(1, tensor.dtype)
        array = array.reshape(tensor.shape) if tensor.ndim else array
    else:
        if isinstance(gradient, Tensor) and as_tensor and gradient.shape == tensor.shape:
            return gradient
        array = as_array(gradient.data if isinstance(gradient, Tensor) else gradient, tensor.dtype)
        if array.shape != tensor.shape:
            raise ValueError(f"a gradient has its tensor's form: expected {tensor.shape}, got {describe(array)}")
    return Tensor(array) if as_tensor else array
