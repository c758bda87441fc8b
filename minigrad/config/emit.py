"""Plans as YAML, with all names and defaults spelled out."""

from __future__ import annotations

import json
import math
import re

from minigrad.config.diagnostics import DEFAULT, Span
from minigrad.config.nodes import Key, MappingNode, Node, Scalar, ScalarNode, SequenceNode
from minigrad.config.reader import OLD_BOOLEANS, scalar
from minigrad.config.sources import VERSION
from minigrad.config.values import Call, Entries, Items, Literal, Reference, Value

WIDTH = 100
"""The maximum length of a mapping or list on one line."""

# texts that every YAML reader reads as texts: words, with spaces, slashes, dots and dashes inside
_SAFE = re.compile(r"[A-Za-z_][\w/.-]*( [\w/.-]+)*", re.ASCII)


def emit(root: Call, origins: bool = False) -> str:
    """Return the text of a resolved config.

    With `origins`, each line has a comment that says where its value was written.
    """
    version = Key("version", DEFAULT)
    entries = {version: _scalar_node(DEFAULT, VERSION), **_entries(root.arguments)}
    lines = _block(MappingNode(DEFAULT, entries), depth=0 if origins else 1)
    if not origins:
        return "".join(f"{text}\n" for text, _ in lines)
    column = max(len(text) for text, _ in lines if len(text) <= WIDTH // 2)
    return "".join(f"{text:{column}}  # {_origin(place)}\n" for text, place in lines)


def _node(value: Value) -> Node:
    """Return a node that reads as this value."""
    match value:
        case Literal(place=place, value=known):
            return _scalar_node(place, known)
        case Items(place=place, items=items):
            return SequenceNode(place, [_node(item) for item in items])
        case Entries(place=place, entries=entries):
            return MappingNode(place, _entries(entries))
        case Call():
            return _call_node(value)
        case Reference(place=place, path=path, target=Call()):
            return ScalarNode(place, path, f"'${{{path}}}'")
        case Reference(target=target) if target is not None:
            return _node(target)
    raise AssertionError("a plan with problems is never written")


def _call_node(call: Call) -> Node:
    variadic = call.signature.variadic
    if variadic and len(call.signature.parameters) == 1:
        arguments = _node(call.arguments[variadic.name])
    else:
        arguments = MappingNode(call.place, _entries(call.arguments))
    if not call.is_named:
        return arguments
    name = Key(call.signature.name, call.place)
    is_bare = arguments in (MappingNode(call.place, {}), SequenceNode(arguments.place, []))
    return ScalarNode(call.place, name, name) if is_bare else MappingNode(call.place, {name: arguments})


def _entries(values: dict[str, Value]) -> dict[Key, Node]:
    return {Key(name, value.place): _node(value) for name, value in values.items()}


def _scalar_node(place: Span, value: Scalar) -> ScalarNode:
    return ScalarNode(place, value, _text(value))


def _text(value: Scalar) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
        case int() | float():
            return repr(value)
    text = str(value)
    if _SAFE.fullmatch(text) and scalar(text) == text and text.lower() not in OLD_BOOLEANS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]", lambda found: f"\\U{ord(found[0]):08x}", quoted)


def _block(node: Node, depth: int) -> list[tuple[str, Span]]:
    """Return the lines of a node.

    A value that nests mappings no deeper than `depth` is written on one line if it fits.
    """
    match node:
        case MappingNode(entries=entries) if entries:
            lines = []
            for key, value in entries.items():
                if _depth(value) <= depth and len(inline := f"{_text(key)}: {_inline(value)}") <= WIDTH:
                    lines.append((inline, value.place))
                else:
                    lines.append((f"{_text(key)}:", value.place))
                    lines += [(f"  {text}", place) for text, place in _block(value, depth)]
            return lines
        case SequenceNode(items=items) if items:
            lines = []
            for item in items:
                (first, place), *rest = _block(item, depth)
                lines += [(f"- {first}", place), *((f"  {text}", place) for text, place in rest)]
            return lines
    return [(_inline(node), node.place)]


def _inline(node: Node) -> str:
    match node:
        case ScalarNode(text=text):
            return text
        case SequenceNode(items=items):
            return f"[{', '.join(map(_inline, items))}]"
        case MappingNode(entries=entries):
            return "{" + ", ".join(f"{_text(key)}: {_inline(value)}" for key, value in entries.items()) + "}"


def _depth(node: Node) -> int:
    match node:
        case SequenceNode(items=items):
            return max(map(_depth, items), default=0)
        case MappingNode(entries=entries) if entries:
            return 1 + max(map(_depth, entries.values()))
    return 0


def _origin(place: Span) -> str:
    return f"{place.source.name}:{place.line}" if place.line else place.source.name
