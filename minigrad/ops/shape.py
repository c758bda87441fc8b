"""Operations that only rearrange: the adjoint of each is another of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.dispatch import primitive

Array = NDArray[Any]


def _reshape(x: Array, shape: int | tuple[int, ...]) -> Array:
    """The elements in the same (C) order in another shape; one length may be -1."""
    return x.reshape(shape)


reshape = primitive("reshape", _reshape, lambda g, x_shape: g.reshape(x_shape), numpy=np.reshape)


def _transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    """The axes in another order; reversed if None."""
    return x.transpose(axes)


transpose = primitive(
    "transpose",
    _transpose,
    lambda g, axes: g.transpose(None if axes is None else tuple(np.argsort([i % len(axes) for i in axes]))),
    numpy=np.transpose,
)


def _swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Two axes change places."""
    return x.swapaxes(axis1, axis2)


swapaxes = primitive("swapaxes", _swapaxes, lambda g, axis1, axis2: g.swapaxes(axis1, axis2), numpy=np.swapaxes)


def _moveaxis(x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Axes move to other places, the rest keeps its order."""
    return np.moveaxis(x, source, destination)


moveaxis = primitive(
    "moveaxis", _moveaxis, lambda g, source, destination: moveaxis(g, destination, source), numpy=np.moveaxis
)


def _squeeze(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """Drops axes of length one: the given ones, or all."""
    return x.squeeze(axis)


squeeze = primitive("squeeze", _squeeze, lambda g, x_shape: g.reshape(x_shape), numpy=np.squeeze)


def _expand_dims(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Adds axes of length one, which will stand at the given places."""
    return np.expand_dims(x, axis)


expand_dims = primitive("expand_dims", _expand_dims, lambda g, x_shape: g.reshape(x_shape), numpy=np.expand_dims)


def _concatenate(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Joins arrays along an axis that they have."""
    return np.concatenate(arrays, axis)


def _concatenate_rule(g: Any, arrays_shape: list[tuple[int, ...]], axis: int) -> list[Any]:
    """Each array gets its own stretch of g."""
    parts, start = [], 0
    for shape in arrays_shape:
        stop = start + shape[axis]
        parts.append(g[(slice(None),) * (axis % g.ndim) + (slice(start, stop),)])
        start = stop
    return parts


concatenate = primitive("concatenate", _concatenate, _concatenate_rule, variadic=True, numpy=np.concatenate)


def _stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Joins arrays of one shape along a new axis."""
    return np.stack(arrays, axis)


def _stack_rule(g: Any, axis: int) -> list[Any]:
    front = moveaxis(g, axis, 0)
    return [front[i] for i in range(g.shape[axis])]


stack = primitive("stack", _stack, _stack_rule, variadic=True, numpy=np.stack)
