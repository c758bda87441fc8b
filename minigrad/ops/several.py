"""Operations with several results, such as decompositions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.apply import numpy_functions, primitive
from minigrad.engine.arrays import asarray
from minigrad.engine.errors import explain
from minigrad.engine.mode import current_mode
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor


def several(
    name: str,
    forward: Callable[[Any], Any],
    *rules: Callable[..., Any] | None,
    numpy: Callable[..., Any] | None = None,
) -> Callable[[Any], Any]:
    """Declare an operation of several results; return its function.

    The function takes an array or a tensor. Each result is a primitive of its own, `<name>.<field>`, with a small node;
    they share the results of a single forward as an attribute. The results of a tensor that needs a gradient are
    read-only, because the rules of each result use the others.

    Args:
        name: the name used in errors.
        forward: a function of one array that returns a NamedTuple of arrays, with this type as its return annotation.
        rules: for each result a function `rule(g, x, results)`, which returns the gradient of x, given the gradient `g`
            of the result; None for a result without a derivative. All of its arguments are differentiable.
        numpy: the NumPy function that this operation replaces on tensors.
    """
    kind = inspect.signature(forward, eval_str=True).return_annotation

    def results(x: Any, shared: Any) -> Any:
        return kind(*[part(x, shared) for part in parts])

    def part_of(field: str, place: int, rule: Callable[..., Any] | None) -> Callable[..., Any]:
        """Return the primitive of one result.

        It takes the result from `shared`, the results of the forward, or computes it if that is None.
        """

        def take(x: Any, shared: Any = None) -> Any:
            return (forward(x) if shared is None else shared)[place]

        take.__module__, take.__doc__ = forward.__module__, forward.__doc__
        own = [] if rule is None else [lambda g, x, shared: rule(g, x, results(x, shared))]
        return primitive(f"{name}.{field}", take, *own)

    whole = Primitive(name, forward, (), residuals=kind._fields[1:])
    parts = [part_of(field, i, rule) for i, (field, rule) in enumerate(zip(kind._fields, rules, strict=True))]

    def apply(x: Any) -> Any:
        values = x.data if isinstance(x, Tensor) else asarray(x)
        try:
            shared = forward(values)
        except (TypeError, ValueError) as error:
            explain(name, {"x": values}, error)
        if isinstance(x, Tensor) and (observer := current_mode().observer) is not None:
            observer.on_forward(whole, None, [x], [values], shared)
        if isinstance(x, Tensor) and x.requires_grad:
            for array in shared:
                if type(array) is np.ndarray:
                    array.flags.writeable = False
        return results(x, shared)

    apply.__name__ = apply.__qualname__ = name
    apply.__module__, apply.__doc__ = forward.__module__, inspect.getdoc(forward)
    apply.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
    if numpy is not None:
        numpy_functions[numpy] = apply
    return apply
