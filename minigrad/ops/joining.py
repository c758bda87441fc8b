"""NumPy's functions that join, split and insert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from minigrad.devices import on_cpu
from minigrad.engine.errors import describe
from minigrad.ops.compositions import constant, implements, np, operands, values
from minigrad.ops.indexing import along_axis, as_operand, normalize_axis

# Axes.


def _each(results: list[Any]) -> Any:
    return results[0] if len(results) == 1 else tuple(results)


def _at_least(x: Any, ndim: int) -> Any:
    """x with leading axes of length one."""
    x = as_operand(x)
    return x if x.ndim >= ndim else x.reshape((1,) * (ndim - x.ndim) + x.shape)


@implements("atleast_1d")
def atleast_1d(*arys: Any) -> Any:
    """Each array with at least one axis."""
    return _each([_at_least(x, 1) for x in arys])


@implements("atleast_2d")
def atleast_2d(*arys: Any) -> Any:
    """Each array with at least two axes, new ones leading."""
    return _each([_at_least(x, 2) for x in arys])


@implements("atleast_3d")
def atleast_3d(*arys: Any) -> Any:
    """Each array with at least three axes.

    A vector becomes (1, n, 1), a matrix (m, n, 1).
    """
    return _each([x if x.ndim > 2 else _at_least(x, 2)[..., None] for x in map(as_operand, arys)])


@implements("broadcast_arrays")
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """The arrays, broadcast to their common shape."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple([np.broadcast_to(x, shape) for x in args])


@implements("meshgrid")
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: Literal["xy", "ij"] = "xy"
) -> tuple[Any, ...]:
    """Coordinate arrays of a grid from vectors of coordinates."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    order = [1, 0, *range(2, len(xi))] if indexing == "xy" and len(xi) > 1 else range(len(xi))
    grid = [
        as_operand(x).reshape([-1 if i == axis else 1 for i in range(len(xi))])
        for x, axis in zip(xi, order, strict=True)
    ]
    return tuple(grid) if sparse else broadcast_arrays(*grid)


@implements("rollaxis")
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """The array with an axis moved before position `start`."""
    axis = normalize_axis(axis, a.ndim, "rollaxis")
    start += a.ndim * (start < 0)
    if not 0 <= start <= a.ndim:
        raise IndexError(f"rollaxis of {describe(a)}: start is {-a.ndim} to {a.ndim}, got {start}")
    return np.moveaxis(a, axis, start - (axis < start))


# Joining.


@implements("hstack")
def hstack(tup: Sequence[Any]) -> Any:
    """Arrays joined along the second axis; vectors, the first."""
    arrays = [_at_least(x, 1) for x in tup]
    return np.concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1)


@implements("vstack", "row_stack")
def vstack(tup: Sequence[Any]) -> Any:
    """Arrays joined along their first axis, vectors as rows."""
    return np.concatenate([_at_least(x, 2) for x in tup])


@implements("dstack")
def dstack(tup: Sequence[Any]) -> Any:
    """Arrays joined along their third axis."""
    return np.concatenate([atleast_3d(x) for x in tup], 2)


@implements("column_stack")
def column_stack(tup: Sequence[Any]) -> Any:
    """Join vectors, as columns, and matrices along the second axis."""
    return np.concatenate([x if x.ndim > 1 else _at_least(x, 2).T for x in map(as_operand, tup)], 1)


@implements("block")
def block(arrays: Any) -> Any:
    """One array from nested lists of blocks.

    The innermost lists are joined along the last axis, the next ones along the axis before it, and so on.
    """

    def depth_of(part: Any) -> int:
        return 1 + max(map(depth_of, part), default=0) if isinstance(part, list) else 0

    def rank_of(part: Any) -> int:
        return max(map(rank_of, part), default=0) if isinstance(part, list) else np.ndim(part)

    depth = depth_of(arrays)
    rank = max(depth, rank_of(arrays))

    def joined(part: Any, level: int) -> Any:
        if isinstance(part, list) != (level < depth) or (isinstance(part, list) and not part):
            raise ValueError(f"block: lists are nested to one depth, {depth}, and not empty")
        if level == depth:
            return _at_least(part, rank)
        return np.concatenate([joined(each, level + 1) for each in part], level - depth)

    return joined(arrays, 0)


@implements("append")
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Append values along an axis, or (None) flattened."""
    return np.concatenate(operands(arr, values), axis)


@implements("insert")
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Insert values before the indices `obj` along an axis.

    If the axis is None, the array is flattened first.
    """
    (arr, values), obj = operands(arr, values), on_cpu(constant(obj, "the places of insert"))
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    axis = normalize_axis(axis, arr.ndim, "insert")
    n = arr.shape[axis]
    places = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    places = np.flatnonzero(places) if places.dtype == bool else places.astype(np.intp, copy=False)
    count = places.size
    if count == 1:
        values = _at_least(values, arr.ndim)
        values = np.moveaxis(values, 0, axis) if places.ndim == 0 else values
        count = values.shape[axis]
    new = np.broadcast_to(values, (*arr.shape[:axis], count, *arr.shape[axis + 1 :]))
    order = np.insert(np.arange(n), places, np.arange(n, n + count))
    return np.take(np.concatenate([arr, new.astype(arr.dtype)], axis), order, axis)


@implements("delete")
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """Delete the indices `obj` along an axis.

    If the axis is None, the array is flattened first.
    """
    arr, obj = as_operand(arr), on_cpu(constant(obj, "the places of delete"))
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    length = arr.shape[normalize_axis(axis, arr.ndim, "delete")]
    return np.take(arr, np.delete(np.arange(length), obj), axis)


@implements("resize")
def resize(a: Any, new_shape: int | Sequence[int]) -> Any:
    """Repeat the elements until they fill another shape."""
    count = int(np.prod(new_shape))
    if not a.size:
        return np.broadcast_to(a.sum(), new_shape)
    return a.reshape(-1)[np.arange(count) % a.size].reshape(new_shape)


@implements("diagflat")
def diagflat(v: Any, k: int = 0) -> Any:
    """A matrix with the flattened elements on its k-th diagonal."""
    return np.diag(v.reshape(-1), k)


# Splitting.


@implements("array_split")
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Split along an axis, into nearly equal parts if counted."""
    if isinstance(indices_or_sections, (int, np.integer)):
        places = np.arange(as_operand(ary).shape[axis])
        lengths = [len(part) for part in np.array_split(places, indices_or_sections)]
        indices_or_sections = np.cumsum(lengths)[:-1].tolist()
    return np.split(ary, indices_or_sections, axis)


@implements("hsplit")
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Split along the second axis; vectors along the first."""
    return _split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0, "hsplit")


@implements("vsplit")
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Split along the first axis of two or more."""
    return _split(ary, indices_or_sections, 0, "vsplit", 2)


@implements("dsplit")
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Split along the third axis."""
    return _split(ary, indices_or_sections, 2, "dsplit", 3)


def _split(ary: Any, cuts: Any, axis: int, name: str, least: int = 1) -> list[Any]:
    if ary.ndim < least:
        raise ValueError(f"{name} of {describe(ary)}: expected an array of {least} or more axes")
    return np.split(ary, cuts, axis)


@implements("unstack")
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices of an array along an axis."""
    return tuple(np.moveaxis(x, axis, 0))


@implements("trim_zeros")
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Trim zeros at the front ("f") and back ("b")."""
    filt = as_operand(filt)
    axes = (
        range(filt.ndim) if axis is None else [normalize_axis(i, filt.ndim, "trim_zeros") for i in np.atleast_1d(axis)]
    )
    kept, trim = np.argwhere(values(filt)), trim.lower()
    index = [slice(None)] * filt.ndim
    for i in axes:
        first, last = (kept[:, i].min(), kept[:, i].max()) if len(kept) else (filt.shape[i], -1)
        index[i] = slice(first if "f" in trim else 0, last + 1 if "b" in trim else None)
    return filt[tuple(index)]


# In-place writes. If a derivative is recorded, the tensor becomes the result, as after `a[index] = v`.


@implements("put")
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Write values into the flattened array at integer indices."""
    places = np.arange(a.size).take(on_cpu(constant(ind, "the places of put")), mode=mode)
    a[np.unravel_index(places, a.shape)] = _cycle(v, places.size).reshape(places.shape)


@implements("put_along_axis")
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    """Write values at `indices` along an axis.

    `indices` has as many axes as the array.
    """
    if axis is None:
        arr[np.unravel_index(constant(indices, "the places of put_along_axis"), arr.shape)] = values
    else:
        arr[along_axis(arr, indices, axis, "put_along_axis")] = values


@implements("putmask")
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """Write values at the same places as a mask, repeated."""
    mask = np.broadcast_to(constant(mask, "the mask of putmask"), a.shape)
    a[mask] = _cycle(values, a.size).reshape(a.shape)[mask]


@implements("place")
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Write successive values where a mask is true."""
    mask = np.asarray(constant(mask, "the mask of place")).astype(bool).reshape(arr.shape)
    arr[mask] = _cycle(vals, int(mask.sum()))


@implements("copyto")
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """Write one array into another, where a mask allows it."""
    mask = np.broadcast_to(constant(where, "the mask of copyto"), dst.shape)
    dst[mask] = np.broadcast_to(src, dst.shape)[mask]


@implements("fill_diagonal")
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Write a value into the main diagonal.

    The array is a matrix, or all of its axes are equally long. `wrap` continues the diagonal of a tall matrix in
    the first column again.
    """
    if a.ndim < 2:
        raise ValueError(f"fill_diagonal of {describe(a)}: expected an array of two or more axes")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError(f"fill_diagonal of {describe(a)}: the axes of more than two have to be equally long")
    marked = np.zeros(a.shape, bool)
    np.fill_diagonal(marked, True, wrap)
    a[marked] = _cycle(val, int(marked.sum()))


def _cycle(x: Any, count: int) -> Any:
    """The flattened array, repeated to `count` elements."""
    flat = as_operand(x).reshape(-1)
    return flat[np.arange(count) % max(flat.size, 1)]
