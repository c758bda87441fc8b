"""The methods of ufuncs, such as `np.add.reduce`."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce as fold
from typing import Any

import numpy as np

from minigrad.devices import on_cpu
from minigrad.engine.arrays import asarray
from minigrad.ops.compositions import constant, fixed
from minigrad.ops.indexing import as_operand, normalize_axis

Function = Callable[..., Any]

_REDUCTIONS: dict[Any, Function] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
_SCANS: dict[Any, Function] = {np.add: np.cumsum, np.multiply: np.cumprod}


def _expect_binary(ufunc: np.ufunc, method: str) -> None:
    if ufunc.nin != 2 or ufunc.nout != 1 or ufunc.signature is not None:
        raise ValueError(f"np.{ufunc.__name__}.{method}: only ufuncs of two inputs and one result have it")


def _reduce(
    ufunc: np.ufunc,
    operation: Function,
    array: Any,
    axis: Any = 0,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Reduce over an axis, several, or (None) all."""
    _expect_binary(ufunc, "reduce")
    array = as_operand(array)
    if ufunc in _REDUCTIONS:
        given = {"initial": initial, "where": where}
        given = {key: x for key, x in given.items() if x is not None and x is not True}
        return _REDUCTIONS[ufunc](array, axis=axis, keepdims=keepdims, **given)
    if where is not True:
        if ufunc.identity is None and initial is None:
            raise ValueError(f"np.{ufunc.__name__}.reduce takes where= with initial= only: it has no neutral element")
        array = np.where(fixed(where, "a mask"), array, ufunc.identity if ufunc.identity is not None else initial)
    axes = tuple(range(array.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple([normalize_axis(i, array.ndim, f"{ufunc.__name__}.reduce") for i in axes]) if array.ndim else ()
    parts = np.moveaxis(array, axes, range(len(axes)))
    parts = list(parts.reshape((-1, *parts.shape[len(axes) :]))) if 0 not in parts.shape[: len(axes)] else []
    first = ufunc.identity if initial is None else initial
    if not parts and first is None:
        raise ValueError(f"np.{ufunc.__name__}.reduce of nothing has no value; pass initial=")
    if initial is not None or not parts:
        rest = [n for i, n in enumerate(array.shape) if i not in axes]
        parts = [np.broadcast_to(np.asarray(first, array.dtype), rest), *parts]
    result = fold(operation, parts)
    return np.expand_dims(result, axes) if keepdims and axes else result


def _accumulate(ufunc: np.ufunc, operation: Function, array: Any, axis: int = 0) -> Any:
    """Accumulate the results along an axis."""
    _expect_binary(ufunc, "accumulate")
    array = as_operand(array)
    axis = normalize_axis(axis, array.ndim, f"{ufunc.__name__}.accumulate")
    if ufunc in _SCANS or not array.shape[axis]:
        return _SCANS.get(ufunc, np.cumsum)(array, axis=axis)
    results: list[Any] = []
    for part in np.moveaxis(array, axis, 0):
        results.append(operation(results[-1], part) if results else part)
    return np.stack(results, axis)


def _reduceat(ufunc: np.ufunc, operation: Function, array: Any, indices: Any, axis: int = 0) -> Any:
    """Reduce the slices between consecutive indices along an axis."""
    _expect_binary(ufunc, "reduceat")
    front = np.moveaxis(as_operand(array), axis, 0)
    starts = on_cpu(asarray(constant(indices, "the places of reduceat"))).tolist()
    stops = [stop if stop > start else start + 1 for start, stop in zip(starts, [*starts[1:], len(front)], strict=True)]
    parts = [_reduce(ufunc, operation, front[a:b]) for a, b in zip(starts, stops, strict=True)]
    return np.stack(parts, axis)


def _outer(ufunc: np.ufunc, operation: Function, x: Any, y: Any) -> Any:
    """Combine each element of x with each of y."""
    _expect_binary(ufunc, "outer")
    x, y = as_operand(x), as_operand(y)
    return operation(x.reshape(x.shape + (1,) * y.ndim), y)


def _at(ufunc: np.ufunc, operation: Function, x: Any, indices: Any, *others: Any) -> None:
    """Apply the operation in place at indices, counting repeats."""
    indices = constant(indices, f"the places of {ufunc.__name__}.at")
    if not hasattr(x, "requires_grad"):
        raise TypeError(f"np.{ufunc.__name__}.at: an array cannot hold what tensors give; make it a Tensor first")
    places = np.arange(x.size).reshape(x.shape)[indices]
    others = tuple([np.broadcast_to(other, places.shape).reshape(-1) for other in others])
    places = places.reshape(-1)
    order = places.argsort(kind="stable")
    ranked = places[order]
    turn = np.empty(places.size, np.intp)  # how often the index occurred before
    turn[order] = np.arange(places.size) - np.searchsorted(ranked, ranked)
    for time in range(turn.max(initial=-1) + 1):
        now = np.flatnonzero(turn == time)
        index = np.unravel_index(places[now], x.shape)
        x[index] = operation(x[index], *[other[now] for other in others])


METHODS: dict[str, Function] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "outer": _outer,
    "at": _at,
}
