"""Operations of one input and several results, such as the decompositions of a matrix."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.dispatch import numpy_functions, primitive
from minigrad.engine.primitive import explain
from minigrad.engine.tensor import Tensor


def several(
    name: str,
    forward: Callable[[Any], Any],
    *rules: Callable[..., Any] | None,
    numpy: Callable[..., Any] | None = None,
) -> Callable[[Any], Any]:
    """Declares an operation of several results and returns it as a function, of an array or of a tensor.

    Each result is a primitive of its own, `<name>.<field>`, with a small node; what the forward has computed once is
    an attribute that they share. The results of a tensor that needs a gradient are read-only, since the rules of each
    rely on the others.

    Args:
        name: what errors call the operation.
        forward: a function of one array that returns a NamedTuple of arrays, and is annotated so.
        rules: for each result `rule(g, x, results)`, the gradient with respect to x given `g`, that of the result;
            None for a result without derivative. Everything it is given may be differentiated.
        numpy: the function of NumPy that this operation stands for on tensors.
    """
    kind = inspect.signature(forward, eval_str=True).return_annotation

    def results(x: Any, shared: Any) -> Any:
        return kind(*[part(x, shared) for part in parts])

    parts = [
        _part(f"{name}.{field}", forward, place, rule, results)
        for place, (field, rule) in enumerate(zip(kind._fields, rules, strict=True))
    ]

    def apply(x: Any) -> Any:
        values = x.data if isinstance(x, Tensor) else np.asarray(x)
        try:
            shared = forward(values)
        except (TypeError, ValueError) as error:
            explain(name, {"x": values}, error)
        if isinstance(x, Tensor) and x.requires_grad:
            for array in shared:
                array.flags.writeable = False
        return results(x, shared)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = inspect.getdoc(forward)
    apply.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
    if numpy is not None:
        numpy_functions[numpy] = apply
    return apply


def _part(
    name: str,
    forward: Callable[[Any], Any],
    place: int,
    rule: Callable[..., Any] | None,
    results: Callable[[Any, Any], Any],
) -> Callable[..., Any]:
    """The primitive of one result: it takes it from what the forward gave, `shared`, or computes that."""

    def take(x: Any, shared: Any = None) -> Any:
        return (forward(x) if shared is None else shared)[place]

    take.__module__, take.__doc__ = forward.__module__, forward.__doc__
    if rule is None:
        return primitive(name, take)
    return primitive(name, take, lambda g, x, shared: rule(g, x, results(x, shared)))
