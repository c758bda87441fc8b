"""Taking elements out of an array, and putting them in: each is the adjoint of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.dispatch import primitive

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
    else:
        np.add.at(result, index, x)
    return result


getitem = primitive("getitem", _getitem, lambda g, x_shape, index: index_add(g, index, x_shape))
index_add = primitive("index_add", _index_add, lambda g, index: getitem(g, index))


def _index_put(x: Array, value: Array, index: Any) -> Array:
    """A copy of x with `value` at `index`: what `x[index] = value` means for a tensor with a history."""
    result = x.copy()
    result[index] = value
    return result


index_put = primitive(
    "index_put",
    _index_put,
    lambda g, index: index_put(g, np.zeros((), g.dtype), index),
    lambda g, index: getitem(g, index),
)
