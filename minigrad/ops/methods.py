"""Tensor's operators and methods, and its NumPy protocols."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import signature
from typing import Any, NoReturn

import numpy as np

from minigrad.engine.apply import numpy_functions
from minigrad.engine.backward import backward
from minigrad.engine.broadcast import astype, broadcast_to, cast
from minigrad.engine.errors import describe
from minigrad.engine.graph import Leaf
from minigrad.engine.mode import current_mode
from minigrad.engine.tensor import Tensor, wrap, write
from minigrad.names import explained, missing
from minigrad.ops import (
    arithmetic,
    devices,
    elementwise,
    indexing,
    linalg,
    ordering,
    protocol,
    reduction,
    reductions,
)
from minigrad.ops import shape as ops_shape


def _reflected(operation: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    return lambda self, other: operation(other, self)


def _reshape(self: Tensor, *lengths: Any, order: str = "C") -> Tensor:
    """Reshape in C order, to lengths or one tuple."""
    shape = lengths[0] if len(lengths) == 1 else lengths
    return ops_shape.reshape(self, shape) if order == "C" else ordering.reshape(self, shape, order)


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    """Permute the axes, given as numbers or one tuple; reverse them if none is given."""
    if 1 < len(axes) < self.ndim:
        raise ValueError(
            f"transpose takes each of the {self.ndim} axes of {describe(self)}, got {', '.join(map(str, axes))}; "
            "x.swapaxes(i, j) exchanges two"
        )
    return ops_shape.transpose(self, axes[0] if len(axes) == 1 else axes or None)


def _ravel(self: Tensor, order: Any = "C", *others: Any) -> Tensor:
    """Flatten, by default in C order."""
    if others or not isinstance(order, str | None):
        given = ", ".join(map(repr, (order, *others)))
        raise TypeError(
            f"flatten takes an order, 'C' or 'F', got {given}; x.reshape((len(x), -1)) keeps the first axis"
        )
    return ordering.ravel(self, order)


def _copy(self: Tensor, order: str = "K") -> Tensor:
    """A differentiable copy."""
    return wrap(self.data.copy(), None, [0]) if self.dtype == bool else elementwise.positive(self)


def _compress(self: Tensor, condition: Any, axis: int | None = None) -> Tensor:
    """The slices along an axis where the condition holds; elements of the flattened array if the axis is None."""
    return ordering.compress(condition, self, axis)


def _full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """An array like another, filled with a value."""
    filling = fill_value if isinstance(fill_value, Tensor) else Tensor(np.asarray(fill_value))
    filled = elementwise.positive(broadcast_to(filling, np.shape(a) if shape is None else shape))
    return astype(filled, a.dtype if dtype is None else dtype)


for _method in (_reshape, _transpose, _ravel, _copy, _compress):
    _method.__qualname__ = explained(_method.__name__[1:], list(signature(_method).parameters)[1:])


def _missing(self: Tensor, name: str) -> NoReturn:
    """Raise AttributeError for an unknown name, with a remedy.

    The remedy is the most similar name, or the equivalent of a PyTorch name.
    """
    raise missing("Tensor", name, dir(Tensor), functions=dir(sys.modules[__package__]))


def _getitem(self: Tensor, index: Any) -> Tensor:
    part = indexing.getitem(self, index := indexing.plain(index))
    if part.version is self.version and current_mode().grad:  # a view
        part.source = self, index
    return part


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write in place, or as an `index_put` if recorded.

    A recorded write makes the tensor the result of the `index_put`. If the tensor is a view by an index, as in
    `x[0][1] = v`, so does the tensor it was taken from, unless that has been replaced since.
    """
    index = indexing.plain(index)
    if not _must_record(self, value):
        write(self, index, value)
    elif self.data.dtype.kind != "f":
        raise TypeError(f"a tensor of {self.data.dtype} cannot hold values with a gradient; convert it with .astype()")
    else:
        put = indexing.index_put(self, value, index)
        whole, place = getattr(self, "source", (self, index))
        if whole is not self and whole.version is self.version:
            _setitem(whole, place, put)
            put = indexing.getitem(whole, place)
        self._data, self.node, self.version = put.data, put.node, put.version


def _in_place(operation: Callable[..., Any]) -> Callable[[Tensor, Any], Tensor]:
    """Return the method for `x += y` and the like: in place if nothing is recorded, else x becomes the new result."""

    def apply(self: Tensor, other: Any) -> Tensor:
        is_remembered = _must_record(self, other)
        result = operation(self, other)
        if result.shape != self.shape:
            raise ValueError(
                f"{operation.__name__} in place keeps the shape {self.shape} of its first operand, and with "
                f"{describe(other)} the result has {result.shape}; give that a name: z = {operation.__name__}(x, y)"
            )
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise TypeError(
                f"Cannot cast the {result.dtype} that {operation.__name__} gives to {self.dtype}, which an update in "
                f"place keeps; give the result a name: z = {operation.__name__}(x, y)"
            )
        if is_remembered:
            return result if result.dtype == self.dtype else cast(result, self.dtype)
        write(self, ..., result)
        return self

    return apply


def _must_record(self: Tensor, value: Any) -> bool:
    """Whether a write of `value` must be recorded.

    Raises:
        RuntimeError: if `self` is a leaf that requires a gradient.
    """
    if not current_mode().grad:
        return False
    if isinstance(self.node, Leaf):
        raise RuntimeError(
            "a tensor that requires gradients and was not computed cannot be written to, or its gradient would be "
            "that of other values; write under no_grad(), or into a copy such as x.copy()"
        )
    return self.node is not None or (isinstance(value, Tensor) and value.node is not None)


numpy_functions[np.copy] = _copy
numpy_functions.update(
    {
        np.zeros_like: lambda x, dtype=None, shape=None: Tensor(np.zeros_like(x.data, dtype, shape=shape)),
        np.ones_like: lambda x, dtype=None, shape=None: Tensor(np.ones_like(x.data, dtype, shape=shape)),
        np.full_like: _full_like,
    }
)

for _name, _operation in {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "pow": elementwise.power,
    "matmul": linalg.matmul,
    "mod": elementwise.remainder,
    "floordiv": elementwise.floor_divide,
    "and": elementwise.bitwise_and,
    "or": elementwise.bitwise_or,
    "xor": elementwise.bitwise_xor,
}.items():
    setattr(Tensor, f"__{_name}__", _operation)
    setattr(Tensor, f"__r{_name}__", _reflected(_operation))
    setattr(Tensor, f"__i{_name}__", _in_place(_operation))

for _name, _method in {
    "__pos__": elementwise.positive,
    "__neg__": elementwise.negative,
    "__abs__": elementwise.abs,
    "__invert__": elementwise.invert,
    "__eq__": elementwise.equal,
    "__ne__": elementwise.not_equal,
    "__lt__": elementwise.less,
    "__le__": elementwise.less_equal,
    "__gt__": elementwise.greater,
    "__ge__": elementwise.greater_equal,
    "__hash__": object.__hash__,  # by identity, as == compares element-wise
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__iter__": lambda self: (self[i] for i in range(len(self))),
    "__array_ufunc__": protocol.array_ufunc,
    "__array_function__": protocol.array_function,
    "__divmod__": arithmetic.divmod,
    "__rdivmod__": _reflected(arithmetic.divmod),
    "T": property(ops_shape.transpose, doc="The tensor with its axes reversed."),
    "mT": property(lambda self: ops_shape.swapaxes(self, -1, -2), doc="The tensor with its last two axes swapped."),
    "reshape": _reshape,
    "transpose": _transpose,
    "swapaxes": ops_shape.swapaxes,
    "squeeze": ops_shape.squeeze,
    "flatten": _ravel,
    "astype": astype,
    "copy": _copy,
    "to": devices.to,
    "ravel": _ravel,
    "repeat": ops_shape.repeat,
    "take": ordering.take,
    "choose": ordering.choose,
    "compress": _compress,
    "nonzero": np.nonzero,
    "searchsorted": indexing.searchsorted,
    "argsort": indexing.argsort,
    "clip": arithmetic.clip,
    "round": elementwise.round,
    "dot": linalg.dot,
    "diagonal": linalg.diagonal,
    "trace": linalg.trace,
    "sum": reductions.sum,
    "mean": reductions.mean,
    "var": reductions.var,
    "std": reductions.std,
    "prod": reductions.prod,
    "max": reductions.max,
    "min": reductions.min,
    "all": reduction.all,
    "any": reduction.any,
    "argmax": reduction.argmax,
    "argmin": reduction.argmin,
    "cumsum": reductions.cumsum,
    "cumprod": reductions.cumprod,
    "backward": backward,
    "__getattr__": _missing,
}.items():
    setattr(Tensor, _name, _method)
