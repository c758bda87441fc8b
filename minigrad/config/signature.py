"""Signatures of callables, and public properties of their results.

Both are read once from the annotations.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from minigrad.config.annotations import Inexpressible, ListOf, Spec, spec_of

REQUIRED = inspect.Parameter.empty
"""The default of a required parameter."""

LONGEST = 100
"""The most characters of parameters that an error shows whole."""


@dataclass(frozen=True)
class Parameter:
    """A parameter: its type, its default, its text.

    A variadic parameter (`*layers`) takes a list.
    """

    name: str
    spec: Spec
    default: Any
    text: str
    is_variadic: bool = False
    is_positional: bool = True

    @property
    def is_required(self) -> bool:
        """Whether a config must give it a value."""
        return self.default is REQUIRED and not self.is_variadic


@dataclass(frozen=True)
class Signature:
    """The parameters of a callable that a config may set.

    `refusal` says why a config cannot call it.
    """

    name: str
    parameters: dict[str, Parameter]
    refusal: str = ""

    def __str__(self) -> str:
        return self.excerpt(self.parameters)

    def excerpt(self, names: Collection[str]) -> str:
        """Return the text; if it is long, only of `names`."""
        texts = [parameter.text for parameter in self.parameters.values()]
        if sum(map(len, texts)) > LONGEST and len(names) < len(texts):
            texts = [*(self.parameters[name].text for name in self.parameters if name in names), "..."]
        return f"{self.name}({', '.join(texts)})"

    @property
    def positional(self) -> list[Parameter]:
        """The parameters that can be positional, without the variadic one."""
        return [p for p in self.parameters.values() if p.is_positional and not p.is_variadic]

    @property
    def is_complete(self) -> bool:
        """Whether no argument is required."""
        return not any(parameter.is_required for parameter in self.parameters.values())

    @property
    def variadic(self) -> Parameter | None:
        """The parameter that takes any number of values."""
        return next((p for p in self.parameters.values() if p.is_variadic), None)


@functools.cache
def signature_of(target: Callable[..., Any], is_open: bool = False) -> Signature:
    """Return the signature of a class or function.

    The signature of an open callable leaves out the first parameter, which is set during the run.
    """
    name = target.__name__
    if target is object or getattr(target, "__init__", None) is object.__init__:
        return Signature(name, {})
    function = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]
    try:
        found = list(inspect.signature(function).parameters.values())
        hints = typing.get_type_hints(function)
    except Exception as error:
        return Signature(name, {}, f"its annotations cannot be read: {error}; what they name must be importable")
    found = found[isinstance(target, type) + is_open :]
    parameters = {p.name: _parameter(target, p, hints) for p in found if p.kind is not p.VAR_KEYWORD}
    return Signature(name, parameters, _refusal(found, parameters))


@functools.cache
def facts_of(cls: type) -> dict[str, Spec]:
    """Return the properties that references may name, with types.

    They are the annotated attributes and properties of a class's objects.
    """
    facts = _hints(cls)
    for owner in reversed(cls.__mro__):
        for name, member in vars(owner).items():
            if isinstance(member, property | functools.cached_property):
                getter = member.fget if isinstance(member, property) else member.func
                facts[name] = _hints(getter).get("return", REQUIRED)
    return {name: spec_of(hint) for name, hint in facts.items() if hint is not REQUIRED and not name.startswith("_")}


def _hints(target: Any) -> dict[str, Any]:
    """Return the annotations of a class or function; None if one names something that is not imported."""
    try:
        return typing.get_type_hints(target)
    except Exception:
        return {}


def _parameter(target: Callable[..., Any], found: inspect.Parameter, hints: dict[str, Any]) -> Parameter:
    default = found.default
    field = getattr(target, "__dataclass_fields__", {}).get(found.name)
    if field is not None and field.default_factory is not dataclasses.MISSING:
        default = field.default_factory if dataclasses.is_dataclass(field.default_factory) else field.default_factory()
    spec: Spec = Inexpressible(f"has no annotation: write '{found.name}: int', or its type")
    if found.name in hints:
        spec = spec_of(hints[found.name])
    variadic = found.kind is found.VAR_POSITIONAL
    if variadic and not isinstance(spec, Inexpressible):
        spec = ListOf(spec, tuple)
    annotation = found.annotation
    if typing.get_origin(hints.get(found.name)) is typing.Literal:
        # the choices themselves, not the alias
        annotation = hints[found.name]
    if not isinstance(annotation, str):
        annotation = inspect.formatannotation(annotation)
    text = "*" * variadic + found.name + ("" if found.annotation is REQUIRED else f": {annotation}")
    if default is not REQUIRED:
        text += f" = {default.__name__ if isinstance(default, type) else repr(default)}"
    return Parameter(found.name, spec, default, text, variadic, found.kind is not found.KEYWORD_ONLY)


def _refusal(found: list[inspect.Parameter], parameters: dict[str, Parameter]) -> str:
    for parameter in found:
        if parameter.kind is parameter.VAR_KEYWORD:
            return f"it takes **{parameter.name}, which cannot be checked: write its parameters out, annotated"
        spec = parameters[parameter.name].spec
        needed = parameter.default is REQUIRED or parameter.annotation is REQUIRED
        if needed and isinstance(spec, Inexpressible):
            return f"its parameter '{parameter.name}' {spec.why}"
    return ""
