"""Sparse gradients of a few rows, as embeddings have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Array = NDArray[Any]

LEAST = 2**16
"""Elements below which a dense gradient costs no more than finding the rows that are not zero."""


def is_worth_it(count: int, shape: tuple[int, ...]) -> bool:
    """Whether `count` rows are few enough to be kept sparse.

    `shape` is the shape of the whole array.
    """
    return len(shape) > 1 and 4 * count <= shape[0] and math.prod(shape) >= LEAST


def summed(index: Array, rows: Array, length: int) -> tuple[Array, Array]:
    """Return unique row numbers, and the sums of their rows.

    The numbers are ascending. `length` is the number of rows of the whole array, for negative row numbers. This is 3 to
    5 times as fast as `np.add.at`.
    """
    index = index.astype(np.intp, copy=False) % length  # a small dtype might not hold the length
    order = index.argsort(kind="stable")
    index = index[order]
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    return index[starts], np.add.reduceat(rows[order], starts, axis=0)


class RowGradient(NDArrayOperatorsMixin):
    """A gradient that is zero except in some rows.

    The backward pass adds such gradients to each other and to arrays, a tensor's `.grad` converts one to an array, and
    optimizers read the rows. Other attributes are looked up on the dense array.

    Args:
        index: the numbers of the rows, unique and ascending.
        rows: the values of the rows, (len(index), ...).
        shape: the shape of the whole array.
    """

    __slots__ = ("index", "rows", "shape")

    base = None  # the backward walk checks whether a gradient is a view; this one is not

    def __init__(self, index: Array, rows: Array, shape: tuple[int, ...]) -> None:
        self.index, self.rows, self.shape = index, rows, shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
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
