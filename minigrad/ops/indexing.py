"""Indexing and its adjoint, scatter-add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.apply import numpy_functions, primitive
from minigrad.engine.arrays import as_array, asarray, like_of
from minigrad.engine.broadcast import cast
from minigrad.engine.errors import describe
from minigrad.engine.graph import Leaf
from minigrad.engine.tensor import Tensor
from minigrad.ops.elementwise import where
from minigrad.ops.row_gradient import RowGradient, is_worth_it, summed

Array = NDArray[Any]


def is_basic(index: Any) -> bool:
    """Whether an index takes each element at most once.

    Integers, slices, `...`, None and booleans do; integer arrays may not.
    """
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (int, np.integer, slice))
        or getattr(part, "dtype", None) == np.bool_
        for part in parts
    )


def plain(index: Any) -> Any:
    """Return an index with arrays in place of tensors."""
    if isinstance(index, tuple):
        return tuple([plain(part) for part in index])
    return index.data if isinstance(index, Tensor) else index


def _getitem(x: Array, index: Any) -> Array:
    """The elements at an index, as in NumPy: basic, integer arrays, booleans, or a mixture."""
    return x[index]


def _index_add(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Add x at `index` to zeros of `shape`; repeated indices add up."""
    result = np.zeros(shape, x.dtype, like=like_of(x))
    if is_basic(index):
        result[index] = x
    elif type(x) is np.ndarray and (places := _of_rows(index, shape)) is not None and places.size:
        numbers, result_rows = summed(places.reshape(-1), _rows_at(x, places, shape), shape[0])
        result[numbers] = result_rows
    else:
        np.add.at(result, index, x)
    return result


def _of_rows(index: Any, shape: tuple[int, ...]) -> Array | None:
    """Return the integer array of an index that selects rows; None for other indices."""
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    is_of_rows = isinstance(index, np.ndarray) and index.dtype.kind in "iu" and len(shape) > 1
    return index if is_of_rows else None


def _rows_at(x: Array, places: Array, shape: tuple[int, ...]) -> Array:
    """Broadcast x to one row per entry of `places`, the row numbers in an array of `shape`."""
    return np.broadcast_to(x, (*places.shape, *shape[1:])).reshape(places.size, *shape[1:])


def _getitem_fused(
    g: Array, needs: Sequence[Any], index: Any, x_shape: tuple[int, ...], x_dtype: Any
) -> list[Array | RowGradient]:
    places = _of_rows(index, x_shape)
    if (
        places is not None
        and places.size > 0
        and is_worth_it(places.size, x_shape)
        and isinstance(needs[0], Leaf)  # an operation's rule would read the whole array
        and g.dtype is x_dtype
        and type(g) is np.ndarray
    ):
        return [RowGradient(*summed(places.reshape(-1), _rows_at(g, places, x_shape), x_shape[0]), x_shape)]
    return [_index_add(g, index, x_shape)]


getitem = primitive("getitem", _getitem, lambda g, x_shape, index: index_add(g, index, x_shape), fused=_getitem_fused)
index_add = primitive("index_add", _index_add, lambda g, index: getitem(g, index))


def _index_put(x: Array, value: Array, index: Any) -> Array:
    """A copy of x with `value` at `index`; `x[index] = value` for a tensor with a history."""
    result = x.copy()
    result[index] = value
    return result


def _is_last(x: Array, index: Any) -> Array:
    """Whether each index entry is the last one for its element, whose value remains."""
    last = np.zeros(x.shape, np.intp, like=like_of(x))
    order = np.arange(last[index].size, like=like_of(x)).reshape(last[index].shape)
    last[index] = order
    return asarray(last[index] == order)


is_last = primitive("is_last", _is_last)


def _put_value(g: Any, index: Any, value_shape: tuple[int, ...]) -> Any:
    """g at the index; 0 for values that a later entry of the index overwrites."""
    taken = getitem(g, index)
    if not is_basic(index):
        taken = where(is_last(g, index), taken, 0.0)
    # NumPy drops extra leading axes of a value, which have length 1.
    return taken.reshape((1,) * (len(value_shape) - taken.ndim) + taken.shape)


index_put = primitive(
    "index_put",
    _index_put,
    lambda g, index: index_put(g, np.zeros((), g.dtype, like=like_of(g)), index),
    _put_value,
)


def as_operand(x: Any) -> Any:
    """Return a tensor or array unchanged, others as an array."""
    return x if isinstance(x, Tensor) else as_array(x)


def _operand_for(x: Any, indices: Any) -> Any:
    """Return the array as an operand: a tensor if the indices are one, so that an operation is recorded."""
    x = as_operand(x)
    return Tensor(x) if isinstance(indices, Tensor) and not isinstance(x, Tensor) else x


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements at integer `indices` along an axis.

    If the axis is None, the array is flattened first, as in `numpy.take`.
    """
    x = _operand_for(x, indices)
    if axis is None:
        return getitem(x.reshape(-1), _integers(indices, "take"))
    return getitem(x, (slice(None),) * normalize_axis(axis, x.ndim, "take") + (_integers(indices, "take"),))


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """The elements at `indices` along `axis`, as `numpy.take_along_axis`.

    `indices` has as many axes as x. If the axis is None, x is flattened first.
    """
    x = _operand_for(x, indices)
    if axis is None:
        return take_along_axis(x.reshape(-1), indices, 0)
    return getitem(x, along_axis(x, indices, axis, "take_along_axis"))


def put(x: Any, indices: Any, values: Any) -> Any:
    """A copy of x with `values` at flat `indices`.

    `numpy.put` itself writes into x.
    """
    x = _operand_for(x, indices)
    return index_put(x.reshape(-1), values, _integers(indices, "put")).reshape(x.shape)


def put_along_axis(x: Any, indices: Any, values: Any, axis: int) -> Any:
    """A copy of x with `values` at `indices` along `axis`.

    For a repeated index, the last value counts.
    """
    x = _operand_for(x, indices)
    return index_put(x, values, along_axis(x, indices, axis, "put_along_axis"))


def scatter_add(x: Any, indices: Any, values: Any, axis: int) -> Any:
    """Add `values` to x at indices along `axis`.

    Repeated indices add up. `indices` and `values` have the same shape, with as many axes as x.
    """
    x = _operand_for(x, indices)
    return x + index_add(values, along_axis(x, indices, axis, "scatter_add"), x.shape)


def normalize_axis(axis: int, ndim: int, name: str) -> int:
    """An axis counted from the front.

    Raises:
        IndexError: if there is no such axis.
    """
    if not -ndim <= axis < ndim:
        raise IndexError(f"{name} along axis {axis} of an array with {ndim} axes; expected {-ndim} to {ndim - 1}")
    return axis % ndim


def _integers(indices: Any, name: str) -> Array:
    array = asarray(plain(indices))
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name} takes integers for indices, got {array.dtype}; convert with .astype(np.int64)")
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.intp).max:
        raise IndexError(f"{name} got the index {array.max()}, which no axis has")
    if isinstance(indices, Tensor) and array.dtype != np.intp:
        return plain(cast(indices, np.intp))  # an operation, so that a replay repeats it
    return array.astype(np.intp, copy=False)


def along_axis(x: Any, indices: Any, axis: int, name: str) -> tuple[Array, ...]:
    """The full index for `indices` along one axis."""
    places = _integers(indices, name)
    if places.ndim != x.ndim:
        raise ValueError(f"{name} takes indices with as many axes as the array: {x.ndim}, got {places.ndim}")
    axis = normalize_axis(axis, x.ndim, name)
    meshes = np.ix_(*map(np.arange, x.shape))
    return tuple([places if i == axis else mesh for i, mesh in enumerate(meshes)])


def _argsort(x: Array, axis: int | None = -1) -> Array:
    """The stable sorting indices along an axis (None: flattened)."""
    return np.argsort(x, axis=axis, kind="stable")


def _searchsorted(a: Array, v: Array, side: Literal["left", "right"] = "left") -> Any:
    """The insertion indices of `v` in the ascending vector `a`, before ("left") or after ("right") equal elements."""
    return np.searchsorted(a, v, side)


argsort = primitive("argsort", _argsort, numpy=np.argsort)
searchsorted = primitive("searchsorted", _searchsorted, numpy=np.searchsorted)


def sort(x: Any, axis: int | None = -1) -> Any:
    """Sort the elements along an axis (None: flattened).

    Each element keeps its own gradient.
    """
    return take_along_axis(x, argsort(x, axis), axis)


def topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> tuple[Any, Any]:
    """The k largest elements (or smallest) and their indices.

    They are taken along an axis and sorted, as in `torch.topk`.

    Raises:
        ValueError: if the axis has fewer than k elements.
    """
    x = as_operand(x)
    length = x.shape[normalize_axis(axis, x.ndim, "topk")]
    if not 0 <= k <= length:
        raise ValueError(f"topk of {describe(x)}: axis {axis} has {length} elements, and k={k} are asked for")
    order = argsort(x, axis)
    if largest:  # a stable descending order: sort the reversed array, then reverse the result
        back = (slice(None),) * normalize_axis(axis, x.ndim, "topk") + (slice(None, None, -1),)
        order = length - 1 - argsort(x[back], axis)[back]
    places = order.swapaxes(axis, -1)[..., :k].swapaxes(axis, -1)
    return take_along_axis(x, places, axis), places


numpy_functions.update(
    {
        np.take: take,
        np.take_along_axis: take_along_axis,
        np.sort: sort,
    }
)
