"""NumPy's functions that select and order elements.

Which elements are selected is a constant: only their values have gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce as fold
from typing import Any, NamedTuple

from minigrad.devices import on_cpu
from minigrad.engine import broadcast
from minigrad.engine.arrays import asarray, asarray_like
from minigrad.engine.errors import describe
from minigrad.ops import elementwise, indexing
from minigrad.ops import shape as shape_of
from minigrad.ops.compositions import constant, fixed, implements, np, values
from minigrad.ops.indexing import as_operand, index_put

# Order.


@implements("fliplr")
def fliplr(m: Any) -> Any:
    """The columns in reverse order."""
    return np.flip(m, 1)


@implements("flipud")
def flipud(m: Any) -> Any:
    """The rows in reverse order."""
    return np.flip(m, 0)


@implements("rot90")
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Rotate by k right angles in the plane of axes.

    The rotation goes from the first of the two axes to the second.
    """
    first, second = axes
    if len(axes) != 2 or m.ndim < 2 or (first - second) % m.ndim == 0:
        raise ValueError(f"rot90 of {describe(m)}: axes are two different ones, got {axes}")
    turned = np.flip(m, axes) if k % 4 in (2, 3) else m
    return np.flip(np.swapaxes(turned, first, second), first) if k % 2 else +turned


@implements("fft.fftshift")
def fftshift(x: Any, axes: Any = None) -> Any:
    """Swap the halves of each axis, or of some."""
    axes = range(x.ndim) if axes is None else np.atleast_1d(axes).tolist()
    return np.roll(x, [x.shape[axis] // 2 for axis in axes], tuple(axes))


@implements("fft.ifftshift")
def ifftshift(x: Any, axes: Any = None) -> Any:
    """Undo `fftshift`."""
    axes = range(x.ndim) if axes is None else np.atleast_1d(axes).tolist()
    return np.roll(x, [-(x.shape[axis] // 2) for axis in axes], tuple(axes))


@implements("partition")
def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """Partially sort along an axis around the k-th element."""
    a, kth = as_operand(a), constant(kth, "the places of partition")
    return np.take_along_axis(a, np.argpartition(values(a), kth, axis), axis)


@implements("unique")
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The unique elements, or slices along an axis, ascending.

    The gradient goes to the first of equal elements.
    """
    ar = as_operand(ar)
    _, places, *others = np.unique(values(ar), True, return_inverse, return_counts, axis, equal_nan=equal_nan)
    found = np.take(ar, places, axis)
    results = [found, *([places] if return_index else []), *others]
    return found if len(results) == 1 else tuple(results)


class UniqueAllResult(NamedTuple):
    """The fields of `numpy.unique_all`."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCountsResult(NamedTuple):
    """The fields of `numpy.unique_counts`."""

    values: Any
    counts: Any


class UniqueInverseResult(NamedTuple):
    """The fields of `numpy.unique_inverse`."""

    values: Any
    inverse_indices: Any


@implements("unique_all")
def unique_all(x: Any, /) -> UniqueAllResult:
    """Unique elements, first indices, inverse indices and counts."""
    return UniqueAllResult(*unique(x, True, True, True, equal_nan=False))


@implements("unique_counts")
def unique_counts(x: Any, /) -> UniqueCountsResult:
    """The unique elements and their counts."""
    return UniqueCountsResult(*unique(x, return_counts=True, equal_nan=False))


@implements("unique_inverse")
def unique_inverse(x: Any, /) -> UniqueInverseResult:
    """The unique elements, and the inverse indices."""
    return UniqueInverseResult(*unique(x, return_inverse=True, equal_nan=False))


@implements("unique_values")
def unique_values(x: Any, /) -> Any:
    """The unique elements, in ascending order."""
    return unique(x, equal_nan=False)


@implements("union1d")
def union1d(ar1: Any, ar2: Any) -> Any:
    """The sorted union of two arrays."""
    return unique(np.append(ar1, ar2))


@implements("intersect1d")
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """The sorted intersection of two arrays.

    The gradient goes to the first array's elements.
    """
    first = as_operand(ar1)
    _, of_first, of_second = np.intersect1d(values(first), values(ar2), assume_unique, return_indices=True)
    common = np.take(first, of_first)
    return (common, of_first, of_second) if return_indices else common


@implements("setdiff1d")
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The unique elements of the first that the second lacks."""
    own = as_operand(ar1).reshape(-1) if assume_unique else unique(ar1)
    return np.take(own, np.flatnonzero(~np.isin(values(own), values(ar2))))


@implements("setxor1d")
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The sorted elements of one array but not both."""
    return np.sort(np.append(setdiff1d(ar1, ar2, assume_unique), setdiff1d(ar2, ar1, assume_unique)))


# Shapes and dtypes.


def _is_fortran(a: Any, order: str | None) -> bool:
    """Whether an order of elements is column-major.

    Raises:
        ValueError: for an order that NumPy does not have.
    """
    if order not in ("C", "F", "A", "K", None):
        raise ValueError(f"order is 'C', 'F', 'A' or 'K', got {order!r}")
    return order == "F" or (order in ("A", "K") and a.data.flags.fnc)


@implements("reshape")
def reshape(a: Any, /, shape: Any, order: str | None = "C") -> Any:
    """Reshape the elements, in order.

    In the order "F", the first index changes fastest.
    """
    if not _is_fortran(a, order):
        return shape_of.reshape(a, shape)
    lengths = tuple(np.atleast_1d(shape).tolist())
    return np.transpose(shape_of.reshape(np.transpose(a), lengths[::-1]))


@implements("ravel")
def ravel(a: Any, order: str | None = "C") -> Any:
    """Flatten all elements."""
    return shape_of.reshape(np.transpose(a) if _is_fortran(a, order) else a, -1)


@implements("astype")
def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    """Convert the elements to another dtype."""
    return broadcast.astype(x, dtype)


# Selection.


@implements("where")
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """x where the condition holds, else y.

    Without x and y, it returns the indices where the condition holds.
    """
    if (x is None) != (y is None):
        raise ValueError("where: expected both x and y, or neither")
    return np.nonzero(condition) if x is None else elementwise.where(condition, x, y)


@implements("take")
def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """The elements at integer indices along an axis.

    If the axis is None, the array is flattened first. Out-of-bounds indices raise an error ("raise"), wrap around
    ("wrap"), or are clipped to the ends ("clip").
    """
    if mode == "raise":
        return indexing.take(a, indices, axis)
    a = as_operand(a)
    length = a.size if axis is None else a.shape[axis]
    places = on_cpu(constant(indices, "the places of take"))
    return indexing.take(a, np.take(np.arange(length), places, mode=mode), axis)


@implements("choose")
def choose(a: Any, choices: Sequence[Any], mode: str = "raise") -> Any:
    """The elements of `choices` selected by integers."""
    places = on_cpu(values(a))
    shape = np.broadcast_shapes(places.shape, *(np.shape(part) for part in choices))
    which = np.broadcast_to(np.take(np.arange(len(choices)), places, mode=mode), shape)
    parts = np.stack([np.broadcast_to(part, shape) for part in choices])
    return np.take_along_axis(parts, asarray_like(which[None], parts), 0)[0]


def _is_array(x: Any) -> bool:
    return hasattr(x, "dtype")


@implements("select")
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """The elements of the first choice whose condition holds.

    Where no condition holds, it is the default.
    """
    if not 0 < len(condlist) == len(choicelist):
        raise ValueError(f"select: expected a choice for each condition, got {len(choicelist)} for {len(condlist)}")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(fixed(condition, "a condition of select"), choice, result)
    return result


@implements("compress")
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """The slices along an axis where the condition holds.

    If the axis is None, the array is flattened first.
    """
    return np.take(a, np.flatnonzero(constant(condition, "the condition of compress")), axis)


@implements("extract")
def extract(condition: Any, arr: Any) -> Any:
    """The elements where the condition holds, flattened."""
    return np.take(as_operand(arr), np.flatnonzero(constant(condition, "the condition of extract")))


@implements("piecewise")
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Evaluate a piecewise function by conditions.

    Args:
        x: the array.
        condlist: the conditions, arrays of booleans. Where several hold, the last one counts; where none does, the
            result is zero.
        funclist: a function or number for each condition, and optionally one for the remaining elements.
        args: further arguments of the functions.
        kw: keyword arguments of the functions.
    """
    x, conditions = as_operand(x), values(condlist)
    within = 1 if isinstance(conditions, list | tuple) and len(conditions) else 0
    if within + np.ndim(conditions[0] if within else conditions) == x.ndim or np.isscalar(conditions):
        conditions = [conditions]
    holds = [np.broadcast_to(asarray(condition, bool), x.shape) for condition in conditions]
    if len(funclist) == len(holds) + 1:
        holds.append(~fold(np.logical_or, holds))
    if len(funclist) != len(holds):
        raise ValueError(f"piecewise: expected {len(holds)} or {len(holds) + 1} functions, got {len(funclist)}")
    result = np.zeros_like(values(x))
    for place, function in zip(holds, funclist, strict=True):
        part = function(x[place], *args, **kw) if callable(function) else function
        result = index_put(result, part if _is_array(part) else asarray_like(np.asarray(part, x.dtype), x), place)
    return result


@implements("apply_along_axis")
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply a function to each vector along an axis.

    The axis is replaced by the axes of the function's result.
    """
    rows = np.moveaxis(as_operand(arr), axis, -1)
    if not rows.size:
        raise ValueError(f"apply_along_axis of {describe(arr)}: there is no vector to apply the function to")
    parts = [as_operand(func1d(row, *args, **kwargs)) for row in rows.reshape(-1, rows.shape[-1])]
    own = parts[0].ndim
    result = np.stack(parts).reshape(rows.shape[:-1] + parts[0].shape)
    first = axis % rows.ndim
    return np.moveaxis(result, range(result.ndim - own, result.ndim), range(first, first + own))


@implements("apply_over_axes")
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """Apply a reduction over several axes in turn.

    The axes are kept with length one.
    """
    for axis in np.atleast_1d(axes).tolist():
        result = as_operand(func(a, axis))
        a = result if result.ndim == a.ndim else np.expand_dims(result, axis)
    return a
