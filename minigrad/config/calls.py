"""Calls: classes and their arguments in a config."""

from __future__ import annotations

import dataclasses
from pathlib import PurePath
from typing import Any

from minigrad.config.annotations import Instance, ListOf, Union, fits, type_of
from minigrad.config.diagnostics import DEFAULT
from minigrad.config.nodes import Key, MappingNode, Node, ScalarNode, SequenceNode
from minigrad.config.signature import REQUIRED, Parameter, Signature


def is_class_name(text: Any) -> bool:
    """Whether a text begins with a capital, as classes do."""
    return isinstance(text, str) and text[:1].isupper()


def split_call(node: Node) -> tuple[Key | None, Node | None]:
    """Split a node into a class name and its arguments.

    Either is None if it is missing.
    """
    match node:
        case ScalarNode(value=str(text)) if is_class_name(text):
            return Key(text, node.place), None
        case ScalarNode(text=""):
            return None, None
        case MappingNode(entries=entries) if len(entries) == 1 and is_class_name(next(iter(entries))):
            [(name, given)] = entries.items()
            nothing = isinstance(given, ScalarNode) and not given.text
            return name, None if nothing else given
    return None, node


def name_arguments(given: Node | None, signature: Signature) -> tuple[dict[Key, Node], list[Node]]:
    """Return arguments by name, and left-over positional arguments.

    A variadic parameter takes the rest as a list. Overrides can address its items by number.
    """
    match given:
        case None:
            return {}, []
        case MappingNode(entries=entries) if split_call(given)[0] is None or not _takes_object(signature):
            variadic = signature.variadic
            numbered = {key: value for key, value in entries.items() if key.isdecimal()}
            if variadic is None or not numbered:
                return entries, []
            named = {key: value for key, value in entries.items() if key not in numbered}
            return {**named, Key(variadic.name, given.place): MappingNode(given.place, numbered)}, []
        case SequenceNode(items=items):
            values = items
        case _:
            values = [given]
    names = [parameter.name for parameter in signature.positional]
    arguments = {Key(name, value.place): value for name, value in zip(names, values, strict=False)}
    rest = values[len(names) :]
    if signature.variadic and rest:
        arguments[Key(signature.variadic.name, rest[0].place)] = SequenceNode(given.place, rest)
        rest = []
    return arguments, rest


def _takes_object(signature: Signature) -> bool:
    """Whether the single argument of a call may be an object to build."""
    for parameter in signature.parameters.values():
        spec = parameter.spec.item if parameter.is_variadic and isinstance(parameter.spec, ListOf) else parameter.spec
        return any(isinstance(o, Instance) for o in (spec.options if isinstance(spec, Union) else (spec,)))
    return False


def default_node(parameter: Parameter) -> Node | None:
    """Return a parameter's default as a node.

    The node is written as a user would write it. It is None if a config cannot express the default.
    """
    if parameter.is_variadic:
        return SequenceNode(DEFAULT, [])
    default, spec = parameter.default, parameter.spec
    cls = default if isinstance(default, type) else type(default)
    options = spec.options if isinstance(spec, Union) else (spec,)
    if default is not REQUIRED and any(isinstance(o, Instance) and issubclass(cls, o.cls) for o in options):
        if isinstance(default, type):
            return ScalarNode(DEFAULT, cls.__name__, cls.__name__)
        if not dataclasses.is_dataclass(default):
            return None
        fields = {f.name: getattr(default, f.name) for f in dataclasses.fields(default) if f.init}
        arguments = _node_of(fields)
        return MappingNode(DEFAULT, {Key(cls.__name__, DEFAULT): arguments}) if arguments else None
    node = _node_of(default)
    return node if node is not None and fits(type_of(default), spec) else None


def _node_of(value: Any) -> Node | None:
    match value:
        case None | bool() | int() | float() | str():
            return ScalarNode(DEFAULT, value, str(value) or "''")
        case PurePath():
            return ScalarNode(DEFAULT, str(value), str(value))
        case list() | tuple():
            items = [_node_of(item) for item in value]
            return None if None in items else SequenceNode(DEFAULT, [item for item in items if item is not None])
        case dict():
            entries = {Key(str(key), DEFAULT): _node_of(item) for key, item in value.items()}
            whole = {key: item for key, item in entries.items() if item is not None}
            return MappingNode(DEFAULT, whole) if len(whole) == len(entries) else None
    return None
