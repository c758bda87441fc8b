"""Checks: nodes and annotations to a plan; nothing is built."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from minigrad.config.annotations import (
    Choice,
    DictOf,
    Inexpressible,
    Instance,
    ListOf,
    Plain,
    Spec,
    TupleOf,
    Union,
    convert,
    fits,
    type_of,
    with_article,
)
from minigrad.config.calls import default_node, is_class_name, name_arguments, split_call
from minigrad.config.diagnostics import Diagnostics, Span
from minigrad.config.merge import Merger
from minigrad.config.nodes import Key, MappingNode, Node, Scalar, ScalarNode, SequenceNode
from minigrad.config.reader import OLD_BOOLEANS, scalar
from minigrad.config.registry import Registry, UnknownNameError
from minigrad.config.signature import Signature, signature_of
from minigrad.config.sources import LANGUAGE_KEYS
from minigrad.config.values import Broken, Call, Entries, Items, Literal, Reference, Value
from minigrad.constructors import of_pytorch
from minigrad.suggest import ARGUMENT_KEYS, READERS, SETTINGS, did_you_mean, nearest

_REFERENCE = re.compile(r"\$\{\s*([\w.:/-]*)\s*\}")
_PYTHON_CALL = re.compile(r"(?:\w+\.)*(\w+)\s*[(\[](.*)[)\]]")
_ENVIRONMENT = re.compile(r"env:(.*)")


class Checker:
    """A check of nodes against annotated types.

    Errors are added to `report`, references to `references`.
    """

    def __init__(self, registry: Registry, merger: Merger, report: Diagnostics) -> None:
        self.registry = registry
        self.merger = merger
        self.report = report
        self.references: list[Reference] = []

    def config(self, target: Callable[..., Any], entries: dict[Key, Node], place: Span) -> Call:
        """Check a whole config, which is a call of `target`."""
        signature = signature_of(target)
        return Call(place, target, signature, self._arguments(signature, entries, place, is_config=True))

    def _value(self, node: Node, spec: Spec, what: str) -> Value:
        if isinstance(node, ScalarNode):
            if isinstance(node.value, str) and "${" in node.value:
                return self._reference(node, node.value, spec, what)
            if fits(type_of(node.value), spec):
                return Literal(node.place, convert(node.value, spec))
        match self._option(node, spec):
            case Instance() as instance:
                return self._instance(node, instance, what)
            case ListOf(item=item, container=container) if isinstance(node, SequenceNode):
                items = [self._value(value, item, f"item {i} of {what}") for i, value in enumerate(node.items)]
                return Items(node.place, items, container)
            case TupleOf(items=specs) if isinstance(node, SequenceNode) and len(node.items) == len(specs):
                pairs = enumerate(zip(node.items, specs, strict=True))
                return Items(node.place, [self._value(v, s, f"item {i} of {what}") for i, (v, s) in pairs], tuple)
            case DictOf(item=item) if isinstance(node, MappingNode):
                entries = {str(key): self._value(v, item, f"'{key}' in {what}") for key, v in node.entries.items()}
                return Entries(node.place, entries)
            case Inexpressible(why=why):
                return self._refuse(node.place, f"{what} {why}", "leave it out, or give it in Python")
        if isinstance(node, ScalarNode) and not node.text:
            return self._refuse(node.place, f"{what} has no value", f"write {spec} here")
        return self._refuse(node.place, f"{what} must be {spec}, not {node}", _remedy(node, spec))

    def _option(self, node: Node, spec: Spec) -> Spec:
        """Return the only or first member of a union that a node may be; the union itself if there is none."""
        if not isinstance(spec, Union):
            return spec
        options = [option for option in spec.options if option != Plain(type(None))]
        if len(options) == 1 and not (isinstance(node, ScalarNode) and isinstance(options[0], Plain | Choice)):
            return options[0]
        return next((option for option in options if self._suits(node, option)), spec)

    def _suits(self, node: Node, spec: Spec) -> bool:
        """Whether a node could be of a type.

        Only the first item of a list or mapping is examined, to avoid a search in nested unions.
        """
        match spec, node:
            case Union(options=options), _:
                return any(self._suits(node, option) for option in options)
            case ((Plain() | Choice()), ScalarNode(value=value)):
                return fits(type_of(value), spec)
            case ListOf(item=item), SequenceNode(items=items):
                return not items or self._suits(items[0], item)
            case TupleOf(items=specs), SequenceNode(items=items):
                return len(items) == len(specs) and (not items or self._suits(items[0], specs[0]))
            case Instance(cls=cls), _:
                name, _ = split_call(node)
                if name is None:
                    return isinstance(node, MappingNode) and not self.registry.is_kind(cls)
                return self.registry.has(name, cls)
            case DictOf(), MappingNode():
                return True  # even if its only key is capitalized, like the name of a column
        return False

    def _instance(self, node: Node, spec: Instance, what: str) -> Value:
        name, given = split_call(node)
        if self.registry.is_kind(spec.cls):
            if isinstance(node, MappingNode) and len(node.entries) > 1 and any(map(is_class_name, node.entries)):
                return self._misplaced(node.entries, spec, what)
            if name is None:
                return self._unnamed(node, spec, what)
        elif name is not None and name != spec.cls.__name__ and not self.registry.knows(name):
            # where the class is optional, a capitalized key may be a misspelled argument
            name, given = None, node
        cls: type | None = spec.cls
        if name is not None and (cls := self._find(name, spec.cls)) is None:
            return Broken(node.place)
        assert cls is not None
        place = name.place if name is not None else node.place
        signature = signature_of(cls, spec.is_open)
        if signature.refusal:
            return self._refuse(place, f"{cls.__name__} cannot be built from a config", signature.refusal)
        arguments, rest = name_arguments(given, signature)
        if name is None and isinstance(given, ScalarNode):
            later = _later(given, signature)
            if rest or later or isinstance(given.value, bool):
                hint = later or signature.excerpt([p.name for p in signature.positional[:1]])
                return self._refuse(place, f"{what} must be {spec}, not {node}", hint)
        if rest:
            return self._too_many(signature, rest[0], given)
        values = self._arguments(signature, arguments, place)
        is_named = self.registry.is_kind(spec.cls) or cls is not spec.cls
        return Call(place, cls, signature, values, spec.is_open, is_named)

    def _misplaced(self, entries: dict[Key, Node], spec: Instance, what: str) -> Value:
        name = next(filter(is_class_name, entries))
        other = next(key for key in entries if key != name)
        hint = f"arguments belong inside the class: indent '{other}' one level deeper than '{name}'"
        if is_class_name(other):
            hint = f"{what} is one {spec.cls.__name__}"
        return self._refuse(other.place, f"'{other}' is on the same level as '{name}'", hint)

    def _unnamed(self, node: Node, spec: Instance, what: str) -> Value:
        """Report a class name that is missing, in lower case, or an import path."""
        kind, names = spec.cls.__name__, self.registry.names(spec.cls)
        match node:
            case ScalarNode(value=str(text)):
                if (reader := READERS.get(PurePath(text).suffix.lower())) in names:
                    hint = f"write the class that reads it: {reader}: {{path: {text}, ...}}"
                    return self._refuse(node.place, f"{what} must be {spec}, and '{text[:60]}' is a file", hint)
                said = Key(text, node.place)
            case SequenceNode() if "Sequential" in names:
                hint = "layers one after the other are a Sequential: write {Sequential: [...]}"
                return self._refuse(node.place, f"{what} must be {spec}, not {node}", hint)
            case MappingNode(entries=entries) if len(entries) == 1 and _means_name(next(iter(entries)), names):
                [said] = entries
            case _:
                problem = f"must be {spec}, not {node}"
                if isinstance(node, MappingNode):
                    problem = f"gives arguments, and no {kind} that takes them"
                    if meant := self._named_below(node.entries, spec.cls):
                        return self._refuse(node.place, f"{what} {problem}", meant)
                elif isinstance(node, ScalarNode) and not node.text:
                    problem = "has no value"
                hint = f"write the name of {with_article(kind)}; {did_you_mean('', names)}"
                return self._refuse(node.place, f"{what} {problem}", hint)
        self._find(said, spec.cls)
        return Broken(node.place)

    def _named_below(self, entries: dict[Key, Node], base: type) -> str:
        """Suggest the fix for a class that is the value of a key such as `type`, as in other libraries."""
        for key, node in entries.items():
            if isinstance(node, ScalarNode) and isinstance(node.value, str):
                name = node.value.rpartition(".")[2]
                if (near := nearest(name, self.registry.names(base))) and near.lower() == name.lower():
                    rest = ", ".join(f"{argument}: ..." for argument in _arguments_beside(key, entries))
                    return f"the class comes before its arguments: write {near}" + (f": {{{rest}}}" if rest else "")
        return ""

    def _find(self, name: Key, base: type) -> type | None:
        if (call := _PYTHON_CALL.fullmatch(name)) and (near := nearest(call[1], self.registry.names(base))):
            named = ["=" in argument for argument in call[2].split(",")]
            arguments = f"[{call[2]}]" if not any(named) else "{name: value, ...}"
            if all(named):
                arguments = f"{{{call[2].replace('=', ': ')}}}"
            remedy = f"write {near}: {arguments}" if call[2] else f"write {near}"
            self.report.add(name.place, f"'{name[:60]}' is a call in Python's syntax instead of YAML's", remedy)
            return None
        if "." in name:
            near = nearest(name.rpartition(".")[2], self.registry.names(base))
            remedy = f"--import {name.partition('.')[0]} makes the classes of your package known by name"
            remedy = f"did you mean '{near}'?" if near else remedy
            self.report.add(name.place, f"'{name}' is an import path, not the name of a class", remedy)
            return None
        try:
            return self.registry.find(name, base)
        except UnknownNameError as unknown:
            setting = SETTINGS.get(name.lower())
            hint = f"write {setting}, which is not {with_article(base.__name__)}" if setting else unknown.hint
            self.report.add(name.place, unknown.message, hint)
            return None

    def _too_many(self, signature: Signature, first: Node, given: Node | None) -> Value:
        count = len(given.items) if isinstance(given, SequenceNode) else 1
        limit = len(signature.positional)
        hint = str(signature)
        if limit == 1 and isinstance(signature.positional[0].spec, ListOf):
            hint += f"\nto give one list, write {signature.name}: [[...]]"
        takes = f"at most {limit} argument{'s' * (limit != 1)}" if limit else "no arguments"
        return self._refuse(first.place, f"{signature.name} takes {takes} by position, not {count}", hint)

    def _arguments(
        self, signature: Signature, given: dict[Key, Node], place: Span, is_config: bool = False
    ) -> dict[str, Value]:
        nodes = {str(key): node for key, node in given.items()}
        values: dict[str, Value] = {}
        for name, parameter in signature.parameters.items():
            node, default = nodes.get(name), default_node(parameter)
            if node is not None and default is not None:
                node = self.merger.merge(default, node, parameter.spec)
            if (node := node or default) is not None:
                what = f"'{name}'" if is_config else f"'{name}' of {signature.name}"
                values[name] = self._value(node, parameter.spec, what)
        calls = {name: value for name, value in values.items() if isinstance(value, Call)}
        inside = {argument: f"{name}.{argument}" for name, call in calls.items() for argument in call.arguments}
        self._check_names(signature, given, place, is_config, inside)
        return values

    def _check_names(
        self, signature: Signature, given: dict[Key, Node], place: Span, is_config: bool, inside: dict[str, str]
    ) -> None:
        """Report missing and unknown arguments.

        `inside` has the arguments of nested calls, with their paths, for suggestions.
        """
        parameters = signature.parameters
        owner, noun = ("a config", "key") if is_config else (signature.name, "argument")
        known = [*parameters, *(LANGUAGE_KEYS if is_config else ())]
        missing = [name for name, parameter in parameters.items() if parameter.is_required and name not in given]
        for key in given:
            if key not in parameters:
                near = nearest(key, [name for name in known if name not in given])
                # a misspelled argument is not reported as missing, too; without the base, nearly everything is missing
                missing = [name for name in missing if near not in (name, "base")]
                near = inside.get(key) or near or inside.get(nearest(key, inside) or "")
                hint = did_you_mean(key, known, f"{owner} takes", near) or str(signature)
                hint = hint if is_config else of_pytorch(owner, key) or hint
                if is_config and self.registry.knows(key):
                    hint = f"{key} is a class: write it under one of the keys, with spaces in front"
                self.report.add(key.place, f"{owner} has no {noun} '{key}'", hint)
        if missing:
            needs = ", ".join(f"'{name}'" for name in missing)
            self.report.add(place, f"{owner} needs {needs}", "" if is_config else signature.excerpt(missing))

    def _reference(self, node: ScalarNode, text: str, spec: Spec, what: str) -> Value:
        if not (inside := _REFERENCE.fullmatch(text)):
            hint = "a reference must be the whole value: ${path.to.value}"
            return self._refuse(node.place, f"{text[:60]!r} is not a reference", hint)
        path = inside.group(1)
        if variable := _ENVIRONMENT.fullmatch(path):
            return self._environment(node, variable.group(1), spec, what)
        reference = Reference(node.place, path, spec, what)
        self.references.append(reference)
        return reference

    def _environment(self, node: ScalarNode, name: str, spec: Spec, what: str) -> Value:
        if not name.startswith("MINIGRAD_"):
            message = f"a config may not read the environment variable {name}"
            return self._refuse(node.place, message, "it may read only variables named MINIGRAD_...")
        text = os.environ.get(name)
        if text is None:
            message = f"the environment variable {name} is not set"
            return self._refuse(node.place, message, f"set it, as in: {name}=... minigrad train ...")
        meanings: list[Scalar] = [text]
        with suppress(OverflowError):
            meanings.append(scalar(text))
        for value in meanings:
            if fits(type_of(value), spec):
                return Literal(node.place, convert(value, spec))
        return self._refuse(node.place, f"{what} must be {spec}, and {name} is {text[:60]!r}")

    def _refuse(self, place: Span, message: str, hint: str = "") -> Broken:
        self.report.add(place, message, hint)
        return Broken(place)


def _arguments_beside(name: Key, entries: dict[Key, Node]) -> list[Key]:
    """Return the arguments next to a class's key, or below `init_args`."""
    arguments: list[Key] = []
    for key, node in entries.items():
        if key in ARGUMENT_KEYS and isinstance(node, MappingNode):
            arguments += node.entries
        elif key != name:
            arguments.append(key)
    return arguments


def _later(node: ScalarNode, signature: Signature) -> str:
    """Suggest the fix for a value that fits a later argument of a call, but not the first."""
    fitting = [p.name for p in signature.parameters.values() if fits(type_of(node.value), p.spec)]
    is_first = [p.name for p in signature.positional[:1]] == fitting[:1]
    return f"write {{{fitting[0]}: {node.text}}}" if fitting and not is_first else ""


def _means_name(key: str, names: list[str]) -> bool:
    return "." in key or nearest(key, names) is not None


def _remedy(node: Node, spec: Spec) -> str:
    options = spec.options if isinstance(spec, Union) else (spec,)
    choices = [value for o in options if isinstance(o, Choice) for value in o.values if isinstance(value, str)]
    kinds = {o.type for o in options if isinstance(o, Plain)}
    match node:
        case ScalarNode(value=str(text)) if choices:
            near = nearest(text, choices)
            return f"did you mean '{near}'?" if near else ""
        case ScalarNode(value=str(text)) if kinds & {int, float} and ", " in text:
            return f"write several values in brackets: [{text}]"
        case ScalarNode(value=str(text)) if kinds & {int, float} and re.fullmatch(r"[-+]?[\d_, ]+(\.\d+)?", text):
            return f"write {re.sub('[_, ]', '', text)}"
        case ScalarNode(value=str()) if kinds & {int, float} and str not in kinds:
            return "write a number, as in 1e-3" if float in kinds else "write a number, as in 10"
        case ScalarNode(value=float(number)) if int in kinds and math.isfinite(number):
            return f"write {math.floor(number)} or {math.ceil(number)}"
        case SequenceNode(items=[ScalarNode() as only]) if fits(type_of(only.value), spec):
            return f"write {only.text}, without the brackets"
        case ScalarNode(value=str(text)) if bool in kinds and text.lower() in OLD_BOOLEANS:
            return "write true or false"
        case MappingNode() if any(isinstance(o, ListOf) and isinstance(o.item, DictOf) for o in options):
            return "in brackets it is a list of one: [{...}]"
        case ScalarNode(text=text) if str in kinds:
            return f"put it in quotes to make it a text: '{text}'"
        case ScalarNode(text=text) if any(isinstance(o, ListOf) for o in options) and len(text) < 40:
            return f"write [{text}]"
    return ""
