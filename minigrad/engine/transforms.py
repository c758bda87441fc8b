"""Function transforms: derivatives of pure functions, to any order.

All of them nest. A graph of the derivative is built only where the result could be differentiated from outside: where
it depends on a tensor that requires gradients and is not one of the function's own arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from minigrad.engine.backward import grad as gradients_of
from minigrad.engine.graph import Leaf, reachable
from minigrad.engine.mode import enable_grad, is_grad_enabled
from minigrad.engine.tensor import Tensor
from minigrad.nests import change, describe, leaves, matching, rebuild

Nest = Any
Places = int | Sequence[int]


def value_and_grad(f: Callable[..., Tensor], argnums: Places = 0) -> Callable[..., tuple[Tensor, Any]]:
    """Return a function that returns f(*args) and its gradient.

    Args:
        f: a function that returns a one-element tensor. Its arguments are arrays, or nests of arrays: dicts, lists,
            tuples and named tuples, to any depth.
        argnums: the position of the argument to differentiate with respect to, or several for a tuple of gradients.
            Each gradient is a nest like its argument, with arrays of the same shapes.
    """

    def function(*args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        call = _Call(f, args, kwargs, argnums)
        if not isinstance(call.value, Tensor):
            raise TypeError(f"the function to differentiate is to return a tensor, got {type(call.value).__name__}")
        gradients = call.pull(None)
        return call.value, gradients[0] if isinstance(argnums, int) else gradients

    return function


def grad(f: Callable[..., Tensor], argnums: Places = 0) -> Callable[..., Any]:
    """Return a function that returns the gradient of f.

    See `value_and_grad`.
    """
    both = value_and_grad(f, argnums)
    return wraps(f, updated=())(lambda *args, **kwargs: both(*args, **kwargs)[1])


def vjp(f: Callable[..., Nest], *primals: Nest) -> tuple[Nest, Callable[[Nest], tuple[Nest, ...]]]:
    """Return f(*primals) and its vector-Jacobian product function.

    The function maps v, a nest like the result, to vᵀ J for each primal. The graph of f is computed once, and can be
    walked for any number of vectors.
    """
    call = _Call(f, primals, {}, range(len(primals)))
    return call.value, lambda cotangent: call.pull(matching(call.value, cotangent, "the vector"))


def jvp(f: Callable[..., Nest], primals: Sequence[Nest], tangents: Sequence[Nest]) -> tuple[Nest, Nest]:
    """Return f(*primals) and J t, its directional derivative.

    J t is computed by two reverse passes, as the derivative of vᵀ J t with respect to v, which does not depend on v.

    Args:
        f: a function of nests that returns a nest.
        primals: the list of its arguments.
        tangents: the direction t, a list of nests with the shapes of the primals.

    Raises:
        TypeError: if primals or tangents are not lists.
        ValueError: if their structures or shapes differ.
    """
    primals, directions = _directions(primals, tangents)
    call = _Call(f, primals, {}, range(len(primals)))
    cotangents = [Tensor(np.zeros(x.shape, x.dtype), requires_grad=True) for x in call.results]
    pulled = _arrays(call.pull(cotangents, create_graph=True))
    with enable_grad():
        total = sum((pull * tangent).sum() for pull, tangent in zip(pulled, directions, strict=True))
    found: Sequence[Tensor | None] = [None] * len(cotangents)
    if isinstance(total, Tensor) and total.node is not None:
        graph = call.watched or _leads_outside(total, cotangents)
        found = gradients_of(total, cotangents, create_graph=graph, allow_unused=True)
    slopes = [_zeros(x) if slope is None else slope for x, slope in zip(cotangents, found, strict=True)]
    return call.value, rebuild(call.value, slopes)


def jacobian(f: Callable[..., Nest], argnums: Places = 0) -> Callable[..., Any]:
    """Return a function that returns the Jacobian of f.

    Its shape is the result's shape followed by the argument's shape. For nests it is a nest like the result, with a
    nest like the argument in place of each array. It takes one backward pass per element of the result.
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, argnums)
        jacobians = []
        for place, result in enumerate(call.results):
            units = np.eye(result.size, dtype=result.dtype).reshape((result.size, *result.shape))
            rows = [_arrays(call.pull([unit], only=place)) for unit in units]
            parts = [
                _stack([row[i] for row in rows], result.dtype, x.shape).reshape(*result.shape, *x.shape)
                for i, x in enumerate(call.leaves)
            ]
            of_arguments = call.for_arguments(parts)
            jacobians.append(of_arguments[0] if isinstance(argnums, int) else of_arguments)
        return rebuild(call.value, jacobians)

    return function


def hessian(f: Callable[..., Tensor], argnums: int = 0) -> Callable[..., Any]:
    """Return a function that returns the Hessian of f.

    f returns one element; the Hessian is with respect to the argument at `argnums`. Its shape is the argument's shape
    twice. For a nest it is a nest of nests: `hessian(f)(x)["w"]["b"]`.
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Tensor], primals: Sequence[Nest], tangents: Sequence[Nest]) -> tuple[Nest, ...]:
    """Return the Hessian-vector product H t for each primal.

    It costs a small multiple of f, whatever the size of H (Pearlmutter, 1994).

    Args:
        f: a function of nests that returns one element.
        primals: the list of its arguments.
        tangents: the direction t, a list of nests with the shapes of the primals.

    Raises:
        TypeError: if primals or tangents are not lists.
        ValueError: if their structures or shapes differ.
    """
    primals, directions = _directions(primals, tangents)

    def slope(*args: Nest) -> Tensor:
        slopes = _arrays(grad(f, range(len(args)))(*args))
        return sum((slope * tangent).sum() for slope, tangent in zip(slopes, directions, strict=True))

    return grad(slope, range(len(primals)))(*primals)


class _Call:
    """A call of a function, with new nodes for its arguments.

    The new nodes keep the arguments apart from the tensors that the function closes over.

    Attributes:
        leaves: the arrays of the arguments to differentiate with respect to.
        results: the arrays of the result.
        value: the result; of constants unless `watched`.
        watched: whether the result could be differentiated from outside.
    """

    def __init__(self, f: Callable[..., Nest], args: Sequence[Any], kwargs: dict[str, Any], argnums: Places) -> None:
        places = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if not all(-len(args) <= place < len(args) for place in places):
            raise ValueError(f"argnums is {argnums}, and the function was given {len(args)} positional arguments")
        arguments = list(args)
        with enable_grad():
            for place in places:
                arguments[place] = change(args[place], _own, f"argument {place} of {getattr(f, '__name__', f)}")
            self._arguments = [arguments[place] for place in places]
            result = f(*arguments, **kwargs)
        self.leaves, self.results = _arrays(self._arguments), _arrays(result)
        for each in self.results:
            if not isinstance(each, Tensor):
                raise TypeError(f"the function to differentiate is to return a tensor, got {type(each).__name__}")
        self.watched = is_grad_enabled() and any(_leads_outside(each, self.leaves) for each in self.results)
        self.value = result if self.watched else rebuild(result, [each.detach() for each in self.results])

    def pull(self, cotangents: Any, create_graph: bool = False, only: int | None = None) -> tuple[Nest, ...]:
        """Return the gradients with respect to the arguments; zeros where there are none.

        Args:
            cotangents: one for each result; None means 1, for a single one-element result.
            create_graph: whether the gradients can be differentiated again.
            only: the index of the only result that `cotangents` belongs to.
        """
        roots = self.results if only is None else [self.results[only]]
        given = [None] * len(roots) if cotangents is None else list(cotangents)
        tracked = [(root, weight) for root, weight in zip(roots, given, strict=True) if root.node is not None]
        graph = create_graph or self.watched or any(isinstance(x, Tensor) and x.requires_grad for x in given)
        found: Sequence[Tensor | None] = [None] * len(self.leaves)
        if tracked and self.leaves:
            outputs, weights = zip(*tracked, strict=True)
            found = gradients_of(outputs, self.leaves, weights, graph, True, allow_unused=True)
        return self.for_arguments([_zeros(x) if g is None else g for x, g in zip(self.leaves, found, strict=True)])

    def for_arguments(self, values: Sequence[Any]) -> tuple[Nest, ...]:
        """Return values for the leaves as nests like the arguments."""
        return tuple(rebuild(self._arguments, values))


def _own(value: Any) -> Tensor:
    """Return a copy with a node of its own."""
    given = as_tensor(value)
    return Tensor(given.data, requires_grad=True) if given.node is None else given.reshape(given.shape)


def _arrays(tree: Nest) -> list[Any]:
    return [leaf for _, leaf in leaves(tree)]


def _zeros(x: Tensor) -> Tensor:
    return Tensor(np.zeros(x.shape, x.dtype))


def _leads_outside(result: Tensor, own: Sequence[Tensor]) -> bool:
    """Whether a result depends on leaves other than these."""
    if result.node is None:
        return False
    nodes = {argument.node for argument in own}
    return any(isinstance(node, Leaf) and node not in nodes for node in reachable([result.node]))


def _directions(primals: Sequence[Nest], tangents: Sequence[Nest]) -> tuple[list[Nest], list[Tensor]]:
    """Return primals as nests of tensors, and the arrays of tangents.

    Raises:
        TypeError: if either is not a list.
        ValueError: if their structures or shapes differ.
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"{name} is a list with an entry for each argument, as in [x], got {type(given).__name__}")
    if len(primals) != len(tangents):
        raise ValueError(f"expected tangents of the primals' shapes {describe(primals)}, got {describe(tangents)}")
    points: list[Nest] = []
    directions: list[Tensor] = []
    for primal, tangent in zip(primals, tangents, strict=True):
        points.append(change(primal, as_tensor, f"primals[{len(points)}]"))
        directions += change(matching(points[-1], tangent, "tangents"), as_tensor, "tangents")
    of_points, of_directions = [x.shape for x in _arrays(points)], [t.shape for t in directions]
    if of_points != of_directions:
        raise ValueError(f"expected tangents of the primals' shapes {of_points}, got {of_directions}")
    return points, directions


def as_tensor(value: Any) -> Tensor:
    """Return the tensor itself, or another value as a constant."""
    return value if isinstance(value, Tensor) else Tensor(value)


def _stack(rows: list[Tensor], dtype: Any, shape: tuple[int, ...]) -> Tensor:
    return np.stack(rows) if rows else Tensor(np.zeros((0, *shape), dtype))  # type: ignore[return-value]
