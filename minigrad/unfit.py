"""Errors for values that are not arrays of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from reprlib import repr as shortened
from typing import Any

import numpy as np

REMEDIES = {
    "c": "take its .real and .imag apart",
    "V": "take its fields one by one, as in x['name']",
    "M": "convert it to numbers with .astype(np.int64)",
    "m": "convert it to numbers with .astype(np.int64)",
}
"""The advice for arrays of each kind; other kinds share a general one."""


_OF_OBJECTS = re.compile(
    "does not support argument|unsupported operand|bad operand|not supported (between|for the input)"
    "|must be real number|doesn't define"
)
"""NumPy's and Python's errors for a ufunc of an object, which is applied to each element."""


def unfit(value: Any) -> TypeError | ValueError | None:
    """Return the error for a value that is no array.

    The result is None for an array of numbers, and for values that are not meant as arrays, such as None, a string or a
    function. Lists are searched to any depth.
    """
    dtype = getattr(value, "dtype", None)
    if dtype is not None:
        return of_dtype(value, dtype) if getattr(dtype, "kind", "f") not in "biuf" else None
    if isinstance(value, complex):
        return TypeError(f"a tensor holds numbers, got {value}; {REMEDIES['c']}")
    if not isinstance(value, (list, tuple)) or hasattr(value, "_fields"):  # a named tuple holds options
        return None
    for part in value:
        if (within := unfit(part)) is not None:
            return within
    return None if any(map(_has_arrays, value)) else ragged(value)


def of_dtype(value: Any, dtype: Any) -> TypeError:
    """Return the error for a dtype that tensors cannot have."""
    remedy = REMEDIES.get(dtype.kind, "convert it with .astype(np.float64), where that is possible")
    return TypeError(f"a tensor holds numbers, got {type(value).__name__} of dtype {dtype}; {remedy}")


def no_array(error: Exception, given: Iterable[Any], inputs: Iterable[Any] = ()) -> TypeError | None:
    """Return the error for what is given as an array.

    The result is None unless `error` says that an argument, or an element of an input, cannot do what arrays can.

    Args:
        error: the error of a call.
        given: the arguments.
        inputs: those of them that have to be arrays or numbers.
    """
    found: list[Any] = []
    lacking = error.obj if isinstance(error, AttributeError) else None
    if isinstance(lacking, (int, float)) or (isinstance(error, TypeError) and _OF_OBJECTS.search(str(error))):
        found = [x for x in inputs if not isinstance(x, (int, float)) and not hasattr(x, "dtype")]
    if not found and isinstance(error, AttributeError):
        found = [x for x in given if x is lacking and not hasattr(x, "dtype")]
    if not found:
        return None
    return TypeError(f"expected an array or a tensor, got {shortened(found[0])}; make one with np.asarray(values)")


def expect_numbers(array: Any) -> None:
    """Refuse an array that holds no real numbers.

    Raises:
        TypeError: for such an array.
    """
    if array.dtype.kind not in "biuf":
        raise of_dtype(array, array.dtype)


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """Return a dtype in the machine's byte order.

    Raises:
        TypeError: for anything but a dtype, and for a boolean, which was meant for `keepdims`.
    """
    if isinstance(dtype, bool):
        raise TypeError(
            f"expected a dtype, such as np.float64, got {dtype}; give keepdims by its name: keepdims={dtype}"
        )
    return np.dtype(dtype).newbyteorder("=")


def ragged(nest: Any) -> ValueError | None:
    """Return the error for a ragged nest of lists.

    It names the first two places that differ. The result is None if the nest is not ragged.
    """
    level = [("", nest)]
    while level:
        sizes = {place: len(part) if _is_list(part) else None for place, part in level}
        (first, size), *others = sizes.items()
        for place, other in others:
            if other != size:
                return ValueError(
                    f"a tensor is a full rectangle of numbers, got a ragged nest: {first} is {_in_words(size)}, and "
                    f"{place} {_in_words(other)}; give all one length, as by padding the shorter ones"
                )
        level = [(f"{place}[{i}]", part) for place, whole in level if size for i, part in enumerate(whole)]
    return None


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0


def _has_arrays(value: Any) -> bool:
    return hasattr(value, "dtype") or (isinstance(value, (list, tuple)) and any(map(_has_arrays, value)))


def _in_words(size: int | None) -> str:
    return "a number" if size is None else f"{size} long"
