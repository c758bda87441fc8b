"""Conversion to arrays: of numbers, lists and NumPy's scalars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minigrad.devices import device_of, foreign, module_of
from minigrad.unfit import of_dtype, ragged


def may_be_read(x: Any) -> bool:
    """Whether a check may read the values of x.

    On an asynchronous device a read waits for all queued work, so checks skip it.
    """
    return type(x) not in foreign


def asarray(x: Any, dtype: DTypeLike | None = None) -> Any:
    """Return `numpy.asarray(x, dtype)`; arrays stay on their devices."""
    if type(x) in foreign:
        return x if dtype is None else x.astype(dtype, copy=False)
    return np.asarray(x, dtype)


def asarray_like(array: Any, x: Any) -> Any:
    """Return a NumPy array on the device of x.

    Args:
        array: a NumPy array computed from shapes alone.
        x: an array or a tensor.
    """
    beside = like_of(x)
    return array if beside is None else module_of(device_of(beside)).asarray(array)


def like_of(x: Any) -> Any:
    """Return the `like=` argument for arrays on x's device.

    x is an array, a tensor or a number.
    """
    x = getattr(x, "_data", x)
    return x if type(x) in foreign else None


def filled(shape: int | Sequence[int], value: Any, x: Any, dtype: DTypeLike | None = None) -> Any:
    """Return an array filled with a number, like x.

    It is on the device of x, an array or a tensor, and has the dtype of x by default. This is faster than NumPy's
    `full`, `ones` and `eye` with `like=`, which also pass on keywords that CuPy's functions lack.
    """
    array = np.empty(shape, dtype or x.dtype, like=like_of(x))
    array.fill(value)
    return array


def as_array(data: ArrayLike, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return `data` as an array.

    Arrays keep their dtype and are not copied, except to convert them to the machine's byte order. Python numbers
    become float32.

    Raises:
        TypeError: if `data` is not made of numbers.
        ValueError: if it is ragged.
    """
    if type(data).__module__.partition(".")[0] == "cupy":
        module_of("cuda")
    if type(data) in foreign:
        array: Any = data
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.asanyarray(data)
    else:
        try:
            array = np.asarray(data)
        except ValueError as error:
            raise ragged(data) or error from None
        if dtype is None and array.dtype.kind in "if" and not hasattr(data, "__array__"):
            array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise of_dtype(data, array.dtype)
    wanted = array.dtype if dtype is None else np.dtype(dtype)
    return array if wanted is array.dtype and wanted.isnative else array.astype(wanted.newbyteorder("="), copy=False)


_AS_THEY_ARE = frozenset({float, int, bool, type(None)})


def operand(value: Any) -> Any:
    """Return a value as an operand of a tensor.

    Numbers, NumPy scalars included, stay weakly typed; lists become arrays.

    Errors are those of `as_array`.
    """
    kind = type(value)
    if kind in _AS_THEY_ARE or (kind is np.ndarray and value.dtype.kind in "biuf"):
        return value
    return value.item() if isinstance(value, np.generic) else as_array(value)
