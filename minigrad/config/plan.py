"""Plans: checked configs to look into, write out and build."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from minigrad.config.annotations import convert
from minigrad.config.check import Checker
from minigrad.config.diagnostics import DEFAULT, ConfigError, Diagnostic, Diagnostics, Source, Span
from minigrad.config.emit import emit
from minigrad.config.merge import Merger
from minigrad.config.nodes import Key, MappingNode, Node
from minigrad.config.references import resolve
from minigrad.config.registry import Registry
from minigrad.config.signature import signature_of
from minigrad.config.sources import OVERRIDES, read_files, read_overrides, read_text
from minigrad.config.values import Call, Entries, Items, Literal, Reference, Value, child, children
from minigrad.notebook import html_text
from minigrad.places import described


def load_plan(
    path: str | Path, signature: Callable[..., Any], registry: Registry, overrides: Sequence[str] = ()
) -> Plan:
    """Read and check a config and its bases; build nothing.

    Args:
        path: the file.
        signature: the callable that the config is a call of; its annotated parameters are the keys of the config.
        registry: the classes that the config may name.
        overrides: `key.path=value` texts, which take precedence over the file.

    Raises:
        ConfigError: with all errors.
    """
    report = Diagnostics()
    files = read_files(Path(path), _keys(signature), report)
    return _check(files, signature, registry, overrides, report)


def parse_plan(text: str, name: str, signature: Callable[..., Any], registry: Registry) -> Plan:
    """Check the text of a resolved config without bases.

    `name` is the name of its file, for errors. Other arguments and errors are those of `load_plan`.
    """
    report = Diagnostics()
    return _check([read_text(Source(name, text), _keys(signature), report)], signature, registry, (), report)


def _keys(signature: Callable[..., Any]) -> str:
    return f"the keys are: {', '.join(signature_of(signature).parameters)}"


def _check(
    files: Sequence[MappingNode],
    signature: Callable[..., Any],
    registry: Registry,
    overrides: Sequence[str],
    report: Diagnostics,
) -> Plan:
    keys = signature_of(signature)
    merger = Merger(registry, report)
    config: dict[Key, Node] = {}
    layers = [*files, *read_overrides(overrides, report)]
    for layer in layers:
        config = merger.arguments(config, layer.entries, keys)
    checker = Checker(registry, merger, report)
    call = checker.config(signature, config, files[-1].place)
    resolve(checker.references, call, report)
    report.check()
    folders = [Path(layer.place.source.name).parent for layer in reversed(files)]
    return Plan(call, [DEFAULT.source, *(layer.place.source for layer in layers)], list(dict.fromkeys(folders)))


class Plan:
    """A checked config, before anything is built.

    `plan["trainer.max_epochs"]` returns a value.

    Args:
        root: the config as a call.
        sources: the texts that it was read from; later ones take precedence.
        folders: the folders of its files, first that of the config, then those of its bases.
    """

    def __init__(self, root: Call, sources: list[Source], folders: list[Path]) -> None:
        self._root = root
        self._sources = sources
        self.folders = folders

    def __getitem__(self, path: str) -> Any:
        """Return the value, as plain data, or class at a dotted path.

        Raises:
            KeyError: if there is none.
        """
        value: Value | None = self._root
        for word in path.split("."):
            value = child(value, word) if value is not None else None
            if isinstance(value, Reference) and not value.fact:
                value = value.target
        if value is None or isinstance(value, Reference):
            raise KeyError(f"{path}: {'not known before it is built' if value else 'no such value in this config'}")
        return _data(value)

    def settle(self, path: str, known: Any) -> None:
        """Set a value that was left open (null).

        Raises:
            KeyError: if there is none.
        """
        value: Value | None = self._root
        for word in path.split("."):
            value = child(value, word) if value is not None else None
        if not isinstance(value, Literal):
            raise KeyError(f"{path}: no such value in this config")
        value.value = known

    def replace(self, key: str, texts: Mapping[str, str]) -> None:
        """Replace texts at and below a top-level key.

        This is for paths that were found elsewhere.
        """
        values = [self._root.arguments[key]]
        for value in values:
            if isinstance(value, Literal) and isinstance(value.value, str | Path):
                text = texts.get(str(value.value), value.value)
                value.value = type(value.value)(text)
            values += children(value)

    def classes(self) -> list[type]:
        """Return the classes in it, each once."""
        calls = [value for value in _everything(self._root) if isinstance(value, Call)]
        return list(dict.fromkeys(call.target for call in calls if isinstance(call.target, type)))

    def facts(self, key: str) -> dict[str, list[Value]]:
        """Return references to properties of a top-level value, by property."""
        found: dict[str, list[Value]] = {}
        for value in _everything(self._root):
            if isinstance(value, Reference) and value.fact and value.target is self._root.arguments[key]:
                found.setdefault(value.fact, []).append(value)
        return found

    def error(self, path: str, message: str, hint: str = "") -> ConfigError:
        """Return an error at the place of a value.

        It is for errors that are found after the check. If there is no value at `path`, the place is that of the
        closest parent.
        """
        value, place = self._at(path)
        if isinstance(value, Call) and value.place == place:
            place = _suspect(value, message, self._sources)
        return ConfigError([Diagnostic(place, message, hint)])

    def _at(self, path: str) -> tuple[Value, Span]:
        """Return the value at a path or else its closest parent, and where it was written."""
        value: Value = self._root
        place = value.place
        for word in path.split("."):
            value = child(value, word) or value
            place = value.place if value.place.line else place
        return value, place

    def errors(self, faults: Iterable[tuple[str, str, str]]) -> ConfigError:
        """Return several errors as one, ordered by place.

        Each error is given as the arguments of `error`.
        """
        problems = [problem for fault in faults for problem in self.error(*fault).problems]
        places = {id(source): i for i, source in enumerate(self._sources)}
        problems.sort(key=lambda p: (places[id(p.place.source)], p.place.line, p.place.column))
        return ConfigError(problems)

    def to_yaml(self, origins: bool = False) -> str:
        """Return the config with everything spelled out, including defaults.

        Read again, it gives the same plan. With `origins`, each line has a comment that says where its value was
        written.
        """
        return emit(self._root, origins)

    def _repr_html_(self) -> str:
        return html_text(self.to_yaml())

    def build(
        self,
        key: str = "",
        given: Mapping[str, Any] | None = None,
        facts: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Any:
        """Build everything and return the result.

        Values are built in the order of the signature, except that targets of references are built first.

        Args:
            key: build only the value of this top-level key and the targets of its references.
            given: objects to use as the values of top-level keys instead of building them.
            facts: properties of top-level values, by key and name, to use instead of reading them from the objects.

        Raises:
            ConfigError: with the place of a class that raises TypeError or ValueError for its arguments, that runs out
                of memory, or, if it is the user's code, that fails in any other way.
        """
        parts = self._root.arguments
        built: dict[Value, Any] = {parts[name]: thing for name, thing in (given or {}).items()}
        for name, known in (facts or {}).items():
            built |= {each: known[fact] for fact, found in self.facts(name).items() if fact in known for each in found}
        builder = _Builder(self._root, built, self._sources)
        return builder.build(parts[key] if key else self._root)


class _Builder:
    """A builder of values, which builds each value once, no matter how many references it has."""

    def __init__(self, root: Call, built: dict[Value, Any], sources: list[Source]) -> None:
        self.root = root
        self.built = built
        self.sources = sources

    def build(self, value: Value) -> Any:
        """Return the object that a value describes."""
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
                return self._fact(value, self.build(target), fact) if fact else self.build(target)
        raise AssertionError("a plan with problems is never built")

    def _fact(self, reference: Reference, thing: Any, name: str) -> Any:
        try:
            return getattr(thing, name)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                [Diagnostic(reference.place, f"{reference.what}: {error}", "write the value itself")]
            ) from error

    def _call(self, call: Call, arguments: dict[str, Any], *first: Any) -> Any:
        named = dict(arguments)
        variadic = call.signature.variadic
        rest = named.pop(variadic.name) if variadic else ()
        # parameters before *rest can only be given by position
        positional = [named.pop(p.name, p.default) for p in call.signature.positional] if rest else []
        try:
            return call.target(*first, *positional, *rest, **named)
        except BaseException as error:
            found = None if isinstance(error, ConfigError) else described(error, (TypeError, ValueError, MemoryError))
            if found is None:
                raise
            (said, line), name = found, call.signature.name
            place = _suspect(call, said, self.sources)
            place = place if place.line else self.root.place  # a default call has no place
            hint = "\n".join(filter(None, [call.signature.excerpt(_concerned(call, said)), line]))
            problem = Diagnostic(place, said if said.startswith(f"{name} ") else f"{name}: {said}", hint)
            raise ConfigError([problem]) from error


def _concerned(call: Call, message: str) -> list[str]:
    """Return the parameters that the message names, or else those that the config gives."""
    named = [name for name in call.signature.parameters if re.search(rf"\b{name}\b", message)]
    return named or [name for name, argument in call.arguments.items() if argument.place.line]


def _suspect(call: Call, message: str, sources: list[Source]) -> Span:
    """Return the place of the likely cause of a failing call.

    This is the argument that was overridden last, on the command line the one in the last position, or else the call.
    Arguments that the message names take precedence: if they were written with the call, the cause is the call.
    """
    written = {name: argument.place for name, argument in call.arguments.items() if argument.place.line}
    named = [written[name] for name in _concerned(call, message) if name in written]

    def order(place: Span) -> tuple[int, int, bool]:
        source = place.source
        line = place.line if source.name == OVERRIDES else 0
        is_value = line > 0 and "=" in source.lines[line - 1][: place.column - 1]
        return sources.index(source), line, is_value

    return max([call.place, *(named or written.values())], key=order)


def _everything(root: Value) -> list[Value]:
    """Yield a value and all below it once, as written."""
    found: dict[Value, None] = {}
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if value not in found:
            found[value] = None
            waiting += reversed(children(value))
    return list(found)


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
