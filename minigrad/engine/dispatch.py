"""How an operation is called: three paths to one result, from the quickest to the most general.

Each unwraps its tensors, calls the forward, and, where an input needs a gradient, adds a node that keeps what the rules
name. Most operations have one or two inputs and no attributes; their own paths cost a third of the general one, which
is most of the time of a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numpy import asarray, ndarray

from minigrad.engine.mode import current_mode
from minigrad.engine.primitive import REQUIRED, Primitive, selector, table
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
    smooth: bool = False,
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
        smooth: whether no gradient becomes infinite or NaN where the forward and `g` are finite; the walk then need not
            keep NumPy from warning, which saves a small network 2 µs a step.
        numpy: the function of NumPy that this operation stands for on tensors; a ufunc stands for itself.

    Raises: TypeError if a rule does not begin with `g` or asks for a name that is not there, or if there are more rules
        than parameters; ValueError if the operation's name is one of minigrad's own.
    """
    if name in table and _is_ours(table[name]):
        raise ValueError(f"there is an operation {name!r} already; give this one another name")
    operation = Primitive(name, forward, rules, fast, extras, variadic, smooth)
    plain = all(rules) and len(operation.frame) == len(rules) + 1 and not (fast or variadic)
    if plain and len(rules) == 1:
        apply = _unary(operation)
    elif plain and len(rules) == 2:
        apply = _binary(operation)
    elif variadic:
        apply = _variadic(operation)
    else:
        apply = _general(operation)
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"NumPy's `{name}`, differentiable." if isinstance(forward, np.ufunc) else forward.__doc__
    if not isinstance(forward, np.ufunc):
        apply.__wrapped__ = forward  # type: ignore[attr-defined] # whose signature it has
    apply.primitive = operation  # type: ignore[attr-defined]
    table[name] = operation
    for stands_for in (forward if isinstance(forward, np.ufunc) else None, numpy):
        if stands_for is not None and numpy_functions.get(stands_for, apply).__name__ == name:
            numpy_functions[stands_for] = apply
    return apply


def _is_ours(operation: Primitive) -> bool:
    """Whether nobody outside has a part in it. Others may declare theirs anew, as a notebook does with each run."""
    parts = [operation.forward, *operation.rules, operation.fast]
    modules = [part.__module__ for part in parts if isinstance(part, FunctionType)]
    return all(module.split(".")[0] in ("minigrad", "numpy") for module in modules)


def operand(value: Any) -> Any:
    """What may stand beside a tensor: numbers stay weak (NumPy's scalars too), lists become arrays."""
    if isinstance(value, (bool, int, float, ndarray)) and not isinstance(value, np.generic):
        return value
    return value.item() if isinstance(value, np.generic) else as_array(value)


def _unary(operation: Primitive) -> Callable[..., Any]:
    """The function of an operation on one input without attributes."""
    forward = operation.forward
    fresh = isinstance(forward, np.ufunc)  # else the result may be a view
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
        own = fresh or (result.data.base is None and result.data is not data)
        result.version = version = [0] if own else _version_of(result.data, (data,), (x.version,))
        mode = current_mode()
        if x.node is None or not mode.grad:
            result.node = None
            if mode.watcher is not None:
                mode.watcher.made(operation, None, (x,), (result.data,))
            return result
        result.node = node = _new(Node)
        node.primitive = operation
        node.number = next_number()
        node.parents = (x.node,)
        node.forms = ((data.shape, data.dtype),)
        node.saved = (data if keeps_x else None, result.data if keeps_out else None)
        if keeps_x:
            node.cells = (x.version, version) if keeps_out else (x.version,)
            node.seen = x.version[0] + version[0] if keeps_out else x.version[0]
        elif keeps_out:
            node.cells = (version,)
            node.seen = version[0]
        else:
            node.cells = ()
            node.seen = 0
        if mode.watcher is not None:
            mode.watcher.made(operation, node, (x,), (result.data,))
        return result

    return apply


def _binary(operation: Primitive) -> Callable[..., Any]:
    """The function of an operation on two inputs without attributes."""
    forward = operation.forward
    fresh = isinstance(forward, np.ufunc)
    patterns = (True, False), (False, True), (True, True)
    keep_x, keep_y, keep_both = (operation.keep(needs) for needs in patterns)
    cells_x, cells_y, cells_both = (selector(operation.kept(needs)) for needs in patterns)

    def apply(x: Any, y: Any) -> Any:
        if isinstance(x, Tensor):
            a: Any = x.data
            a_node, a_version = x.node, x.version
            if isinstance(y, Tensor):
                b: Any = y.data
                b_node, b_version = y.node, y.version
            else:
                b = y if type(y) is float else operand(y)
                b_node, b_version = None, _constant
        elif isinstance(y, Tensor):
            a = x if type(x) is float else operand(x)
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
        own = fresh or (result.data.base is None and result.data is not a and result.data is not b)
        result.version = version = [0] if own else _version_of(result.data, (a, b), (a_version, b_version))
        mode = current_mode()
        if (a_node is None and b_node is None) or not mode.grad:
            result.node = None
            if mode.watcher is not None:
                mode.watcher.made(operation, None, (x, y), (result.data,))
            return result
        result.node = node = _new(Node)
        node.primitive = operation
        node.number = next_number()
        node.parents = (a_node, b_node)
        frame = (a, b, result.data, None)
        versions = (a_version, b_version, version)
        if b_node is None:
            node.saved = keep_x(frame)
            node.forms = ((a.shape, a.dtype), None)
            node.cells = cells = cells_x(versions)
        elif a_node is None:
            node.saved = keep_y(frame)
            node.forms = (None, (b.shape, b.dtype))
            node.cells = cells = cells_y(versions)
        else:
            node.saved = keep_both(frame)
            node.forms = ((a.shape, a.dtype), (b.shape, b.dtype))
            node.cells = cells = cells_both(versions)
        seen = 0
        for cell in cells:
            seen += cell[0]
        node.seen = seen
        if mode.watcher is not None:
            mode.watcher.made(operation, node, (x, y), (result.data,))
        return result

    return apply


def _general(operation: Primitive) -> Callable[..., Any]:
    """The function of any other operation: several inputs, attributes, extras, a fast path."""
    forward, extras, arity = operation.forward, operation.extras, operation.arity
    defaults, derived = operation.defaults, operation.derived
    required, most = defaults.count(REQUIRED), len(defaults)
    bits = [1 << i if rule else 0 for i, rule in enumerate(operation.rules)] or [0] * arity

    @cache
    def kept(needs: int) -> tuple[Any, Any]:
        pattern = [bool(needs & bit) for bit in bits]
        return operation.keep(pattern), selector(operation.kept(pattern))

    def apply(*args: Any, **kwargs: Any) -> Any:
        if kwargs or not required <= len(args) <= most:
            values = operation.bind(args, kwargs)
        else:
            values = [*args, *defaults[len(args) :]]
        parents: list[Node | None] = [None] * arity
        forms: list[Any] = [None] * arity
        versions = [_constant] * arity
        needs = 0
        tensors = plain = False
        for i, value in enumerate(values):
            if isinstance(value, Tensor):
                tensors = True
                data = values[i] = value.data
                if i < arity:
                    versions[i] = value.version
                    if value.node is not None and bits[i]:
                        needs |= bits[i]
                        parents[i] = value.node
                        forms[i] = (data.shape, data.dtype)
                elif bits and value.node is not None and current_mode().grad:
                    name = operation.parameters[i]
                    raise TypeError(f"{operation.name} cannot be differentiated in {name!r}; pass it as .detach()")
            elif i < arity and type(value) is not ndarray and value is not None:
                plain = True
        if plain and tensors:
            for i in range(arity):
                if type(values[i]) is not ndarray and values[i] is not None:
                    values[i] = operand(values[i])
        try:
            result = forward(*values)
        except (TypeError, ValueError, IndexError) as error:
            operation.explain(values, error)
        out, extra = (result[0], result[1:]) if extras else (result, ())
        if type(out) is not ndarray:
            out = asarray(out)
        if not tensors:
            return out
        tensor = _new(Tensor)
        tensor.data = out
        tensor.version = version = (
            [0] if out.base is None and out is not values[0] else _version_of(out, values, versions)
        )
        mode = current_mode()
        if not needs or not mode.grad:
            tensor.node = None
            if mode.watcher is not None:
                mode.watcher.made(operation, None, operation.bind(args, kwargs), (out, *extra))
            return tensor
        tensor.node = node = _new(Node)
        node.primitive = operation
        node.number = next_number()
        node.parents = tuple(parents)
        node.forms = tuple(forms)
        asked = [getattr(values[i], attribute, None) for i, attribute in derived] if derived else ()
        keep, cells_of = kept(needs)
        node.saved = keep((*values, out, *extra, *asked, None))
        node.cells = cells = cells_of((*versions, version))
        seen = 0
        for cell in cells:
            seen += cell[0]
        node.seen = seen
        if mode.watcher is not None:
            mode.watcher.made(operation, node, operation.bind(args, kwargs), (out, *extra))
        return tensor

    return apply


def _variadic(operation: Primitive) -> Callable[..., Any]:
    """The function of an operation on a list of inputs, with attributes."""
    forward, derived = operation.forward, operation.derived
    keep = operation.keep((True,))
    keeps_inputs, keeps_out = (place in operation.keeps[0] for place in (0, 1))

    def apply(*args: Any, **kwargs: Any) -> Any:
        values = operation.bind(args, kwargs)
        given = list(values[0])
        if not any(isinstance(x, Tensor) for x in given):
            return asarray(forward(*values))
        inputs = values[0] = [x.data if isinstance(x, Tensor) else asarray(operand(x)) for x in given]
        try:
            out = asarray(forward(*values))
        except (TypeError, ValueError, IndexError) as error:
            operation.explain(values, error)
        version = [0]
        nodes = tuple([x.node if isinstance(x, Tensor) else None for x in given])
        mode = current_mode()
        if not any(nodes) or not mode.grad:
            if mode.watcher is not None:
                mode.watcher.made(operation, None, operation.bind(args, kwargs), (out,))
            return wrap(out, None, version)
        node = _new(Node)
        node.primitive = operation
        node.number = next_number()
        node.parents = nodes
        node.forms = tuple([(x.shape, x.dtype) for x in inputs])
        asked = [[getattr(x, attribute) for x in inputs] for _, attribute in derived]
        node.saved = keep((*values, out, *asked, None))
        cells = [x.version if isinstance(x, Tensor) else _constant for x in given] if keeps_inputs else []
        node.cells = (*cells, version) if keeps_out else tuple(cells)
        node.seen = sum([cell[0] for cell in node.cells])
        if mode.watcher is not None:
            mode.watcher.made(operation, node, operation.bind(args, kwargs), (out,))
        return wrap(out, node, version)

    return apply


def _version_of(out: ndarray[Any, Any], inputs: Sequence[Any], cells: Sequence[list[int]]) -> list[int]:
    """The version cell of a result: that of the input whose memory it shows, or a new one."""
    if out.base is not None:
        for value, cell in zip(inputs, cells, strict=False):
            if isinstance(value, ndarray) and (out.base is value or out.base is value.base):
                return cell
    else:
        for value, cell in zip(inputs, cells, strict=False):
            if out is value:
                return cell
    return [0]
