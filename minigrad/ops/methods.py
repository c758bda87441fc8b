"""The one place where Tensor gets its operators, its methods, and its standing with NumPy's functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from minigrad.engine.backward import backward
from minigrad.engine.broadcast import astype
from minigrad.engine.dispatch import numpy_functions
from minigrad.engine.mode import current_mode
from minigrad.engine.tensor import Leaf, Tensor, wrap
from minigrad.ops import elementwise, indexing, linalg, reduction, scan, shape


def _reflected(operation: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    return lambda self, other: operation(other, self)


def _reshape(self: Tensor, *lengths: Any) -> Tensor:
    """The elements in the same (C) order in another shape, given as lengths or as one tuple."""
    return shape.reshape(self, lengths[0] if len(lengths) == 1 else lengths)


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    """The axes in another order, given one by one or as one tuple; reversed if none is given."""
    return shape.transpose(self, axes[0] if len(axes) == 1 else axes or None)


def _ravel(self: Tensor) -> Tensor:
    """All elements along one axis, in C order."""
    return shape.reshape(self, -1)


def _copy(self: Tensor) -> Tensor:
    """The same values in memory of their own; what is done to them is remembered as of this tensor."""
    return wrap(self.data.copy(), None, [0]) if self.dtype == bool else elementwise.positive(self)


def _getitem(self: Tensor, index: Any) -> Tensor:
    return indexing.getitem(self, _plain(index))


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    """Writes in place where nothing is remembered; else the tensor becomes the result of an `index_put`."""
    index = _plain(index)
    if not _is_remembered(self, value):
        self.data[index] = value.data if isinstance(value, Tensor) else value
        self.bump()
    elif self.data.dtype.kind != "f":
        raise TypeError(f"a tensor of {self.data.dtype} cannot hold values with a gradient; convert it with .astype()")
    else:
        put = indexing.index_put(self, value, index)
        self.data, self.node, self.version = put.data, put.node, put.version


def _in_place(operation: Callable[..., Any]) -> Callable[[Tensor, Any], Tensor]:
    """`x += y` and the like: in place where nothing is remembered; else x names the new result afterwards."""

    def apply(self: Tensor, other: Any) -> Tensor:
        result = operation(self, other)
        if _is_remembered(self, other):
            return result
        np.copyto(self.data, result.data, casting="same_kind")
        self.bump()
        return self

    return apply


def _is_remembered(self: Tensor, value: Any) -> bool:
    """Whether a write of `value` is part of a derivative. Raises: RuntimeError if `self` is a leaf of one."""
    if not current_mode().grad:
        return False
    if isinstance(self.node, Leaf):
        raise RuntimeError(
            "a tensor that requires gradients and was not computed cannot be written to, or its gradient would be "
            "that of other values; write under no_grad(), or into a copy such as x.copy()"
        )
    return self.node is not None or (isinstance(value, Tensor) and value.node is not None)


def _plain(index: Any) -> Any:
    """An index with arrays in the place of tensors."""
    if isinstance(index, tuple):
        return tuple(_plain(part) for part in index)
    return index.data if isinstance(index, Tensor) else index


def _array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`np.exp(tensor)` and the like."""
    operation = numpy_functions.get(ufunc)
    if operation is None or method != "__call__":
        _refuse(ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}")
    if kwargs:
        raise TypeError(
            f"np.{ufunc.__name__} of a tensor takes no {', '.join(kwargs)}=: its result is new; choose elements "
            "with where(), convert with .astype()"
        )
    return operation(*inputs)


def _array_function(
    self: Tensor, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`np.sum(tensor)`, `np.concatenate([tensor, tensor])` and the like."""
    operation = numpy_functions.get(function)
    if operation is None:
        _refuse(function.__name__)
    return operation(*args, **kwargs)


def _refuse(name: str) -> NoReturn:
    raise TypeError(f"np.{name} has no derivative here; of .detach().numpy() it gives a constant")


def _clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    """The elements within bounds, under the names that `numpy.clip` and `ndarray.clip` have for them."""
    return elementwise.clip(x, a_min if min is None else min, a_max if max is None else max)


def _of_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy that looks at values alone."""
    return lambda *args, **kwargs: function(*_plain(args), **kwargs)


numpy_functions.update(
    {
        np.clip: _clip,
        np.amax: reduction.max,
        np.amin: reduction.min,
        np.ravel: _ravel,
        np.copy: _copy,
        np.zeros_like: lambda x, dtype=None: Tensor(np.zeros_like(x.data, dtype)),
        np.ones_like: lambda x, dtype=None: Tensor(np.ones_like(x.data, dtype)),
        np.full_like: lambda x, fill_value, dtype=None: Tensor(np.full_like(x.data, fill_value, dtype)),
        np.shape: _of_values(np.shape),
        np.ndim: _of_values(np.ndim),
        np.size: _of_values(np.size),
        np.array_equal: _of_values(np.array_equal),
        np.allclose: _of_values(np.allclose),
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
    "and": elementwise.logical_and,
    "or": elementwise.logical_or,
    "xor": elementwise.logical_xor,
}.items():
    setattr(Tensor, f"__{_name}__", _operation)
    setattr(Tensor, f"__r{_name}__", _reflected(_operation))
    setattr(Tensor, f"__i{_name}__", _in_place(_operation))

for _name, _method in {
    "__pos__": elementwise.positive,
    "__neg__": elementwise.negative,
    "__abs__": elementwise.abs,
    "__invert__": elementwise.logical_not,
    "__eq__": elementwise.equal,
    "__ne__": elementwise.not_equal,
    "__lt__": elementwise.less,
    "__le__": elementwise.less_equal,
    "__gt__": elementwise.greater,
    "__ge__": elementwise.greater_equal,
    "__hash__": object.__hash__,  # by identity, as elements are compared one by one
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__iter__": lambda self: (self[i] for i in range(len(self))),
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "T": property(shape.transpose, doc="The tensor with its axes reversed."),
    "mT": property(lambda self: shape.swapaxes(self, -1, -2), doc="The tensor with its last two axes swapped."),
    "reshape": _reshape,
    "transpose": _transpose,
    "swapaxes": shape.swapaxes,
    "squeeze": shape.squeeze,
    "flatten": _ravel,
    "astype": astype,
    "copy": _copy,
    "ravel": _ravel,
    "repeat": shape.repeat,
    "take": indexing.take,
    "argsort": indexing.argsort,
    "clip": _clip,
    "round": elementwise.round,
    "dot": linalg.dot,
    "diagonal": linalg.diagonal,
    "trace": linalg.trace,
    "sum": reduction.sum,
    "mean": reduction.mean,
    "var": reduction.var,
    "std": reduction.std,
    "prod": reduction.prod,
    "max": reduction.max,
    "min": reduction.min,
    "all": reduction.all,
    "any": reduction.any,
    "argmax": reduction.argmax,
    "argmin": reduction.argmin,
    "cumsum": scan.cumsum,
    "cumprod": scan.cumprod,
    "backward": backward,
}.items():
    setattr(Tensor, _name, _method)
