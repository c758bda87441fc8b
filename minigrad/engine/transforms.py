"""Functions that make functions: derivatives as in the mathematics, of pure functions of tensors, to any order.

All of them nest. A graph of the derivative is built only where somebody outside could ask for it: where the result
depends on a tensor that requires gradients and is not one of the function's own arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.engine.backward import grad as gradients_of
from minigrad.engine.backward import reachable
from minigrad.engine.mode import enable_grad, is_grad_enabled
from minigrad.engine.tensor import Leaf, Tensor

Numbers = Tensor | ArrayLike
Places = int | Sequence[int]


def value_and_grad(f: Callable[..., Tensor], argnums: Places = 0) -> Callable[..., tuple[Tensor, Any]]:
    """The function that returns f(*args) and the gradient of it with respect to the arguments at `argnums`.

    Args:
        f: a function that returns a tensor of one element.
        argnums: one place, for one gradient, or several, for a tuple of them. Each gradient has its argument's shape.
    """

    def function(*args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        call = _Call(f, args, kwargs, argnums)
        gradients = call.pull(None)
        return call.value, gradients[0] if isinstance(argnums, int) else gradients

    return function


def grad(f: Callable[..., Tensor], argnums: Places = 0) -> Callable[..., Any]:
    """The function that returns the gradient of f with respect to the arguments at `argnums`; see `value_and_grad`."""
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def vjp(f: Callable[..., Tensor], *primals: Numbers) -> tuple[Tensor, Callable[[Numbers], tuple[Tensor, ...]]]:
    """Returns f(*primals) and the function from a vector v, of the result's shape, to vᵀ J for each primal.

    The graph of f is computed once and may be walked for as many vectors as one likes.
    """
    call = _Call(f, primals, {}, range(len(primals)))
    return call.value, call.pull


def jvp(f: Callable[..., Tensor], primals: Sequence[Numbers], tangents: Sequence[Numbers]) -> tuple[Tensor, Tensor]:
    """Returns f(*primals) and J t, its directional derivative along `tangents`, which are shaped as the primals.

    Computed as the derivative of vᵀ J in v, which does not depend on v: two walks back are one forward.

    Raises: TypeError if primals or tangents are no lists, ValueError if they do not pair.
    """
    primals, tangents = _directions(primals, tangents)
    call = _Call(f, primals, {}, range(len(primals)))
    cotangent = Tensor(np.zeros(call.value.shape, call.value.dtype), requires_grad=True)
    pulled = call.pull(cotangent, create_graph=True)
    with enable_grad():
        total = sum((pull * tangent).sum() for pull, tangent in zip(pulled, tangents, strict=True))
    if not isinstance(total, Tensor) or total.node is None:
        return call.value, cotangent.detach() * 0.0
    (tangent,) = gradients_of(total, cotangent, create_graph=call.watched or _leads_outside(total, [cotangent]))
    return call.value, tangent  # type: ignore[return-value]


def jacobian(f: Callable[..., Tensor], argnums: Places = 0) -> Callable[..., Any]:
    """The function that returns the Jacobian of f: the result's shape, followed by that of the argument.

    One walk for each element of the result.
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, argnums)
        shape = call.value.shape
        rows = [call.pull(unit.reshape(shape)) for unit in np.eye(call.value.size, dtype=call.value.dtype)]
        jacobians = tuple(
            _stack([row[i] for row in rows], call.value.dtype, argument.shape).reshape(*shape, *argument.shape)
            for i, argument in enumerate(call.arguments)
        )
        return jacobians[0] if isinstance(argnums, int) else jacobians

    return function


def hessian(f: Callable[..., Tensor], argnums: int = 0) -> Callable[..., Tensor]:
    """The function that returns the matrix of second derivatives of f, of one element, in the argument at `argnums`.

    Its shape is that of the argument twice.
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Tensor], primals: Sequence[Numbers], tangents: Sequence[Numbers]) -> tuple[Tensor, ...]:
    """Returns H t for each primal, H being the Hessian of f, of one element, and `tangents` shaped as the primals.

    Costs a small multiple of f, whatever the size of H (Pearlmutter, 1994).

    Raises: TypeError if primals or tangents are no lists, ValueError if they do not pair.
    """
    primals, tangents = _directions(primals, tangents)

    def slope(*args: Tensor) -> Tensor:
        slopes = grad(f, range(len(args)))(*args)
        return sum((slope * tangent).sum() for slope, tangent in zip(slopes, tangents, strict=True))

    return grad(slope, range(len(primals)))(*primals)


class _Call:
    """A call of a function on arguments that are nodes of their own, so that what it closes over stays apart."""

    def __init__(self, f: Callable[..., Tensor], args: Sequence[Any], kwargs: dict[str, Any], argnums: Places) -> None:
        places = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if not all(-len(args) <= place < len(args) for place in places):
            raise ValueError(f"argnums is {argnums}, and the function was given {len(args)} positional arguments")
        arguments = list(args)
        with enable_grad():
            for place in places:
                given = _tensor(args[place])
                arguments[place] = (
                    Tensor(given.data, requires_grad=True) if given.node is None else given.reshape(given.shape)
                )
            self.arguments = [arguments[place] for place in places]
            result = f(*arguments, **kwargs)
        if not isinstance(result, Tensor):
            raise TypeError(f"the function to differentiate is to return a tensor, got {type(result).__name__}")
        self._result = result
        self.watched = is_grad_enabled() and _leads_outside(result, self.arguments)
        self.value = result if self.watched else result.detach()

    def pull(self, cotangent: Any, create_graph: bool = False) -> tuple[Tensor, ...]:
        """The gradients of the result, weighted with `cotangent`, with respect to the arguments; zeros where none."""
        graph = create_graph or self.watched or (isinstance(cotangent, Tensor) and cotangent.requires_grad)
        if self._result.node is None:
            found: tuple[Tensor | None, ...] = (None,) * len(self.arguments)
        else:
            found = gradients_of(self._result, self.arguments, [cotangent], graph, True, allow_unused=True)
        return tuple(
            Tensor(np.zeros(argument.shape, argument.dtype)) if gradient is None else gradient
            for argument, gradient in zip(self.arguments, found, strict=True)
        )


def _leads_outside(result: Tensor, own: Sequence[Tensor]) -> bool:
    """Whether a result depends on leaves other than these of ours."""
    if result.node is None:
        return False
    nodes = {argument.node for argument in own}
    return any(isinstance(node, Leaf) and node not in nodes for node in reachable([result.node]))


def _directions(primals: Sequence[Numbers], tangents: Sequence[Numbers]) -> tuple[list[Tensor], list[Tensor]]:
    """Primals and tangents as tensors. Raises: TypeError if either is no list, ValueError if they do not pair."""
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"{name} is a list with an entry for each argument, as in [x], got {type(given).__name__}")
    points, directions = list(map(_tensor, primals)), list(map(_tensor, tangents))
    of_points, of_directions = [x.shape for x in points], [t.shape for t in directions]
    if of_points != of_directions:
        raise ValueError(f"expected tangents of the primals' shapes {of_points}, got {of_directions}")
    return points, directions


def _tensor(value: Numbers) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value)


def _stack(rows: list[Tensor], dtype: Any, shape: tuple[int, ...]) -> Tensor:
    stacked: Any = np.stack(rows) if rows else Tensor(np.zeros((0, *shape), dtype))
    return stacked
