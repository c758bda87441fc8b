"""Sparse gradients of a few rows, as embeddings have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Array = NDArray[Any]

LEAST = 2**16
"""Elements of an array below which zeros for all its rows cost no more than the search for those that are not."""


def is_worth_it(count: int, shape: tuple[int, ...]) -> bool:
    """Whether `count` rows are few enough to be kept sparse.

    The array has `shape`.
    """
    return len(shape) > 1 and 4 * count <= shape[0] and math.prod(shape) >= LEAST


def summed(index: Array, rows: Array, length: int) -> tuple[Array, Array]:
    """The unique row numbers of `index`, and sums of `rows`.

    The numbers ascend.

    Of an array of `length` rows, counted from the end below 0. That is 3 to 5 times as fast as `np.add.at`.
    """
    index = index.astype(np.intp, copy=False) % length  # a small dtype may not hold the length
    order = index.argsort(kind="stable")
    index = index[order]
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    return index[starts], np.add.reduceat(rows[order], starts, axis=0)


class RowGradient(NDArrayOperatorsMixin):
    """A gradient that is zero except in some rows.

    Any other attribute is that of the whole array.

    The backward walk adds such gradients to each other and to arrays, `.grad` of a tensor makes an array of one, and
    optimizers read the rows.

    Args:
        index: the numbers of the rows, each once, ascending.
        rows: their values, (len(index), ...).
        shape: of the whole array.
    """

    __slots__ = ("index", "rows", "shape")

    base = None  # no view of another array, as the walk requires

    def __init__(self, index: Array, rows: Array, shape: tuple[int, ...]) -> None:
        self.index, self.rows, self.shape = index, rows, shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self.rows.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def whole(self) -> Array:
        """Return the dense array."""
        array = np.zeros_like(self.rows, shape=self.shape)
        array[self.index] = self.rows
        return array

    def within(self, rows: slice) -> RowGradient:
        """Return the gradient of a range of rows."""
        first, last = self.index.searchsorted((rows.start, rows.stop))
        shape = (len(range(*rows.indices(self.shape[0]))), *self.shape[1:])
        return RowGradient(self.index[first:last] - rows.start, self.rows[first:last], shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.whole(), dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        if ufunc is np.add and method == "__call__" and list(keywords) == ["out"] and inputs[1] is self:
            total = inputs[0]
            if keywords["out"][0] is total:  # total += self
                total[self.index] += self.rows
                return total
        return getattr(ufunc, method)(*[x.whole() if isinstance(x, RowGradient) else x for x in inputs], **keywords)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, RowGradient) and is_worth_it(len(self.index) + len(other.index), self.shape):
            index, rows = np.concatenate([self.index, other.index]), np.concatenate([self.rows, other.rows])
            return RowGradient(*summed(index, rows, self.shape[0]), self.shape)
        return np.add(self, other)

    __iadd__ = __add__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in RowGradient.__slots__:
            raise AttributeError(name)
        return getattr(self.whole(), name)

    def __getitem__(self, index: Any) -> Any:
        return self.whole()[index]

    def __len__(self) -> int:
        return self.shape[0]
