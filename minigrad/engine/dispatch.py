"""How an operation is called: three paths to one result, from the quickest to the most general.

Each unwraps its tensors, calls the forward, and, where an input needs a gradient, adds a node that keeps what the rules
name. Most operations have one or two inputs and no attributes; their own paths cost a third of the general one, which
is most of the time of a small network.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy import asarray, ndarray

from minigrad.engine.mode import current_mode
from minigrad.engine.primitive import Primitive, selector, table
from minigrad.engine.tensor import Node, Tensor, as_array, next_number, wrap

numpy_functions: dict[Callable[..., Any], Callable[..., Any]] = {}
"""The operation that stands for a function of NumPy when that is called on a tensor."""

_new = object.__new__
_constant = [0]  # the version cell of what is not a tensor: nobody counts its writes


def primitive(
    name: str,
    forward: Callable[..., Any],
    *rules: Callable[..., Any] | None,
    fast: Callable[..., Any] | None = None,
    extras: tuple[str, ...] = (),
    variadic: bool = False,
    numpy: Callable[..., Any] | None = None,
) -> Callable[..., Any]:
    """Declares an operation and returns it as a function: of arrays it gives an array, of any tensor a tensor.

    Args:
        name: what errors and graphs call the operation. No two operations have the same.
        forward: a ufunc, or a function of arrays whose first parameters are the inputs and the others attributes.
        rules: for each input `rule(g, ...)`, the gradient with respect to it given `g`, that of the result; None for
            an input without derivative. Broadcasting is undone by the walk. Neither rules nor the fast path write
            into `g` or into what was kept, and what they return is new, `g` itself, or a view of it. An operation
            without rules gives constants. Rules are written with operations, so that they can be differentiated.
        fast: `fast(g, needs, ...)`, of arrays alone, returns the gradients of all inputs at once, None where `needs`
            is False. It must equal the rules. What only unneeded rules keep arrives as None.
        extras: names for what the forward returns after its result, such as a mask. To rules they are constants.
        variadic: the forward's first parameter is a list of inputs; the one rule returns the list of all gradients,
            and may ask for `<parameter>_shape`, the list of shapes.
        numpy: the function of NumPy that this operation stands for on tensors; a ufunc stands for itself.

    Raises: TypeError if a rule asks for a name that is not there, ValueError if the operation's name is taken.
    """
    if name in table:
        raise ValueError(f"there is an operation {name!r} already")
    operation = Primitive(name, forward, rules, fast, extras, variadic)
    plain = all(rules) and len(operation.frame) == len(rules) + 1 and not (fast or variadic)
    if plain and len(rules) == 1:
        apply = _unary(operation)
    elif plain and len(rules) == 2:
        apply = _binary(operation)
    else:
        apply = _general(operation)
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = (
        f"NumPy's `{name}`, differentiable." if isinstance(forward, np.ufunc) else inspect.getdoc(forward)
    )
    if not isinstance(forward, np.ufunc):
        apply.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
    apply.primitive = operation  # type: ignore[attr-defined]
    table[name] = operation
    for stands_for in (forward if isinstance(forward, np.ufunc) else None, numpy):
        if stands_for is not None:
            numpy_functions[stands_for] = apply
    return apply


def _operand(value: Any) -> Any:
    """What may stand beside a tensor: numbers stay weak (NumPy's float scalars too), lists become arrays."""
    if isinstance(value, (bool, int, float, ndarray)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, np.floating):
        return value.item()
    return as_array(value)


def _unary(operation: Primitive) -> Callable[..., Any]:
    """The function of an operation on one input without attributes."""
    forward = operation.forward
    (select,) = operation.selectors
    keeps_x, keeps_out = (place in operation.keeps[0] for place in (0, 1))

    def apply(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return asarray(forward(x))
        data = x.data
        try:
            out = forward(data)
        except (TypeError, ValueError) as error:
            operation.explain((data,), error)
        result = _new(Tensor)
        result.data = out if type(out) is ndarray else asarray(out)
        result.version = version = [0]
        if x.node is None or not current_mode().grad:
            result.node = None
            return result
        result.node = node = _new(Node)
        node.primitive = operation
        node.number = next_number()
        node.parents = (x.node,)
        node.forms = ((data.shape, data.dtype),)
        node.saved = (select((data, result.data)),)
        if keeps_x:
            node.cells = (x.version, version) if keeps_out else (x.version,)
            node.seen = x.version[0]
        else:
            node.cells = (version,) if keeps_out else ()
            node.seen = 0
        return result

    return apply


def _binary(operation: Primitive) -> Callable[..., Any]:
    """The function of an operation on two inputs without attributes."""
    forward = operation.forward
    select_x, select_y = operation.selectors
    keep_x = selector(operation.kept((True, False)))
    keep_y = selector(operation.kept((False, True)))
    keep_both = selector(operation.kept((True, True)))

    def apply(x: Any, y: Any) -> Any:
        if isinstance(x, Tensor):
            a: Any = x.data
            a_node, a_version = x.node, x.version
            if isinstance(y, Tensor):
                b: Any = y.data
                b_node, b_version = y.node, y.version
            else:
                b = y if type(y) is float else _operand(y)
                b_node, b_version = None, _constant
        elif isinstance(y, Tensor):
            a = x if type(x) is float else _operand(x)
            a_node, a_version = None, _constant
            b = y.data
            b_node, b_version = y.node, y.version
        else:
            return asarray(forward(x, y))
        try:
            out = forward(a, b)
        except (TypeError, ValueError) as error:
            operation.explain((a, b), error)
        result = _new(Tensor)
        result.data = out if type(out) is ndarray else asarray(out)
        result.version = version = [0]
        if (a_node is None and b_node is None) or not current_mode().grad:
            result.node = None
            return result
        result.node = node = _new(Node)
        node.primitive = operation
        node.number = next_number()
        node.parents = (a_node, b_node)
        frame = (a, b, result.data)
        if b_node is None:
            node.saved = (select_x(frame), None)
            node.forms = ((a.shape, a.dtype), None)
            node.cells = cells = keep_x((a_version, b_version, version))
        elif a_node is None:
            node.saved = (None, select_y(frame))
            node.forms = (None, (b.shape, b.dtype))
            node.cells = cells = keep_y((a_version, b_version, version))
        else:
            node.saved = (select_x(frame), select_y(frame))
            node.forms = ((a.shape, a.dtype), (b.shape, b.dtype))
            node.cells = cells = keep_both((a_version, b_version, version))
        seen = 0
        for cell in cells:
            seen += cell[0]
        node.seen = seen
        return result

    return apply


def _general(operation: Primitive) -> Callable[..., Any]:
    """The function of any other operation: several inputs, attributes, extras, a fast path."""
    forward, rules, extras, variadic = operation.forward, operation.rules, operation.extras, operation.variadic
    bind = operation.bind
    kept = cache(lambda needs: selector(operation.kept(needs)))
    fast_frame = cache(operation.fast_frame)

    def apply(*args: Any, **kwargs: Any) -> Any:
        values = bind(args, kwargs)
        inputs = list(values[0]) if variadic else values[: operation.arity]
        nodes: list[Node | None] = []
        cells: list[list[int]] = []
        tensors = False
        for i, value in enumerate(inputs):
            if isinstance(value, Tensor):
                tensors = True
                inputs[i] = value.data
                nodes.append(value.node if variadic or (rules and rules[i]) else None)
                cells.append(value.version)
            else:
                nodes.append(None)
                cells.append(_constant)
        attributes = values[1 if variadic else operation.arity :]
        for i, value in enumerate(attributes):
            if isinstance(value, Tensor):
                tensors = True
                if rules and value.node is not None and current_mode().grad:
                    name = operation.parameters[i + operation.arity]
                    raise TypeError(f"{operation.name} cannot be differentiated in {name!r}; pass it as .detach()")
                attributes[i] = value.data
        if tensors and any(type(value) is not ndarray for value in inputs):
            inputs = [value if value is None else _operand(value) for value in inputs]
        values = [inputs, *attributes] if variadic else [*inputs, *attributes]
        try:
            result = forward(*values)
        except (TypeError, ValueError, IndexError) as error:
            operation.explain(values, error)
        out, *extra = result if extras else (result,)
        if type(out) is not ndarray:
            out = asarray(out)
        if not tensors:
            return out
        version = _version_of(out, inputs, cells)
        if not any(nodes) or not current_mode().grad:
            return wrap(out, None, version)
        node = _new(Node)
        node.primitive = operation
        node.number = next_number()
        node.parents = tuple(nodes)
        node.forms = tuple(
            None if parent is None else (value.shape, value.dtype)
            for parent, value in zip(nodes, inputs, strict=True)
        )
        frame = (*values, out, *extra, *operation.derived(inputs))
        if variadic:
            node.saved = (operation.selectors[0](frame),)
            kept_inputs = 0 in operation.keeps[0]
            node.cells = (*(cells if kept_inputs else ()), *((version,) if 1 in operation.keeps[0] else ()))
        else:
            needs = tuple(parent is not None for parent in nodes)
            node.saved = tuple(
                select(frame) if need else None
                for select, need in zip(operation.selectors, needs, strict=False)
            )
            node.cells = kept(needs)((*cells, version))
            if operation.fast:
                node.saved += (fast_frame(needs)(frame),)
        node.seen = sum([cell[0] for cell in node.cells])
        return wrap(out, node, version)

    return apply


def _version_of(out: ndarray[Any, Any], inputs: list[Any], cells: list[list[int]]) -> list[int]:
    """The version cell of a result: that of the input whose memory it shows, or a new one."""
    if out.base is not None:
        for value, cell in zip(inputs, cells, strict=True):
            if isinstance(value, ndarray) and (out.base is value or out.base is value.base):
                return cell
    else:
        for value, cell in zip(inputs, cells, strict=True):
            if out is value:
                return cell
    return [0]
