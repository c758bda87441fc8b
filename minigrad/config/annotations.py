"""Types of annotations, and which values and types fit them."""

from __future__ import annotations

import collections.abc
import inspect
import math
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad.constructors import Constructed


@dataclass(frozen=True)
class Plain:
    """A plain type: `int`, `float`, `bool`, `str`, `Path` or None."""

    type: type

    def __str__(self) -> str:
        return _WORDS[self.type]


@dataclass(frozen=True)
class Choice:
    """A choice of values, `Literal[...]`; also a known value's type."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return _either(map(repr, self.values))


@dataclass(frozen=True)
class Union:
    """A union: `A | B` or `Optional[A]`."""

    options: tuple[Spec, ...]

    def __str__(self) -> str:
        return _either(map(str, self.options))


@dataclass(frozen=True)
class ListOf:
    """A list of any length, built as `container`.

    The annotation is `list[A]`, `Sequence[A]` or `tuple[A, ...]`.
    """

    item: Spec
    container: type = list

    def __str__(self) -> str:
        return f"a list, each item {self.item}"


@dataclass(frozen=True)
class TupleOf:
    """A list of a fixed length: `tuple[A, B]`."""

    items: tuple[Spec, ...]

    def __str__(self) -> str:
        return f"a list of {len(self.items)} ({', '.join(map(str, self.items))})"


@dataclass(frozen=True)
class DictOf:
    """A mapping with string keys: `dict[str, A]`."""

    item: Spec

    def __str__(self) -> str:
        return f"a mapping of names, each to {self.item}"


@dataclass(frozen=True)
class Instance:
    """An instance of a class.

    With `is_open`, for `Callable[[Any], A]`, the first argument is passed later, during the run.
    """

    cls: type
    is_open: bool = False

    def __str__(self) -> str:
        return with_article(self.cls.__name__)


@dataclass(frozen=True)
class Inexpressible:
    """An annotation whose values a config cannot express.

    `why` completes a sentence that begins with the parameter's name.
    """

    why: str

    def __str__(self) -> str:
        return "a value that only Python can provide"


Spec = Plain | Choice | Union | ListOf | TupleOf | DictOf | Instance | Inexpressible

_WORDS = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a text",
    Path: "a path",
    type(None): "null",
}
_LISTS: dict[Any, type] = {
    list: list,
    tuple: tuple,
    collections.abc.Sequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
}


def spec_of(annotation: Any) -> Spec:
    """Return the type of a resolved annotation."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is None:
        return Plain(type(None))
    if annotation in _WORDS:
        return Plain(annotation)
    if origin is typing.Annotated:
        return spec_of(arguments[0])
    if origin is typing.Literal:
        return Choice(arguments)
    if origin in (typing.Union, types.UnionType):
        options = tuple(map(spec_of, arguments))
        writable = tuple(option for option in options if not isinstance(option, Inexpressible))
        return Union(writable) if len(writable) > 1 else (writable or options)[0]
    if origin is tuple and arguments[1:] != (...,):
        return TupleOf(tuple(map(spec_of, arguments)))
    if origin in _LISTS:
        return ListOf(spec_of(arguments[0]), _LISTS[origin])
    if origin in (dict, collections.abc.Mapping) and arguments[0] is str:
        return DictOf(spec_of(arguments[1]))
    if origin is collections.abc.Callable and len(arguments) == 2 and arguments[0] == [Any]:
        made = spec_of(arguments[1])
        if isinstance(made, Instance):
            return Instance(made.cls, is_open=True)
    if annotation in (list, tuple, dict):
        return Inexpressible(f"does not say what it holds: annotate it as {annotation.__name__}[...] of something")
    if isinstance(annotation, type) and origin is None and annotation not in (object, Any):
        if _says_what_it_takes(annotation):
            return Instance(annotation)
        return Inexpressible(f"is annotated {annotation.__name__}, whose constructor does not say what it takes")
    return Inexpressible(f"is annotated {inspect.formatannotation(annotation)}, which a config cannot write")


def type_of(value: Any) -> Spec:
    """Return the narrowest type of plain Python data."""
    match value:
        case list() | tuple():
            return TupleOf(tuple(map(type_of, value)))
        case dict():
            return DictOf(Union(tuple(map(type_of, value.values()))))
        case _:
            return Choice((value,))


def fits(given: Spec, wanted: Spec) -> bool:
    """Whether all values of type `given` fit type `wanted`.

    As in JSON Schema, an integer is a number, and a whole number (`1e3`) is an integer. An inexpressible type fits
    every other, because nothing is known about it.
    """
    if isinstance(given, Inexpressible):
        return True
    if isinstance(given, Union):
        return all(fits(option, wanted) for option in given.options)
    match wanted:
        case Union(options=options):
            return any(fits(given, option) for option in options)
        case Plain(type=kind) if isinstance(given, Choice):
            return all(_is(value, kind) for value in given.values)
        case Plain(type=kind):
            return isinstance(given, Plain) and (given.type, kind) in {(kind, kind), (int, float), (str, Path)}
        case Choice(values=values):
            allowed = [(type(value), value) for value in values]
            return isinstance(given, Choice) and all((type(value), value) in allowed for value in given.values)
        case ListOf(item=item):
            match given:
                case ListOf():
                    return fits(given.item, item)
                case TupleOf():
                    return all(fits(one, item) for one in given.items)
        case TupleOf(items=items) if isinstance(given, TupleOf):
            return len(given.items) == len(items) and all(map(fits, given.items, items))
        case DictOf(item=item) if isinstance(given, DictOf):
            return fits(given.item, item)
        case Instance(cls=cls) if isinstance(given, Instance):
            return issubclass(given.cls, cls) and given.is_open == wanted.is_open
    return False


def convert(value: Any, wanted: Spec) -> Any:
    """Convert a fitting scalar to its annotated type.

    For example, 3 becomes 3.0 for a `float`.
    """
    options = wanted.options if isinstance(wanted, Union) else (wanted,)
    exact = any(isinstance(o, Plain) and type(value) is o.type for o in options)
    if exact or any(isinstance(o, Choice) and fits(Choice((value,)), o) for o in options):
        return value
    plain = next(o for o in options if isinstance(o, Plain) and fits(Choice((value,)), o))
    return plain.type(value)


def with_article(name: str) -> str:
    """Return a name with its article."""
    return f"{'an' if name[:1].lower() in set('aeiou') else 'a'} {name}"


def _says_what_it_takes(cls: Any) -> bool:
    """Whether a class's constructor can be inspected.

    It can if it is an `__init__` in Python or has no parameters, unlike those of an array or a protocol.
    """
    is_plain = cls.__init__ is object.__init__ or inspect.isfunction(cls.__init__)
    return is_plain and cls.__new__ in (object.__new__, Constructed.__new__) and not getattr(cls, "_is_protocol", False)


def _is(value: Any, kind: type) -> bool:
    if kind is int and type(value) is float:
        return math.isfinite(value) and value.is_integer() and abs(value) < 2**63
    if kind is Path:
        return isinstance(value, str | Path)
    return type(value) is kind or (kind is float and type(value) is int)


def _either(words: typing.Iterable[str]) -> str:
    *rest, last = words
    return f"{', '.join(rest)} or {last}" if rest else last
