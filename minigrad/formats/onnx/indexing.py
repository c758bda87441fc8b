"""ONNX converters of reading and writing at an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.formats.onnx.call import Call, Converter
from minigrad.formats.onnx.recording import Value
from minigrad.formats.onnx.shapes import END

_WHOLE = slice(None)


def _is_array(part: Any) -> bool:
    return isinstance(part, (Value, np.ndarray, list))


def _parts(index: Any, ndim: int) -> list[Any]:
    """Return an index as a list with an entry for each axis, and None for each new axis."""
    parts: list[Any] = list(index) if isinstance(index, tuple) else [index]
    parts = [np.array(part) if isinstance(part, list) else part for part in parts]
    used = 0
    for part in parts:
        if part is not None and part is not Ellipsis:
            used += len(part.shape) if _is_array(part) and part.dtype == bool else 1
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return [*parts[:at], *[_WHOLE] * (ndim - used), *parts[at + 1 :]]


def _without_masks(c: Call, parts: list[Any]) -> list[Any]:
    """Return the entries with constant masks replaced by integer indices."""
    plain: list[Any] = []
    for part in parts:
        if not _is_array(part) or part.dtype != bool:
            plain.append(part)
        elif isinstance(part, Value):
            c.refuse("the size of x[mask] depends on values: keep the shape, for example by where(mask, x, 0)")
        else:
            plain.extend(np.nonzero(part))
    return plain


def _getitem(c: Call) -> str:
    each = [_without_masks(c, _parts(index, len(shape))) for index, shape in zip(c.values(1), c.shapes(0), strict=True)]
    advanced = any(_is_array(part) for part in each[0])
    x = _basic(c, c[0], each, c.shapes(0), advanced)
    if not advanced:
        return x
    # arrays are indices, and so are integers if there are arrays
    places = [i for i, part in enumerate(each[0]) if _is_array(part) or isinstance(part, (int, np.integer))]
    arrays = [[parts[i] for parts in each] for i in places]
    ndim = len(each[0])
    if len(places) == 1:
        return str(c.op("Gather", x, _places(c, arrays[0]), axis=places[0]))
    rest = [i for i in range(ndim) if i not in places]
    front = c.op("Transpose", x, perm=[*places, *rest]) if places != list(range(len(places))) else x
    taken = c.op("GatherND", front, _coordinates(c, arrays))
    if places[-1] - places[0] != len(places) - 1 or not places[0]:
        return str(taken)
    count = len(_broadcast(arrays))  # adjacent indices keep their position
    axes = [*range(count, count + places[0]), *range(count), *range(count + places[0], count + len(rest))]
    return str(c.op("Transpose", taken, perm=axes))


def _broadcast(arrays: Sequence[Sequence[Any]]) -> tuple[int, ...]:
    """Return the broadcast shape of integer indices."""
    return np.broadcast_shapes(*(values[0].shape if _is_array(values[0]) else () for values in arrays))


def _places(c: Call, values: Sequence[Any]) -> str:
    """Return the name of indices along one axis, in int64."""
    name = c.graph.name(values, np.int64)
    return name if not _is_array(values[0]) or values[0].dtype == np.int64 else c.graph.cast(name, np.int64)


def _coordinates(c: Call, arrays: Sequence[Sequence[Any]]) -> str:
    """Return the name of broadcast indices along several axes, as one array whose last axis lists the axes."""
    ndim = len(_broadcast(arrays))
    names = []
    for values in arrays:
        name = _places(c, values)
        if all(isinstance(value, (int, np.integer)) for value in values):
            name = c.op("Reshape", name, c.ints(*[1] * ndim))
        names.append(name)
    total = names[0]
    for name in names[1:]:
        total = c.op("Add", total, c.op("Mul", name, c.ints(0)))
    shape = c.op("Shape", total)
    return str(c.op("Concat", *(c.op("Unsqueeze", c.op("Expand", n, shape), c.ints(-1)) for n in names), axis=-1))


def _basic(c: Call, x: str, each: Sequence[list[Any]], shapes: Sequence[tuple[int, ...]], advanced: bool) -> str:
    """Add slices and new axes, and integers unless there are arrays, which turn integers into indices."""
    axes: list[int] = []
    starts: list[list[int]] = [[] for _ in each]
    stops: list[list[int]] = [[] for _ in each]
    steps: list[list[int]] = [[] for _ in each]
    dropped: list[int] = []
    added: list[int] = []
    axis = 0
    for at, parts in enumerate(zip(*each, strict=True)):
        if parts[0] is None:
            added.append(at - (0 if advanced else len(dropped)))
            continue
        is_place = not isinstance(parts[0], slice)
        if (not is_place and any(part != _WHOLE for part in parts)) or (is_place and not advanced):
            axes.append(axis)
            for k, (part, shape) in enumerate(zip(parts, shapes, strict=True)):
                start, stop, step = (
                    (int(part), END if part == -1 else int(part) + 1, 1) if is_place else _bounds(part, shape[axis])
                )
                starts[k].append(start)
                stops[k].append(stop)
                steps[k].append(step)
            if is_place:
                dropped.append(axis)
        axis += 1
    if axes:
        x = c.op("Slice", x, c.graph.lengths(starts), c.graph.lengths(stops), c.ints(*axes), c.graph.lengths(steps))
    if dropped:
        x = c.op("Squeeze", x, c.ints(*dropped))
    return c.op("Unsqueeze", x, c.ints(*added)) if added else x


def _bounds(part: slice, length: int) -> tuple[int, int, int]:
    """Return start, stop and step for ONNX: negative numbers count from the end, a huge number is no limit."""
    step = 1 if part.step is None else int(part.step)
    start = (0 if step > 0 else END) if part.start is None else int(part.start)
    stop = (END if step > 0 else -END) if part.stop is None else int(part.stop)
    return start, stop, step


def _put(c: Call, target: str, shapes: Sequence[tuple[int, ...]], index: int, value: str, reduction: str) -> str:
    """Write or add `value` at an index of a named array."""
    each = [_without_masks(c, _parts(given, len(shapes[0]))) for given in c.values(index)]
    if len(set(shapes)) == 1 and not any(isinstance(part, Value) for parts in each for part in parts):
        return _put_constant(c, target, shapes[0], tuple(each[0]), value, reduction)
    places = [i for i, part in enumerate(each[0]) if _is_array(part) or isinstance(part, (int, np.integer))]
    if any(part is None or (isinstance(part, slice) and part != _WHOLE) for part in each[0]):
        c.refuse("it writes to slices or new axes of arrays of any length")
    rest = [i for i in range(len(each[0])) if i not in places]
    arrays = [[parts[i] for parts in each] for i in places]
    coordinates, k, count = _coordinates(c, arrays), len(places), len(_broadcast(arrays))
    front = c.op("Transpose", target, perm=[*places, *rest])
    before = places[0] if places[-1] - places[0] == k - 1 else 0  # the axes of a value before those of the indices
    shape = c.op(
        "Concat",
        c.op("Shape", front, start=k, end=k + before),
        c.op("Shape", coordinates, end=-1),
        c.op("Shape", front, start=k + before),
        axis=0,
    )
    order = [*range(before, before + count), *range(before), *range(before + count, count + len(rest))]
    updates = c.op("Expand", value, shape)
    updates = c.op("Transpose", updates, perm=order) if order else updates
    written = c.op("ScatterND", front, coordinates, updates, reduction=reduction)
    return str(c.op("Transpose", written, perm=[int(i) for i in np.argsort([*places, *rest])]))


def _put_constant(
    c: Call, target: str, shape: tuple[int, ...], index: tuple[Any, ...], value: str, reduction: str
) -> str:
    """Do as `_put` for a constant index into an array of fixed shape, by indices into the flattened array."""
    places = np.arange(np.prod(shape, dtype=int)).reshape(shape)[index]
    flat = c.op("Reshape", c.op("Expand", value, c.ints(*places.shape)), c.ints(-1))
    coordinates = c.graph.constant(places.reshape(-1, 1), np.int64)
    written = c.op("ScatterND", c.op("Reshape", target, c.ints(-1)), coordinates, flat, reduction=reduction)
    return c.reshape(written)


def _index_add(c: Call) -> str:
    zeros = c.op("Expand", c.number(0), c.graph.lengths(c.values(2)))
    return _put(c, zeros, c.result_shapes, 1, c.cast(0, c.dtype), "add")


def _index_put(c: Call) -> str:
    return _put(c, c.cast(0, c.dtype), c.shapes(0), 2, c.cast(1, c.dtype), "none")


CONVERTERS: dict[str, Converter] = {"getitem": _getitem, "index_add": _index_add, "index_put": _index_put}
"""The converters by operation."""
