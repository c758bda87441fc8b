"""Derivatives of functions: `from minigrad import func`, then `func.grad(f)(x)`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from minigrad.engine.errors import describe
from minigrad.engine.transforms import as_tensor, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from minigrad.names import explained
from minigrad.nests import change, is_nest, leaves, rebuild

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp", "vmap"]


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Map f over an axis of its arguments.

    The returned function applies f to each slice and stacks the results. For example, per-example gradients:

        vmap(grad(loss), in_axes=(None, 0, 0))(parameters, x, y)

    It is a Python loop over the slices, so it is not faster; write code that must be fast for all slices at once.

    Args:
        f: a function of arrays, or nests of them, that returns arrays, or a nest of them.
        in_axes: the axis to map over, for all arguments, or a tuple or list with an entry for each: an axis, None for
            an argument that is not mapped over, or a nest of these like the argument. Keyword arguments are mapped over
            their first axis.
        out_axes: the axis along which results are stacked, or a nest of axes like the result.

    Raises:
        ValueError: if there is no axis to map over, or the lengths differ.
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        axes = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
        if len(axes) != len(args):
            raise ValueError(f"vmap: in_axes has {len(axes)} entries, and the function was given {len(args)} arguments")
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        axis_of: dict[Any, Any] = {**dict(enumerate(axes)), **dict.fromkeys(kwargs, 0)}
        along = _leaf_axes(axis_of, given)
        lengths = {}
        arrays = []
        for (place, leaf), axis in zip(leaves(given), along, strict=True):
            if axis is not None:
                leaf = change(leaf, as_tensor, f"vmap: argument {place}")
                if not -leaf.ndim <= axis < leaf.ndim:
                    raise ValueError(f"vmap: argument {place} is {describe(leaf)}, and has no axis {axis}")
                leaf, axis = np.moveaxis(leaf, axis, 0), 0
                lengths[place] = len(leaf)
            arrays.append((leaf, axis))
        if len(set(lengths.values())) != 1:
            shown = ", ".join(f"{length} in argument {place}" for place, length in lengths.items())
            raise ValueError(f"vmap: expected axes of one length, got {shown or 'none to go along'}")
        results = []
        for i in range(next(iter(lengths.values()))):
            part = rebuild(given, [leaf if axis is None else leaf[i] for leaf, axis in arrays])
            positional = [part.pop(place) for place in range(len(args))]
            results.append(f(*positional, **part))
        if not results:
            raise ValueError("vmap: the axes have length 0, and what the function returns is not known without a call")
        columns = zip(*([leaf for _, leaf in leaves(result)] for result in results), strict=True)
        stacked = [
            column[0] if axis is None else np.stack(list(map(as_tensor, column)), axis)
            for column, axis in zip(columns, _leaf_axes(out_axes, results[0]), strict=True)
        ]
        return rebuild(results[0], stacked)

    return function


def _leaf_axes(axes: Any, tree: Any) -> list[int | None]:
    """Return the axis of each array of a nest; an axis in place of a nest applies to all arrays in it."""
    if axes is None or isinstance(axes, int):
        return [axes for _ in leaves(tree)]
    if isinstance(axes, dict) and isinstance(tree, dict) and axes.keys() == tree.keys():
        return [axis for key in tree for axis in _leaf_axes(axes[key], tree[key])]
    if isinstance(axes, (list, tuple)) and is_nest(tree) and not isinstance(tree, dict) and len(axes) == len(tree):
        return [axis for part, of in zip(axes, tree, strict=True) for axis in _leaf_axes(part, of)]
    raise ValueError(f"vmap: expected an axis, None, or a nest of these like the arguments, got {axes!r}")


for _function in (grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp, vmap):
    _function.__qualname__ = explained(_function.__name__, signature(_function).parameters)  # shown in Python's errors
