"""The registration of compositions as NumPy functions."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy

from minigrad.engine.apply import numpy_functions
from minigrad.engine.arrays import as_array, asarray_like, like_of
from minigrad.engine.broadcast import astype
from minigrad.engine.errors import describe
from minigrad.engine.mode import current_mode
from minigrad.engine.tensor import Tensor
from minigrad.names import explained
from minigrad.ops.indexing import as_operand
from minigrad.unfit import unfit

Function = Callable[..., Any]

np: Any = numpy
"""NumPy, untyped: compositions call it with tensors, which its annotations do not allow."""


def implements(*names: str) -> Callable[[Function], Function]:
    """Register a function for NumPy's names, such as "linalg.cond".

    NumPy calls it when an argument is a tensor. Names that the installed NumPy lacks are skipped (`unstack` came with
    2.1, `matvec` with 2.2).
    """

    def register(function: Function) -> Function:
        code = function.__code__
        parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        function.__qualname__ = explained(function.__name__, parameters)  # as operations do
        for name in names:
            try:
                numpy_functions[attrgetter(name)(np)] = function
            except AttributeError:
                continue
        return function

    return register


def operands(*given: Any) -> list[Any]:
    """Return arguments as tensors and arrays of one dtype.

    Numbers and lists become arrays in the dtype of the others.
    """
    dtypes = [x.dtype for x in given if hasattr(x, "dtype") and x.dtype.kind == "f"]
    common = np.result_type(*dtypes) if dtypes else np.float32
    beside = next((place for x in given if (place := like_of(x)) is not None), None)
    return [x if x is None else as_operand(x) if hasattr(x, "dtype") else _convert(x, common, beside) for x in given]


def _convert(x: Any, dtype: Any, beside: Any) -> Any:
    array = as_array(x)
    return asarray_like(array if array.dtype.kind == "b" else as_array(x, dtype), beside)


def values(x: Any, reads: bool = True) -> Any:
    """Return an argument with arrays in place of tensors.

    Args:
        x: a tensor, a nest of lists, tuples and dicts with tensors, or any other argument, which is returned as it is.
        reads: whether the values are read, so that observers are notified.
    """
    if isinstance(x, Tensor):
        return x._read() if reads else x.data
    if type(x) in (list, tuple):
        return type(x)([values(part, reads) for part in x])
    return {key: values(part, reads) for key, part in x.items()} if type(x) is dict else x


def constant(x: Any, of: str) -> Any:
    """The values of an argument without derivative.

    Args:
        x: the argument.
        of: its name, for error messages.

    Raises:
        TypeError: if it requires a gradient, or does not consist of numbers.
        ValueError: if it is ragged.
    """
    if isinstance(x, Tensor) and x.requires_grad and current_mode().grad:
        raise TypeError(f"{of} cannot be differentiated; pass it as .detach()")
    if (wrong := unfit(x)) is not None:
        raise wrong
    return values(x)


def fixed(x: Any, of: str) -> Any:
    """As `constant`, for use by operations in a recording."""
    if isinstance(x, Tensor) and x.requires_grad:
        constant(x, of)
        return x.detach()
    return x


def write_out(name: str, result: Any, out: Any) -> Any:
    """Return the result, written to `out` if given.

    Args:
        name: the name of the NumPy function, for error messages.
        result: the result.
        out: the tensor or array to write to, or None.

    Raises:
        TypeError: if `out` is an array and the result has a gradient, which would be lost.
        ValueError: if `out` has the wrong shape.
    """
    if out is None:
        return result
    if isinstance(out, bool):
        raise TypeError(f"np.{name}: expected a tensor as out, got {out}; give keepdims by its name: keepdims={out}")
    if isinstance(out, Tensor):
        if out.shape != np.shape(result):
            raise ValueError(f"np.{name}: out is {describe(out)}, and the result has the shape {np.shape(result)}")
        out[...] = result if result.dtype == out.dtype else astype(result, out.dtype)
        return out
    if not isinstance(result, Tensor) or result.requires_grad or not isinstance(out, np.ndarray):
        raise TypeError(
            f"np.{name} of a tensor takes no out= of type {type(out).__name__}, which would lose the gradient; give "
            f"the result a name, z = np.{name}(...)"
        )
    np.copyto(out, result.data)
    return out
