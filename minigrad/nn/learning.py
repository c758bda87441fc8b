"""Diagnosis of weights that a training does not change."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from minigrad.engine import Tensor, no_grad, random
from minigrad.nn.module import Module
from minigrad.nn.parameter import Buffer, Parameter

_PACKAGE = Path(__file__).parents[1]


class HasGroups(Protocol):
    """The interface of an optimizer with parameter groups."""

    param_groups: list[dict[str, Any]]


def hidden_weights(model: Module) -> list[str]:
    """Describe weights of a model that no optimizer finds.

    These are modules and parameters inside lists, tuples, sets and dicts, arrays of real numbers, and tensors that are
    neither a `Parameter` nor a `Buffer`. Frozen ones, and ones that the model also has under another name, are left
    out.

    Args:
        model: the model, before its first call, as layers may store results in calls.

    Returns:
        A sentence for each attribute, with its dotted name, its class, the line of the user's file that sets it, and
        the remedy.
    """
    known = {id(module) for module in model.modules()}
    known |= {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
    found = []
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if not isinstance(value, (Module, Parameter, Buffer)) and (fault := _describe_attribute(value, known)):
                where = f"{path}.{name}" if path else name
                found.append(f"{where} of {type(module).__name__}{_line(type(module), name)} {fault}")
    return found


def unlearned(model: Module, optimizer: HasGroups | None = None, *inputs: Any) -> list[str]:
    """Describe weights that training does not change, unless frozen.

    Call it after `loss.backward()`:

        for sentence in nn.unlearned(model, optimizer, x):
            print(sentence)

    Args:
        model: the model, after the backward pass.
        optimizer: the optimizer, which should have all parameters; if None, only gradients are checked.
        inputs: inputs of the model, or one mapping of them by name. If a gradient is missing, the model is called with
            them again, in eval mode, to find which of its layers it calls.

    Returns:
        What `hidden_weights` returns, and a sentence for each parameter that has no gradient or is not in the
        optimizer, or for each layer that the model does not call.
    """
    return [*hidden_weights(model), *unreached(model, optimizer, *inputs)]


def unreached(model: Module, optimizer: HasGroups | None = None, *inputs: Any) -> list[str]:
    """Describe unlearned parameters, without those of `hidden_weights`.

    The arguments are those of `unlearned`.
    """
    faults: list[str] = []
    parameters = {path: p for path, p in model.named_parameters() if p.requires_grad}
    if optimizer is not None:
        given = {id(p) for group in optimizer.param_groups for p in group["params"]}
        faults += [
            f"{name} is not given to the optimizer: pass model.parameters(), or freeze it with requires_grad_(False)"
            for name in _names_of(model, {path for path, p in parameters.items() if id(p) not in given})
        ]
    if missing := {path for path, p in parameters.items() if p.grad is None}:
        idle = _never_called(model, inputs, missing) if inputs else set()
        faults += [f"{name} is never called: call it in forward(), or leave it out" for name in _names_of(model, idle)]
        faults += [
            f"{name} gets no gradient: what follows from it is not used, or leaves the graph, as by .data, .detach() "
            f"or no_grad()"
            for name in _names_of(model, missing - idle)
        ]
    return faults


def _describe_attribute(value: Any, known: set[int]) -> str:
    """Describe what is wrong with an unregistered attribute.

    The attribute is not a module, parameter or buffer. The result is "" if it holds no weights.
    """
    if isinstance(value, Tensor) and _can_learn(value):
        return "is a Tensor: make it a Parameter, which is learned, or a Buffer, which is only kept"
    if _is_array(value):
        return "is an array: make it a Parameter, which is learned, or a Buffer, which is only kept"
    inside = [each for each in _inside(value) if id(each) not in known]
    word = type(value).__name__
    if any(isinstance(each, Module) and any(p.requires_grad for p in each.parameters()) for each in inside):
        remedy = "ModuleDict" if isinstance(value, Mapping) else "ModuleList"
        return f"is a {word} with modules, whose parameters no optimizer gets: make it a {remedy}"
    if any(_is_array(each) or (isinstance(each, Tensor) and _can_learn(each)) for each in inside):
        return f"is a {word} with tensors or arrays, which no optimizer gets: set each as a Parameter, or as a Buffer"
    return ""


def _can_learn(tensor: Tensor) -> bool:
    return tensor.dtype.kind == "f" and (tensor.requires_grad or not isinstance(tensor, (Parameter, Buffer)))


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0


def _inside(value: Any, depth: int = 3) -> Iterator[Any]:
    """Yield the contents of a container, recursively."""
    items: Iterable[Any] = ()
    if isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, (list, tuple, set, frozenset)):
        items = value
    for item in items if depth else ():
        yield item
        yield from _inside(item, depth - 1)


def _never_called(model: Module, inputs: tuple[Any, ...], missing: set[str]) -> set[str]:
    """Return the missing parameters whose layers are never called.

    The model calls neither these layers nor any below them.
    """
    called: set[Module] = {model}
    hooks = [module.register_forward_hook(lambda module, _, __: called.add(module)) for module in model.modules()]
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad(), random.at(0), np.errstate(all="ignore"):
            if len(inputs) == 1 and isinstance(inputs[0], Mapping):
                model(**inputs[0])
            else:
                model(*inputs)
    finally:
        for module, mode in modes:
            module.training = mode
        for hook in hooks:
            hook.remove()
    idle: set[str] = set()
    for path, module in model.named_modules():
        if not any(child in called for child in module.modules()):
            idle |= {name for name in missing if name.startswith(f"{path}.")}
    return idle


def _names_of(model: Module, missing: set[str]) -> Iterator[str]:
    """Yield the names of the parameters, or of the topmost layers that consist of them."""
    left = set(missing)
    modules = dict(model.named_modules())
    for path, module in modules.items():
        own = {f"{path}.{name}" for name, p in module.named_parameters() if p.requires_grad}
        if path and own and own <= left:
            left -= own
            yield f"layer {path!r} ({type(module).__name__}){_place(modules, path)}"
    for path in sorted(left):
        owner = modules[path.rpartition(".")[0]]
        yield f"parameter {path!r} of {type(owner).__name__}{_place(modules, path)}"


def _place(modules: Mapping[str, Module], path: str) -> str:
    """Return where the user's code sets an attribute.

    The result is the file and line that set the attribute at `path`, or else the module that contains it.
    """
    while path:
        above, _, name = path.rpartition(".")
        if line := _line(type(modules[above]), name):
            return line
        path = above
    return ""


def _line(kind: type, name: str) -> str:
    """Return the file and line where a class sets an attribute, in parentheses; "" if unknown."""
    for cls in kind.__mro__:
        try:
            file = Path(inspect.getsourcefile(cls) or "")
            lines, first = inspect.getsourcelines(cls)
        except (OSError, TypeError):
            continue
        if _PACKAGE in file.resolve().parents:
            continue
        for i, line in enumerate(lines):
            if re.search(rf"\bself\.{re.escape(name)}\s*(:[^=]*)?=(?!=)", line):
                return f" ({_short(file)}:{first + i})"
    return ""


def _short(file: Path) -> str:
    """Return a path relative to the current folder, if it is inside."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
