"""Values of a plan: what will be built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minigrad.config.annotations import Choice, DictOf, Inexpressible, Instance, Spec, TupleOf, Union
from minigrad.config.diagnostics import Span
from minigrad.config.signature import Signature, facts_of


@dataclass(eq=False)
class Literal:
    """A known value: a number, text, true, false or None."""

    place: Span
    value: Any


@dataclass(eq=False)
class Items:
    """A sequence of values, built as `container` (list or tuple)."""

    place: Span
    items: list[Value]
    container: type


@dataclass(eq=False)
class Entries:
    """Values by name, built as a dict."""

    place: Span
    entries: dict[str, Value]


@dataclass(eq=False)
class Call:
    """A call of a class (or the config's signature).

    An open call gets its first argument during the run. A named call is one of several possible classes, so that
    `emit` writes its name.
    """

    place: Span
    target: Callable[..., Any]
    signature: Signature
    arguments: dict[str, Value]
    is_open: bool = False
    is_named: bool = False


@dataclass(eq=False)
class Reference:
    """A reference `${path}` to `target`, or to its property `fact`.

    `what` describes the place of the reference.
    """

    place: Span
    path: str
    wanted: Spec
    what: str
    target: Value | None = None
    fact: str = ""


@dataclass(eq=False)
class Broken:
    """A value whose error has been reported already."""

    place: Span


Value = Literal | Items | Entries | Call | Reference | Broken


def children(value: Value) -> list[Value]:
    """Return the values that are built before this one."""
    match value:
        case Items(items=items):
            return items
        case Entries(entries=entries):
            return list(entries.values())
        case Call(arguments=arguments):
            return list(arguments.values())
        case Reference(target=target) if target is not None:
            return [target]
    return []


def child(value: Value, word: str) -> Value | None:
    """Return the value one step down a path.

    It is an argument, an entry, or an item by its number. Items of a variadic argument have numbers, too.
    """
    match value:
        case Call(arguments=arguments):
            variadic = value.signature.variadic
            if variadic and word.isdecimal() and variadic.name in arguments:
                return child(arguments[variadic.name], word)
            return arguments.get(word)
        case Items(items=items) if word.isdecimal() and int(word[:9]) < len(items):
            return items[int(word)]
        case Entries(entries=entries):
            return entries.get(word)
    return None


def spec_of_value(value: Value) -> Spec:
    """The type of a value, for a reference to it."""
    match value:
        case Literal(value=known):
            return Choice((known,))
        case Items(items=items):
            return TupleOf(tuple(map(spec_of_value, items)))
        case Entries(entries=entries):
            return DictOf(Union(tuple(map(spec_of_value, entries.values()))))
        case Call(target=type() as cls, is_open=is_open):
            return Instance(cls, is_open)
        case Reference(target=Call(target=type() as cls), fact=fact) if fact:
            return facts_of(cls)[fact]
        case Reference(target=target) if target is not None:
            return spec_of_value(target)
    return Inexpressible("could not be understood")
