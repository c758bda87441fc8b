"""A config that has been read and checked, and what can be done with it: look into it, write it out, build it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from minigrad.config.annotations import convert
from minigrad.config.check import Checker
from minigrad.config.emit import emit
from minigrad.config.layers import read_files, read_overrides
from minigrad.config.merge import Merger
from minigrad.config.nodes import Key, Node
from minigrad.config.problems import DEFAULT, ConfigError, Place, Problem, Report, Source
from minigrad.config.references import resolve
from minigrad.config.registry import Registry
from minigrad.config.signature import signature_of
from minigrad.config.values import Call, Entries, Items, Literal, Reference, Value, child


def load_plan(
    path: str | Path, signature: Callable[..., Any], registry: Registry, overrides: Sequence[str] = ()
) -> Plan:
    """Reads a config and everything that it is based on, and checks all of it. Nothing is built.

    Args:
        path: the file.
        signature: what the config is a call of; its annotated parameters are the keys of the config.
        registry: the classes that it may name.
        overrides: `key.path=value` texts, which go over the file.

    Raises: ConfigError with everything that is wrong.
    """
    report = Report()
    keys = signature_of(signature)
    files = read_files(Path(path), f"the keys are: {', '.join(keys.parameters)}", report)
    merger = Merger(registry, report)
    config: dict[Key, Node] = {}
    layers = [*files, *read_overrides(overrides, report)]
    for layer in layers:
        config = merger.arguments(config, layer.entries, keys)
    checker = Checker(registry, merger, report)
    call = checker.config(signature, config, files[-1].place)
    resolve(checker.references, call, report)
    report.check()
    return Plan(call, [DEFAULT.source, *(layer.place.source for layer in layers)])


class Plan:
    """A checked config. `plan["trainer.max_epochs"]` is what it says, before anything is built.

    Args:
        root: the config as a call.
        sources: the texts that it was read from, each of which goes over those before it.
    """

    def __init__(self, root: Call, sources: list[Source]) -> None:
        self._root = root
        self._sources = sources

    def __getitem__(self, path: str) -> Any:
        """The value at a dotted path: plain data, or the class that stands there. Raises: KeyError if there is none."""
        value: Value | None = self._root
        for word in path.split("."):
            value = child(value, word) if value is not None else None
            if isinstance(value, Reference) and not value.fact:
                value = value.target
        if value is None or isinstance(value, Reference):
            raise KeyError(f"{path}: {'known when it is built' if value else 'no such value in this config'}")
        return _data(value)

    def settle(self, path: str, known: Any) -> None:
        """Says what a value that was left open, null, has turned out to be. Raises: KeyError if there is none."""
        value: Value | None = self._root
        for word in path.split("."):
            value = child(value, word) if value is not None else None
        if not isinstance(value, Literal):
            raise KeyError(f"{path}: no such value in this config")
        value.value = known

    def error(self, path: str, message: str, hint: str = "") -> ConfigError:
        """An error found later, to be raised: it points to where the value at `path`, or what holds it, was written."""
        value: Value = self._root
        place = value.place
        for word in path.split("."):
            value = child(value, word) or value
            place = value.place if value.place.line else place
        if isinstance(value, Call) and value.place == place:
            place = _suspect(value, message, self._sources)
        return ConfigError([Problem(place, message, hint)])

    def to_yaml(self, origins: bool = False) -> str:
        """The config with everything spelled out, defaults too; read again, it gives the same plan.

        `origins` adds to each line, as a comment, where its value was written.
        """
        return emit(self._root, origins)

    def build(self, key: str = "", given: Mapping[str, Any] | None = None) -> Any:
        """Builds everything in the order of the signature, but what is referred to first, and returns the result.

        Args:
            key: builds the value of this top-level key alone, and what it refers to.
            given: objects that stand for the values of top-level keys, instead of what would be built.

        Raises: ConfigError with the place of a class that refuses its arguments with a TypeError or ValueError, or
            finds no memory for them.
        """
        parts = self._root.arguments
        builder = _Builder({parts[name]: thing for name, thing in (given or {}).items()}, self._sources)
        return builder.build(parts[key] if key else self._root)


class _Builder:
    """Builds each value once, however often it is referred to."""

    def __init__(self, built: dict[Value, Any], sources: list[Source]) -> None:
        self.built = built
        self.sources = sources

    def build(self, value: Value) -> Any:
        """The object that a value of the plan stands for."""
        if value not in self.built:
            self.built[value] = self._make(value)
        return self.built[value]

    def _make(self, value: Value) -> Any:
        match value:
            case Literal(value=known):
                return known
            case Items(items=items, container=container):
                return container(map(self.build, items))
            case Entries(entries=entries):
                return {name: self.build(item) for name, item in entries.items()}
            case Call(arguments=arguments):
                built = {name: self.build(argument) for name, argument in arguments.items()}
                return (lambda first: self._call(value, built, first)) if value.is_open else self._call(value, built)
            case Reference(target=Literal(value=known), wanted=wanted):
                return convert(known, wanted)
            case Reference(target=target, fact=fact) if target is not None:
                return getattr(self.build(target), fact) if fact else self.build(target)
        raise AssertionError("a plan with problems is never built")

    def _call(self, call: Call, arguments: dict[str, Any], *first: Any) -> Any:
        named = dict(arguments)
        variadic = call.signature.variadic
        rest = named.pop(variadic.name) if variadic else ()
        # what stands before *rest can only be given by position
        positional = [named.pop(p.name, p.default) for p in call.signature.positional] if rest else []
        try:
            return call.target(*first, *positional, *rest, **named)
        except (TypeError, ValueError, MemoryError) as error:
            said, name = str(error), call.signature.name
            place = _suspect(call, said, self.sources)
            problem = Problem(place, said if said.startswith(f"{name} ") else f"{name}: {said}", str(call.signature))
            raise ConfigError([problem]) from error


def _suspect(call: Call, message: str, sources: list[Source]) -> Place:
    """Where to look for what makes a call fail: at the argument written over it last, or else at the call.

    Arguments that the message names come before all others: if they stand with the call, nothing else is to blame.
    """
    written = {name: argument.place for name, argument in call.arguments.items() if argument.place.line}
    named = [place for name, place in written.items() if re.search(rf"\b{name}\b", message)]
    return max([call.place, *(named or written.values())], key=lambda place: sources.index(place.source))


def _data(value: Value) -> Any:
    match value:
        case Literal(value=known):
            return known
        case Items(items=items, container=container):
            return container(map(_data, items))
        case Entries(entries=entries):
            return {name: _data(item) for name, item in entries.items()}
        case Call(target=target):
            return target
        case Reference(target=target, fact="") if target is not None:
            return _data(target)
    return None
