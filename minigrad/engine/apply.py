"""Application of operations to arrays and tensors.

An operation unwraps its tensors, calls the forward, and records a node if a gradient may be needed.

`TEMPLATE` is the code of all operations. On its first call, an operation fills in the template and compiles it, as
`dataclasses` does: generic code that loops over arguments would take three times as long, which is most of the time of
a small network. `ops.multiply.source` is the code generated for `multiply`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any, NoReturn

import numpy as np
from numpy import asarray, ndarray

from minigrad.devices import foreign
from minigrad.engine.arrays import asarray as array_of
from minigrad.engine.arrays import operand
from minigrad.engine.errors import explain
from minigrad.engine.graph import Node, next_sequence
from minigrad.engine.mode import current_mode
from minigrad.engine.primitive import Primitive, define, missing
from minigrad.engine.tensor import Tensor
from minigrad.names import explained

Function = Callable[..., Any]

operations: dict[str, Primitive] = {}
"""Every operation by name."""

numpy_functions: dict[Function, Function] = {}
"""The operation that replaces a NumPy function when the function is called with a tensor."""


def primitive(
    name: str,
    forward: Function,
    *rules: Function | None,
    fused: Function | None = None,
    residuals: tuple[str, ...] = (),
    variadic: bool = False,
    numpy: Function | None = None,
) -> Function:
    """Declare an operation and return it as a function.

    The function takes arrays and returns an array; if any input is a tensor, it returns a tensor.

        multiply = primitive("multiply", np.multiply, lambda g, y: g * y, lambda g, x: g * x)

    Rules are written with operations. On arrays they run at NumPy's speed; on tensors they build a graph of the
    derivative, which can be differentiated again.

    Args:
        name: the operation's unique name, used in errors and drawings.
        forward: a ufunc, or a function of arrays whose first parameters are the inputs and the others attributes.
        rules: a function `rule(g, ...)` for each input, which returns the gradient of that input, given the gradient
            `g` of the output; None for an input without a derivative. The names of a rule's parameters declare what is
            saved for it: parameters of the forward, `out`, residuals, `x_shape` and `x_dtype`. The engine undoes
            broadcasting. Neither rules nor the fused backward may write into `g` or saved arrays; they return a new
            array, `g` itself, or a view of it. The output of an operation without rules is a constant.
        fused: `fused(g, needs, ...)` returns the gradients of all inputs at once, None where `needs[i]` is false. It is
            called with arrays only, and must agree with the rules. A saved value that only unneeded rules read is None.
        residuals: names of what the forward returns after its output, such as a mask. Rules treat them as constants.
        variadic: the forward's first parameter is a list of inputs; the only rule returns the list of their gradients,
            and may ask for `<parameter>_shape`, the list of their shapes.
        numpy: the NumPy function that this operation replaces on tensors; by default a ufunc forward itself.

    Raises:
        TypeError: if a rule does not begin with `g` or asks for an unknown name, or if there are more rules than
            parameters.
        ValueError: if minigrad itself has an operation of that name.
    """
    if name in operations and _is_ours(operations[name]):
        raise ValueError(f"there is an operation {name!r} already; give this one another name")
    operation = Primitive(name, forward, rules, fused, residuals, variadic)
    for parameter in (*operation.parameters, *residuals):
        if parameter.startswith("_") or parameter in _SCOPE:
            raise TypeError(f"{name} has a parameter {parameter!r}, a name that the engine itself uses; choose another")
    operations[name] = operation
    apply = _function_of(operation)
    for function in (forward if isinstance(forward, np.ufunc) else None, numpy):
        if function is not None and numpy_functions.get(function, apply).__name__ == name:
            numpy_functions[function] = apply
    return apply


def _is_ours(operation: Primitive) -> bool:
    """Whether minigrad declared the operation. Other ones may be declared again, as when a notebook cell is rerun."""
    functions = [f for f in (operation.forward, *operation.rules) if isinstance(f, FunctionType)]
    return all(f.__module__.split(".")[0] in ("minigrad", "numpy") for f in functions)


def _function_of(operation: Primitive) -> Function:
    """Return the function that applies an operation. It is compiled on its first call."""
    forward = operation.forward
    apply: Any = FunctionType(_first_call.__code__, dict(_SCOPE), operation.name)
    apply.__globals__.update(apply=apply, forward=forward, operation=operation)
    # Python's message for wrong arguments begins with this: "sum takes x, axis, keepdims; sum() got an unexpected ..."
    apply.__qualname__ = explained(operation.name, operation.parameters)
    if isinstance(forward, np.ufunc):
        parameters = [inspect.Parameter(x, inspect.Parameter.POSITIONAL_OR_KEYWORD) for x in operation.parameters]
        apply.__doc__ = f"NumPy's `{operation.name}`, differentiable."
        apply.__signature__ = inspect.Signature(parameters)
    else:
        apply.__doc__, apply.__wrapped__ = forward.__doc__, forward
    apply.primitive = operation
    apply.source = _source(operation)
    return apply


def _first_call(*args: Any, **keywords: Any) -> Any:
    """The code of every operation before its first call; `apply` is the operation's function."""
    return specialize(apply)(*args, **keywords)  # type: ignore[name-defined] # noqa: F821


def specialize(apply: Any) -> Any:
    """Compile an operation's own code into its function; return it."""
    own = define(apply.source, f"{__file__}:{apply.primitive.name}", apply.__globals__)
    apply.__defaults__ = own.__defaults__  # set before the code, which another thread may call at once
    apply.__code__ = own.__code__
    return apply


TEMPLATE = """\
def apply({signature}):
    _has_tensor = False{unwrap}
    try:{convert}
        {results} = forward({arguments})
    except (TypeError, ValueError, IndexError, AttributeError, MemoryError) as _error:
        refuse(operation, [{arguments}], _error)
    if _out.__class__ is not ndarray and _out.__class__ not in foreign:
        _out = asarray(_out)
    if not _has_tensor:
        return _out
    _tensor = new(Tensor)
    _tensor._data = _out
    _tensor.version = _version = {version}
    _mode = current_mode()
    if _mode.grad and ({tracked}):
        _tensor.node = _node = Node()
        _node.primitive = operation
        _node.sequence = next_sequence()
        _node.parents = {parents}
        _node.input_types = {input_types}
        _node.saved = {saved}
        _node.versions = {versions}
    else:
        _tensor.node = _node = None
    if _mode.observer is not None:
        _mode.observer.on_forward(operation, _node, [{parameters}], [{arguments}], [{results}])
    return _tensor
"""

INPUT = """
    if isinstance({x}, Tensor):
        _has_tensor = True
        _{x}_data, _{x}_node, _{x}_version = {x}._data, {x}.node, {x}.version
    else:
        _{x}_data, _{x}_node, _{x}_version = {x}, None, constant"""

INPUTS = """
    {x} = list({x})
    _{x}_data = {x}
    _{x}_node = tuple([_each.node if isinstance(_each, Tensor) else None for _each in {x}])
    _{x}_version = tuple([_each.version if isinstance(_each, Tensor) else constant for _each in {x}])
    _has_tensor = _has_tensor or any([isinstance(_each, Tensor) for _each in {x}])"""

ATTRIBUTE = """
    _{x}_data = {x}
    if isinstance({x}, Tensor):
        _has_tensor, _{x}_data = True, attribute(operation, "{x}", {x})"""

CONVERT = """
        if _has_tensor and _{x}_version is constant:
            _{x}_data = operand(_{x}_data)"""

CONVERT_EACH = """
        if _has_tensor:
            _{x}_data = [_each._data if isinstance(_each, Tensor) else array_of(operand(_each)) for _each in {x}]"""

_PARTS = {
    "unwrap": (INPUT, INPUTS),
    "convert": (CONVERT, CONVERT_EACH),
    "tracked": ("_{x}_node", "any(_{x}_node)"),
    "node": ("_{x}_node", "*_{x}_node"),
    "type": (
        "_{x}_node and (_{x}_data.shape, _{x}_data.dtype)",
        "*[(_each.shape, _each.dtype) for _each in _{x}_data]",
    ),
    "data": ("_{x}_data", "*_{x}_data"),
    "version": ("_{x}_version", "*_{x}_version"),
    "is_view": ("_out is _{x}_data", "any([_out is _each for _each in _{x}_data])"),
}
"""The template's placeholders for an input, and for a list of inputs."""


def _source(op: Primitive) -> str:
    """Return the template, filled in for an operation."""
    ruled = [x for x, rule in zip(op.inputs, op.rules, strict=False) if rule]

    def each(part: str, inputs: Sequence[str] = op.inputs) -> dict[str, str]:
        return {x: _PARTS[part][op.variadic].format(x=x) for x in inputs}

    def each_or_none(part: str) -> str:
        return _tuple(each(part, ruled).get(x, "None") for x in op.inputs)

    values = {"out": "_out", **{x: x for x in op.residuals}, **{x: f"_{x}_data" for x in op.parameters}}

    def value(name: str) -> str:
        """Return the expression that a rule receives for a name: one of `values`, a shape or a dtype."""
        x, _, what = name.rpartition("_")
        if name in values:
            return values[name]
        if op.variadic:
            return f"[_each.{what} for _each in _{x}_data]"
        return f"_{x}_data.{what}" if op.saved[name] == [x] else f"getattr(_{x}_data, {what!r}, None)"

    def if_needed(name: str, value: str, otherwise: str) -> str:
        """Return the expression of a value that is saved only if a needed gradient reads it."""
        needed = " or ".join(each("tracked", op.saved[name]).values())
        return value if op.saved[name] == ruled else f"{value} if {needed} else {otherwise}"

    version = "[0]"
    if not isinstance(op.forward, np.ufunc):  # the output may share the memory of an input
        is_view = " or ".join(["_out.base is not None", *each("is_view").values()])
        arrays, versions = _tuple(each("data").values()), _tuple(each("version").values())
        version = f"version_of(_out, {arrays}, {versions}) if {is_view} else [0]"
    return TEMPLATE.format(
        signature=", ".join(
            x if default is missing else f"{x}=operation.parameters[{x!r}]" for x, default in op.parameters.items()
        ),
        parameters=", ".join(op.parameters),
        unwrap="".join(
            [*each("unwrap").values(), *(ATTRIBUTE.format(x=x) for x in op.parameters if x not in op.inputs)]
        ),
        convert="".join(each("convert").values()) if len(op.parameters) > 1 or op.variadic else "",
        arguments=", ".join(f"_{x}_data" for x in op.parameters),
        results=", ".join(["_out", *op.residuals]),
        version=version,
        tracked=" or ".join(each("tracked", ruled).values()) or "False",
        parents=each_or_none("node"),
        input_types=each_or_none("type"),
        saved=_tuple(if_needed(name, value(name), "None") for name in op.saved),
        versions=_tuple(
            if_needed(name, each("version").get(name, "_version"), "constant") for name in op.saved if op.is_array(name)
        ),
    )


def _tuple(items: Iterable[str]) -> str:
    """Return the source of a tuple."""
    items = list(items)
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def attribute(operation: Primitive, name: str, tensor: Tensor) -> Any:
    """Return the array of an attribute given as a tensor.

    Raises:
        TypeError: if it requires a gradient.
    """
    if operation.rules and tensor.node is not None and current_mode().grad:
        raise TypeError(f"{operation.name} cannot be differentiated in {name!r}; pass it as .detach()")
    return tensor.data


def version_of(out: ndarray[Any, Any], arrays: Sequence[Any], versions: Sequence[list[int]]) -> list[int]:
    """Return the version counter of an output.

    An output that shares memory with an input also shares its counter; any other gets a new one.
    """
    for array, version in zip(arrays, versions, strict=True):
        if out is array or (out.base is not None and (out.base is array or out.base is getattr(array, "base", 0))):
            return version
    return [0]


def refuse(operation: Primitive, values: Sequence[Any], error: Exception) -> NoReturn:
    """Re-raise the forward's error, naming the operation and its inputs."""
    inputs = values[0] if operation.variadic else values[: len(operation.inputs) or 1]
    names = [f"[{i}]" for i in range(len(inputs))] if operation.variadic else operation.parameters
    explain(operation.name, dict(zip(names, inputs, strict=False)), error, values)


_SCOPE: dict[str, Any] = {
    **{x.__name__: x for x in (Node, Tensor, asarray, attribute, isinstance, ndarray, operand, refuse, specialize)},
    **{"current_mode": current_mode, "new": object.__new__, "next_sequence": next_sequence, "version_of": version_of},
    "array_of": array_of,
    "foreign": foreign,
    "constant": [0],  # the version of arguments that are not tensors; never written to
    **dict.fromkeys(("apply", "forward", "operation")),  # each function has its own
}
"""The globals of generated code, apart from parameters and names that begin with an underscore."""
