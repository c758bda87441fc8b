"""Taking elements out of an array, and putting them in: each is the adjoint of the other."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.dispatch import numpy_functions, primitive
from minigrad.engine.primitive import describe
from minigrad.engine.tensor import Tensor, as_array
from minigrad.ops.elementwise import where

Array = NDArray[Any]


def is_basic(index: Any) -> bool:
    """Whether an index takes each element at most once, as integers, slices, `...`, None and truth values do."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (int, np.integer, slice))
        or getattr(part, "dtype", None) == np.bool_
        for part in parts
    )


def _getitem(x: Array, index: Any) -> Array:
    """The elements at an index: basic, integer arrays, truth values, or a mixture, as NumPy does it."""
    return x[index]


def _index_add(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with x added at `index`, once for each time that an element is named there."""
    result = np.zeros(shape, x.dtype)
    if is_basic(index):
        result[index] = x
    elif isinstance(index, np.ndarray) and index.dtype.kind in "iu" and index.size and len(shape) > 1:
        _put_rows(result, index.reshape(-1), np.broadcast_to(x, (*index.shape, *shape[1:])).reshape(-1, *shape[1:]))
    else:
        np.add.at(result, index, x)
    return result


def _put_rows(result: Array, index: Array, rows: Array) -> None:
    """Puts into each row of result the sum of those that have its index: 3 to 5 times as fast as `np.add.at`."""
    index = index % len(result)
    order = index.argsort(kind="stable")
    index = index[order]
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    result[index[starts]] = np.add.reduceat(rows[order], starts, axis=0)


getitem = primitive("getitem", _getitem, lambda g, x_shape, index: index_add(g, index, x_shape))
index_add = primitive("index_add", _index_add, lambda g, index: getitem(g, index))


def _index_put(x: Array, value: Array, index: Any) -> Array:
    """A copy of x with `value` at `index`: what `x[index] = value` means for a tensor with a history."""
    result = x.copy()
    result[index] = value
    return result


def _put_value(g: Any, index: Any) -> Any:
    """g at the index; zero for a value that another, put in the same place later, has overwritten."""
    taken = getitem(g, index)
    if is_basic(index):
        return taken
    order = np.arange(taken.size).reshape(taken.shape)
    last = np.zeros(g.shape, np.intp)
    last[index] = order
    return where(last[index] == order, taken, 0.0)


index_put = primitive(
    "index_put",
    _index_put,
    lambda g, index: index_put(g, np.zeros((), g.dtype), index),
    _put_value,
)


def as_operand(x: Any) -> Any:
    """A tensor or an array as it is; numbers and lists as an array."""
    return x if isinstance(x, Tensor) else as_array(x)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements at integer `indices` along an axis, or (None) of the flattened array, as `numpy.take`."""
    x = as_operand(x)
    if axis is None:
        return getitem(x.reshape(-1), _integers(indices, "take"))
    return getitem(x, (slice(None),) * normalize_axis(axis, x.ndim, "take") + (_integers(indices, "take"),))


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """The elements at `indices`, an array with the axes of x, whose values count along `axis` (None: flattened)."""
    x = as_operand(x)
    if axis is None:
        return take_along_axis(x.reshape(-1), indices, 0)
    return getitem(x, _along_axis(x, indices, axis, "take_along_axis"))


def put(x: Any, indices: Any, values: Any) -> Any:
    """A copy of x with `values` at integer `indices` of its flattened form; `numpy.put` writes them into x itself."""
    x = as_operand(x)
    return index_put(x.reshape(-1), values, _integers(indices, "put")).reshape(x.shape)


def put_along_axis(x: Any, indices: Any, values: Any, axis: int) -> Any:
    """A copy of x with `values` at `indices` along `axis`; where an index comes twice the last value stays."""
    x = as_operand(x)
    return index_put(x, values, _along_axis(x, indices, axis, "put_along_axis"))


def scatter_add(x: Any, indices: Any, values: Any, axis: int) -> Any:
    """x with each of `values` added at its index along `axis`, as often as an index comes.

    `indices` and `values` are of one shape, with the axes of x.
    """
    x = as_operand(x)
    return x + index_add(values, _along_axis(x, indices, axis, "scatter_add"), x.shape)


def normalize_axis(axis: int, ndim: int, name: str) -> int:
    """An axis counted from the front. Raises: IndexError if there is no such axis."""
    if not -ndim <= axis < ndim:
        raise IndexError(f"{name} along axis {axis} of an array with {ndim} axes; expected {-ndim} to {ndim - 1}")
    return axis % ndim


def _integers(indices: Any, name: str) -> Array:
    array = np.asarray(indices.data if isinstance(indices, Tensor) else indices)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} takes integers for indices, got {array.dtype}; convert with .astype(np.int64)")
    return array.astype(np.intp, copy=False)


def _along_axis(x: Any, indices: Any, axis: int, name: str) -> tuple[Array, ...]:
    """The full index that `indices` along one axis stand for: every other axis counts its own places."""
    places = _integers(indices, name)
    if places.ndim != x.ndim:
        raise ValueError(f"{name} takes indices with as many axes as the array: {x.ndim}, got {places.ndim}")
    axis = normalize_axis(axis, x.ndim, name)
    meshes = np.ix_(*map(np.arange, x.shape))
    return tuple([places if i == axis else mesh for i, mesh in enumerate(meshes)])


def _argsort(x: Array, axis: int | None = -1) -> Array:
    """The places of the elements in ascending order along an axis (None: flattened); equal ones in their order."""
    return np.argsort(x, axis=axis, kind="stable")


def _searchsorted(a: Array, v: Array, side: Literal["left", "right"] = "left") -> Any:
    """Where in the ascending vector `a` each of `v` would stand: before ("left") or after ("right") its equals."""
    return np.searchsorted(a, v, side)


argsort = primitive("argsort", _argsort, numpy=np.argsort)
searchsorted = primitive("searchsorted", _searchsorted, numpy=np.searchsorted)


def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements in ascending order along an axis (None: flattened); each keeps its own gradient."""
    return take_along_axis(x, argsort(x, axis), axis)


def topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> tuple[Any, Any]:
    """The k largest elements (or smallest) along an axis, the extreme one first, and their places; as `torch.topk`.

    Raises: ValueError if the axis has fewer than k elements.
    """
    x = as_operand(x)
    length = x.shape[normalize_axis(axis, x.ndim, "topk")]
    if not 0 <= k <= length:
        raise ValueError(f"topk of {describe(x)}: axis {axis} has {length} elements, and k={k} are asked for")
    places = argsort(-x if largest else x, axis).swapaxes(axis, -1)[..., :k].swapaxes(axis, -1)
    return take_along_axis(x, places, axis), places


numpy_functions.update(
    {
        np.take: take,
        np.take_along_axis: take_along_axis,
        np.sort: sort,
    }
)
