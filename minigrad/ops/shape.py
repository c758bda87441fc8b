"""Operations that rearrange or repeat elements.

The adjoint of each is another operation of this module, or a sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from minigrad.devices import on_cpu
from minigrad.engine.apply import numpy_functions, primitive
from minigrad.engine.errors import describe
from minigrad.ops import indexing

Array = NDArray[Any]


def _reshape(x: Array, shape: int | tuple[int, ...]) -> Array:
    """Reshape in C order; one length may be -1."""
    return x.reshape(shape)


reshape = primitive("reshape", _reshape, lambda g, x_shape: g.reshape(x_shape), numpy=np.reshape)


def _transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    """Permute the axes; reverse them if None."""
    return x.transpose(axes)


transpose = primitive(
    "transpose",
    _transpose,
    lambda g, axes: g.transpose(None if axes is None else tuple(np.argsort([i % len(axes) for i in axes]))),
    numpy=np.transpose,
)


def _swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Swap two axes."""
    return x.swapaxes(axis1, axis2)


swapaxes = primitive("swapaxes", _swapaxes, lambda g, axis1, axis2: g.swapaxes(axis1, axis2), numpy=np.swapaxes)


def _moveaxis(x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Move axes to other positions."""
    return np.moveaxis(x, source, destination)


moveaxis = primitive(
    "moveaxis", _moveaxis, lambda g, source, destination: moveaxis(g, destination, source), numpy=np.moveaxis
)


def _squeeze(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """Remove axes of length one: given ones, or all."""
    return x.squeeze(axis)


squeeze = primitive("squeeze", _squeeze, lambda g, x_shape: g.reshape(x_shape), numpy=np.squeeze)


def _expand_dims(x: Array, axis: int | tuple[int, ...]) -> Array:
    """Add axes of length one at the given positions."""
    return np.expand_dims(x, axis)


expand_dims = primitive("expand_dims", _expand_dims, lambda g, x_shape: g.reshape(x_shape), numpy=np.expand_dims)


def _concatenate(arrays: Sequence[Array], axis: int | None = 0) -> Array:
    """Join arrays along an axis, or (None) flattened."""
    return np.concatenate(arrays, axis)


def _concatenate_rule(g: Any, arrays_shape: list[tuple[int, ...]], axis: int | None) -> list[Any]:
    """Each array's part of g."""
    front = 0 if axis is None else axis % g.ndim
    parts, start = [], 0
    for shape in arrays_shape:
        stop = start + (math.prod(shape) if axis is None else shape[axis])
        part = g[(slice(None),) * front + (slice(start, stop),)]
        parts.append(part.reshape(shape) if axis is None else part)
        start = stop
    return parts


concatenate = primitive("concatenate", _concatenate, _concatenate_rule, variadic=True, numpy=np.concatenate)


def _stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Join arrays of one shape along a new axis."""
    return np.stack(arrays, axis)


def _stack_rule(g: Any, axis: int) -> list[Any]:
    front = moveaxis(g, axis, 0)
    return [front[i] for i in range(g.shape[axis])]


stack = primitive("stack", _stack, _stack_rule, variadic=True, numpy=np.stack)


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Split an array along an axis, as `numpy.split` does.

    Args:
        x: the array.
        indices_or_sections: the number of equal parts, or the start of each part but the first.
        axis: the axis to split.

    Raises:
        ValueError: if the axis cannot be divided into that many equal parts.
    """
    x = indexing.as_operand(x)
    front = (slice(None),) * indexing.normalize_axis(axis, x.ndim, "split")
    length = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        sections = int(indices_or_sections)
        if sections < 1 or length % sections:
            raise ValueError(f"split of {describe(x)}: axis {axis}, of length {length}, is not {sections} equal parts")
        cuts = [length // sections * i for i in range(1, sections)]
    else:
        cuts = list(indices_or_sections)
    slices = map(slice, [0, *cuts], [*cuts, length])
    return [indexing.getitem(x, (*front, part)) for part in slices]


numpy_functions[np.split] = split


def _flip(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """Reverse the elements along axes, as a view."""
    return np.flip(x, axis)


flip = primitive("flip", _flip, lambda g, axis: flip(g, axis), numpy=np.flip)


def _roll(x: Array, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Array:
    """Roll the elements by `shift` along axes, or flattened; the last elements wrap around to the front."""
    return np.roll(x, shift, axis)


roll = primitive("roll", _roll, lambda g, shift, axis: roll(g, np.negative(shift).tolist(), axis), numpy=np.roll)


def _tile(x: Array, reps: int | Sequence[int]) -> Array:
    """Repeat the array `reps` times along each axis."""
    return np.tile(x, reps)


def _tile_rule(g: Any, x_shape: tuple[int, ...], reps: int | Sequence[int]) -> Any:
    times = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    ndim = g.ndim
    lengths = (*[1] * (ndim - len(x_shape)), *x_shape)
    times = (*[1] * (ndim - len(times)), *times)
    pairs = [n for pair in zip(times, lengths, strict=True) for n in pair]
    return g.reshape(tuple(pairs)).sum(axis=tuple(range(0, 2 * ndim, 2))).reshape(x_shape)


tile = primitive("tile", _tile, _tile_rule, numpy=np.tile)


def _repeat(x: Array, repeats: int | Sequence[int] | Array, axis: int | None = None) -> Array:
    """Repeat each element `repeats` times.

    It repeats along an axis, or the flattened array if that is None. Each element may have its own number of repeats.
    """
    if axis is not None and not -x.ndim <= axis < max(x.ndim, 1):
        raise IndexError(f"there is no axis {axis}; np.tile(x, reps) puts copies of the whole beside each other")
    length = x.size if axis is None else (x.shape or (1,))[axis]
    repeats = on_cpu(repeats)
    if np.size(repeats) not in (1, length):
        raise ValueError(
            f"repeats is one number, or one for each of {length} elements, got {np.size(repeats)}; np.tile(x, reps) "
            "puts copies of the whole beside each other"
        )
    return np.repeat(x, repeats if type(x) is np.ndarray else np.asarray(repeats).tolist(), axis)


def _repeat_rule(g: Any, x_shape: tuple[int, ...], repeats: Any, axis: int | None) -> Any:
    if axis is None or not x_shape:
        return _repeat_rule(g, (math.prod(x_shape),), repeats, 0).reshape(x_shape)
    axis = axis % len(x_shape)
    if np.size(repeats) == 1:
        times = g.shape[axis] // max(x_shape[axis], 1)
        return g.reshape((*x_shape[: axis + 1], times, *x_shape[axis + 1 :])).sum(axis=axis + 1)
    sources = indexing.plain(repeat(np.arange(x_shape[axis]), repeats))
    return indexing.index_add(g, (slice(None),) * axis + (sources,), x_shape)


repeat = primitive("repeat", _repeat, _repeat_rule, numpy=np.repeat)

PadMode = Literal["constant", "edge", "reflect", "symmetric", "wrap"]


def _pad(x: Array, pad_width: Any, mode: PadMode = "constant", constant_values: float = 0.0) -> Array:
    """Pad both ends of each axis, as `numpy.pad`.

    `pad_width` is (before, after) for each axis, one such pair, or one number for all. By mode, the new elements are
    `constant_values` ("constant"), the end element ("edge"), x mirrored ("reflect", "symmetric"), or x continued from
    its other end ("wrap").
    """
    if np.shape(pad_width) not in ((), (1,), (2,), (1, 2), (x.ndim, 2)):
        raise ValueError(f"pad_width is a number, a pair, or a pair for each of the {x.ndim} axes, got {pad_width!r}")
    if mode not in get_args(PadMode):
        raise ValueError(f"mode is one of {', '.join(get_args(PadMode))}, got {mode!r}")
    if mode == "constant":
        return np.pad(x, pad_width, constant_values=constant_values)
    return np.pad(x, pad_width, mode)


def _pad_rule(g: Any, x_shape: tuple[int, ...], pad_width: Any, mode: PadMode) -> Any:
    """The gradient of padding, one axis at a time, as corners are mirrored along several axes."""
    widths = np.broadcast_to(pad_width, (len(x_shape), 2)).tolist()
    if mode == "constant":
        return g[tuple([slice(before, before + n) for (before, _), n in zip(widths, x_shape, strict=True)])]
    for axis, (width, n) in enumerate(zip(widths, x_shape, strict=True)):
        sources = np.pad(np.arange(n), width, mode)
        g = indexing.index_add(g, (slice(None),) * axis + (sources,), (*g.shape[:axis], n, *g.shape[axis + 1 :]))
    return g


pad = primitive("pad", _pad, _pad_rule, numpy=np.pad)
