"""Checks of parameter lists."""

from __future__ import annotations

from typing import Any

from minigrad.engine import Tensor
from minigrad.engine.graph import Leaf


def listed(params: Any, taker: str) -> list[Any]:
    """Return the items of an iterable, such as a generator.

    Args:
        params: the iterable.
        taker: the name of the class that takes the parameters, for the error message.

    Raises:
        TypeError: for a module, for its method `parameters` itself, for a dict, and for anything not iterable.
    """
    if hasattr(params, "parameters"):
        raise TypeError(f"{taker} takes the parameters of a module; pass module.parameters()")
    if callable(params):
        raise TypeError(f"{taker} takes parameters, got the function that lists them; call it: module.parameters()")
    if isinstance(params, dict):
        raise TypeError(f"{taker} takes a list of parameters, got a dict; pass module.parameters(), or its values")
    try:
        return list(params)
    except TypeError:
        raise TypeError(f"{taker} takes a list of parameters, such as module.parameters(), got {params!r}") from None


def gradient_of(parameter: Tensor) -> Any:
    """Return a parameter's gradient: an array, a `RowGradient`, or None.

    Unlike `.grad`, it does not convert a `RowGradient` to an array.
    """
    return parameter.node.grad if isinstance(parameter.node, Leaf) else None
