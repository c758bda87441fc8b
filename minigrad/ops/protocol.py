"""NumPy's protocols for functions and ufuncs of tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minigrad.engine.apply import numpy_functions
from minigrad.engine.arrays import asarray_like
from minigrad.engine.broadcast import astype
from minigrad.engine.tensor import Tensor
from minigrad.ops.compositions import values, write_out
from minigrad.ops.naming import MISTAKES, named_error
from minigrad.ops.refused import of_values, reason, wrapped
from minigrad.ops.ufuncs import METHODS

Function = Callable[..., Any]

_COMPOSED = SimpleNamespace(rules=(True,))

_WITHOUT_EFFECT = {"casting", "kind", "stable", "subok", "overwrite_input", "device", "hermitian", "copy"}
"""Keywords that change how NumPy computes, or what it permits, but not the result."""


_CREATION = {np.arange, np.array, np.asarray, np.empty, np.eye, np.full, np.identity, np.ones, np.tri, np.zeros}
"""Functions that NumPy passes on only for `like=tensor`; they return a constant on the tensor's device."""


class _Form(NamedTuple):
    """The conversion of a NumPy call to an operation's call.

    Attributes:
        signature: the signature of NumPy's function; None if it is unknown.
        names: the operation's parameter for each of NumPy's parameters that it supports.
        leading: the number of leading positional arguments with the same meaning in both.
        shared: the keywords that both have.
    """

    signature: inspect.Signature | None
    names: dict[str, str]
    leading: int
    shared: frozenset[str]


_IN_C = {"dot": "a b out=", "concatenate": "arrays axis= out= dtype= casting="}
"""The parameters of C functions, whose signatures NumPy has only since 2.4."""


def signature_of(function: Function) -> inspect.Signature | None:
    """Return a NumPy function's parameters; None if unknown."""
    try:
        return inspect.signature(function)
    except ValueError:
        parameters = [
            inspect.Parameter(
                name.rstrip("="),
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=np._NoValue if name.endswith("=") else inspect.Parameter.empty,
            )
            for name in _IN_C.get(function.__name__, "").split()
        ]
        return inspect.Signature(parameters) if parameters else None


@cache
def _form(function: Function, operation: Function) -> _Form:
    ours = inspect.signature(operation).parameters
    signature = signature_of(function)
    theirs = ours if signature is None else signature.parameters
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in ours.values()):
        return _Form(None, {}, 99, frozenset(ours))  # declared with NumPy's own parameters
    required = [name for name, p in ours.items() if p.default is p.empty and name not in theirs]
    others = iter(required)
    names = {}
    for name, p in theirs.items():
        own_name = name if name in ours else next(others, None) if p.default is p.empty else None
        if own_name is not None:
            names[name] = own_name
        if p.kind is p.VAR_KEYWORD:
            names.update({own: own for own in ours})
    leading = 0
    for (name, p), own in zip(theirs.items(), ours, strict=False):
        if names.get(name) != own or p.kind is p.KEYWORD_ONLY:
            break
        leading += 1
    return _Form(signature, names, leading, frozenset(name for name in names if names[name] == name))


def array_function(self: Tensor, function: Function, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Implement `__array_function__`: `np.sum(tensor)`, `np.concatenate([tensor, tensor])` and the like."""
    operation = numpy_functions.get(function)
    if function in _CREATION:
        return Tensor(asarray_like(function(*args, **kwargs), self))
    if operation is None:
        refuse(name_of(function))
    form = _form(function, operation)
    try:
        return wrapped(_call(function, form, operation, args, kwargs))
    except MISTAKES as error:
        raise named_error(f"np.{name_of(function)}", args, kwargs, error) from None


def _call(function: Function, form: _Form, operation: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the operation with the arguments of a NumPy call."""
    if len(args) <= form.leading and kwargs.keys() <= form.shared:
        return operation(*args, **kwargs)
    if getattr(operation, "is_constant", False) or not any(getattr(operation, "primitive", _COMPOSED).rules):
        return of_values(function)(*args, **kwargs)
    return _call_as_numpy(name_of(function), form, operation, args, kwargs)


def _call_as_numpy(name: str, form: _Form, operation: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an operation with NumPy's parameters, and do what keywords that only NumPy has ask for."""
    if form.signature is None:
        own = {key: kwargs[key] for key in kwargs if key in form.shared}
        rest = {key: kwargs[key] for key in kwargs if key not in form.shared}
    else:
        try:
            given = form.signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"np.{name}: {error}; it takes {', '.join(form.signature.parameters)}") from None
        given.update(given.pop("kwargs", {}))
        defaults = {key: p.default for key, p in form.signature.parameters.items()}
        given = {key: x for key, x in given.items() if not (x is defaults.get(key, _COMPOSED) or x is np._NoValue)}
        own = {form.names[key]: x for key, x in given.items() if key in form.names}
        rest = {key: x for key, x in given.items() if key not in form.names}
        args = ()
    out, dtype = rest.pop("out", None), rest.pop("dtype", None)
    if rest.get("order", "K") in ("C", "K", "A", None):
        rest.pop("order", None)
    unknown = [key for key in rest if key not in _WITHOUT_EFFECT]
    if unknown:
        known = list(form.names or form.shared)
        raise TypeError(
            f"np.{name} of a tensor takes no {', '.join(f'{key}={rest[key]!r}' for key in unknown)}; it takes "
            f"{', '.join(known)}; of .detach().numpy() NumPy gives a constant"
        )
    result = operation(*_positional(operation, own, args), **own)
    return write_out(name, result if dtype is None else astype(result, dtype), out)


def _positional(operation: Function, own: dict[str, Any], args: tuple[Any, ...]) -> list[Any]:
    """Return the positional arguments, with positional-only ones moved here from the keywords `own`."""
    parameters = inspect.signature(operation).parameters.values() if own else ()
    return [*args, *(own.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in own)]


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Implement `__array_ufunc__`: `np.exp(tensor)`, `np.add.reduce(tensor)` and the like."""
    operation = numpy_functions.get(ufunc)
    if operation is None:
        refuse(ufunc.__name__)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    try:
        if not kwargs and method == "__call__":
            return operation(*inputs)
        return _of_ufunc(name, ufunc, operation, method, inputs, kwargs)
    except MISTAKES as error:
        raise named_error(f"np.{name}", inputs, kwargs, error) from None


def _of_ufunc(
    name: str, ufunc: np.ufunc, operation: Function, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call a ufunc with keywords, or one of its methods."""
    outs = kwargs.pop("out", None) or (None,) * ufunc.nout
    mask, dtype = kwargs.pop("where", True), kwargs.pop("dtype", None)
    for key in ("casting", "order", "subok"):
        kwargs.pop(key, None)
    if dtype is not None and method != "at":
        char = np.dtype(dtype).char  # arguments that are integers in all loops, such as exponents, keep their dtype
        taken = [hasattr(x, "dtype") and any(loop[i] == char for loop in ufunc.types) for i, x in enumerate(inputs)]
        inputs = tuple([astype(x, dtype) if is_taken else x for x, is_taken in zip(inputs, taken, strict=True)])
    if method != "__call__":
        if mask is not True:
            kwargs["where"] = mask
        return write_out(name, METHODS[method](ufunc, operation, *inputs, **kwargs), outs[0])
    try:
        inspect.signature(operation).bind(*inputs, **kwargs)
    except TypeError as error:
        raise TypeError(f"np.{name} of a tensor: {error}") from None
    with np.errstate(all=None if mask is True else "ignore"):  # masked elements may be invalid
        result = operation(*inputs, **kwargs)
    results = [result] if ufunc.nout == 1 else result
    if mask is not True:
        mask = values(mask)
        results = [np.where(mask, x, 0 if out is None else +out) for x, out in zip(results, outs, strict=True)]
    done = [write_out(name, x, out) for x, out in zip(results, outs, strict=True)]
    return done[0] if ufunc.nout == 1 else tuple(done)


def name_of(function: Function) -> str:
    """The name of a NumPy function, with `linalg`.

    It begins with its submodule, if any, as in "linalg.norm".
    """
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy").removeprefix(".")
    return f"{module}.{function.__name__}" if module else function.__name__


def refuse(name: str) -> NoReturn:
    """Raise TypeError for a NumPy function without tensors."""
    why = reason(name)
    raise TypeError(
        f"np.{name} has no derivative here{f' ({why})' if why else ''}; of .detach().numpy() it gives a constant"
    )
