"""Arrays of another make, on a CPU: they refuse what CuPy refuses, and compute what NumPy does.

They are no ndarrays; NumPy's functions reach them by its two protocols, as they reach CuPy's. They become ndarrays by
`asnumpy` alone, never meet one in an operation, and have the functions, parameters and methods that CuPy has
(cupy_functions.txt).
"""

from pathlib import Path
from typing import Any

import numpy as np

from minigrad.devices import register

HERE = Path(__file__).parent
NAME = "stand-in"


def _functions() -> dict[str, set[str]]:
    """The parameters of each function that CuPy has."""
    lines = (HERE / "cupy_functions.txt").read_text(encoding="utf-8").splitlines()[1:]
    return {name: set(parameters.split()) for name, _, parameters in (line.partition(":") for line in lines)}


FUNCTIONS = _functions()
METHODS = {
    "reduce": {"add", "multiply"},
    "accumulate": {"add", "multiply"},
    "reduceat": {"add"},
    "at": {"add", "maximum", "minimum"},
}
"""The ufuncs that have a method: docs.cupy.dev/en/stable/reference/ufunc.html, and cupy/cupy#7082."""

FROM_HOST = {"array", "asarray", "asanyarray", "ascontiguousarray"}


class Flags:
    """The flags of CuPy's arrays, none of which can be set."""

    def __init__(self, flags: Any) -> None:
        self.c_contiguous, self.f_contiguous, self.owndata = flags.c_contiguous, flags.f_contiguous, flags.owndata
        self.fnc = flags.fnc

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("c_contiguous", "f_contiguous", "owndata", "fnc"):
            raise AttributeError(f"CuPy's flags have no {name} to set")
        object.__setattr__(self, name, value)


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):  # noqa: N801 - as the libraries call it
    """An array, `own`, that pretends to be on a device."""

    __slots__ = ("base", "own")
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, own: np.ndarray, base: Any = None) -> None:
        self.own = own
        self.base = base

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def get(self) -> np.ndarray:
        return self.own.copy()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **keywords: Any) -> Any:
        name = ufunc.__name__
        operands = inputs if method != "at" else (inputs[0], *inputs[2:])
        if not all(isinstance(x, (ndarray, np.ndarray, np.generic, int, float)) for x in operands):
            return NotImplemented
        if name not in FUNCTIONS or (method not in ("__call__", "outer") and name not in METHODS.get(method, ())):
            raise TypeError(f"ufunc {name}.{method} is not in CuPy")
        if len(out) > 1 or not keywords.keys() <= (
            {"dtype", "casting"} if method == "__call__" else {"axis", "dtype", "keepdims"}
        ):
            raise TypeError(f"ufunc {name}.{method}({', '.join(keywords)}) is not in CuPy")
        if method == "at":
            values = [_plain(inputs[0], name), _index(inputs[1]), *(_plain(x, name) for x in inputs[2:])]
        else:
            values = [_plain(x, name) for x in inputs]
        keywords = {key: _plain(value, name) for key, value in keywords.items()}
        if out:
            keywords["out"] = _index(_device(out[0], f"out= of {name}"))
        result = getattr(ufunc, method)(*values, **keywords)
        if out:
            return out[0]
        return tuple(map(_wrapped, result)) if isinstance(result, tuple) else _wrapped(result)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        module = function.__module__.removeprefix("numpy").removeprefix(".")
        name = f"{module}.{function.__name__}" if module else function.__name__
        if name not in FUNCTIONS:
            raise TypeError(f"np.{name} is not in CuPy")
        if any(not issubclass(kind, (ndarray, np.ndarray)) for kind in types):
            return NotImplemented
        parameters = FUNCTIONS[name]
        if name == "where" and not hasattr(args[0], "astype"):
            raise TypeError(f"np.where({args[0]}, ...) is not in CuPy")
        if "*" not in parameters and (len(args) > len(parameters) or not keywords.keys() <= parameters):
            raise TypeError(f"np.{name} has no such parameters in CuPy: {', '.join(keywords)}")
        if name in FROM_HOST and isinstance(args[0], (np.ndarray, np.generic)):
            return ndarray(np.array(getattr(np, name)(*args, **keywords)))
        given = [_nest(x, name) for x in args]
        result = function(*given, **{key: _nest(x, name) for key, x in keywords.items()})
        bases = [x for x in args if isinstance(x, ndarray)]
        if isinstance(result, tuple) and hasattr(result, "_fields"):
            return type(result)(*map(_wrapped, result))
        if isinstance(result, (tuple, list)):
            return type(result)([_wrapped(part, *bases) for part in result])
        return _wrapped(result, *bases)

    shape = property(lambda self: self.own.shape)
    ndim = property(lambda self: self.own.ndim)
    size = property(lambda self: self.own.size)
    dtype = property(lambda self: self.own.dtype)
    strides = property(lambda self: self.own.strides)
    itemsize = property(lambda self: self.own.itemsize)
    nbytes = property(lambda self: self.own.nbytes)
    flags = property(lambda self: Flags(self.own.flags))
    T = property(lambda self: _wrapped(self.own.T, self))
    mT = property(lambda self: _wrapped(self.own.mT, self))  # noqa: N815

    def __getitem__(self, index: Any) -> Any:
        return _wrapped(self.own[_index(index)], self)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.own[_index(index)] = _plain(value, "an assignment")

    def __len__(self) -> int:
        return len(self.own)

    def __iter__(self) -> Any:
        return iter([self[i] for i in range(len(self.own))])

    def __bool__(self) -> bool:
        return bool(self.own)

    def __int__(self) -> int:
        return int(self.own)

    def __float__(self) -> float:
        return float(self.own)

    def __index__(self) -> int:
        return self.own.__index__()

    def __format__(self, spec: str) -> str:
        return format(self.own, spec)

    def __repr__(self) -> str:
        return repr(self.own)

    def __copy__(self) -> Any:
        return ndarray(self.own.copy())

    def __deepcopy__(self, memo: Any) -> Any:
        return ndarray(self.own.copy())

    def item(self, *args: Any) -> Any:
        return self.own.item(*args)

    def tolist(self) -> Any:
        return self.own.tolist()


def _method(name: str, parameters: str = "") -> Any:
    allowed = set(parameters.split())

    def method(self: ndarray, *args: Any, **keywords: Any) -> Any:
        if not keywords.keys() <= allowed:
            raise TypeError(f"the method {name} of CuPy takes no {', '.join(keywords)}")
        keywords = {key: _plain(value, name) for key, value in keywords.items()}
        result = getattr(self.own, name)(*[_plain(x, name) for x in args], **keywords)
        return _wrapped(result, self)

    return method


for _reduction in ("sum", "mean", "prod"):
    setattr(ndarray, _reduction, _method(_reduction, "axis dtype out keepdims"))
for _extreme in ("max", "min", "argmax", "argmin", "all", "any"):
    setattr(ndarray, _extreme, _method(_extreme, "axis out keepdims"))
for _spread in ("var", "std"):
    setattr(ndarray, _spread, _method(_spread, "axis dtype out ddof keepdims"))
for _name, _parameters in {
    "reshape": "order", "transpose": "", "swapaxes": "", "squeeze": "axis", "ravel": "order", "flatten": "order",
    "astype": "dtype copy order casting", "copy": "order", "cumsum": "axis dtype out", "cumprod": "axis dtype out",
    "dot": "", "take": "axis out", "repeat": "axis", "view": "dtype", "nonzero": "", "clip": "", "round": "decimals",
    "diagonal": "offset axis1 axis2", "trace": "offset axis1 axis2", "fill": "", "argsort": "axis kind", "sort": "axis",
    "conj": "", "choose": "", "compress": "axis", "put": "mode", "searchsorted": "side",
}.items():  # fmt: skip
    setattr(ndarray, _name, _method(_name, _parameters))


def _index(index: Any) -> Any:
    """An index as NumPy takes it; CuPy takes arrays of NumPy there."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    return index.own if isinstance(index, ndarray) else index


def _plain(x: Any, name: str) -> Any:
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type <class 'numpy.ndarray'> in {name}")
    return x.own if isinstance(x, ndarray) else x


def _device(x: Any, name: str) -> ndarray:
    if not isinstance(x, ndarray):
        raise TypeError(f"Unsupported type {type(x)} in {name}")
    return x


def _nest(x: Any, name: str) -> Any:
    if isinstance(x, (list, tuple)) and any(isinstance(part, (ndarray, np.ndarray)) for part in x):
        return type(x)([_plain(part, name) for part in x])
    return _plain(x, name)


def _wrapped(x: Any, *bases: ndarray) -> Any:
    """A result: CuPy has no numbers, but arrays without axes."""
    if isinstance(x, np.generic):
        return ndarray(np.asarray(x))
    if not isinstance(x, np.ndarray):
        return x
    views = [base for base in bases if not x.flags.writeable or np.may_share_memory(x, base.own)]
    shared = views[0] if views else None
    return ndarray(x, None if shared is None else shared if shared.base is None else shared.base)


def asarray(x: Any) -> ndarray:
    return x if isinstance(x, ndarray) else ndarray(np.array(x))


def asnumpy(x: Any) -> np.ndarray:
    return x.get() if isinstance(x, ndarray) else np.asarray(x)


class Library:
    """The module of the arrays."""

    ndarray = ndarray
    asarray = staticmethod(asarray)
    asnumpy = staticmethod(asnumpy)


register(NAME, Library)
