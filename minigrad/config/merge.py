"""Merging of configs: bases, files, overrides and defaults."""

from __future__ import annotations

from collections.abc import Mapping

from minigrad.config.annotations import DictOf, Instance, ListOf, Spec, TupleOf, Union
from minigrad.config.calls import name_arguments, split_call
from minigrad.config.diagnostics import DEFAULT, Diagnostics
from minigrad.config.nodes import Key, MappingNode, Node, ScalarNode, SequenceNode
from minigrad.config.registry import Registry, UnknownNameError
from minigrad.config.signature import Signature, signature_of
from minigrad.suggest import nearest


class Merger:
    """A merge of nodes, guided by the annotations.

    Values that do not fit are kept, and found by the check.
    """

    def __init__(self, registry: Registry, report: Diagnostics) -> None:
        self.registry = registry
        self.report = report

    def merge(self, lower: Node, upper: Node, spec: Spec) -> Node:
        """Return a value after another overrides it.

        Calls of the same class merge their arguments, also if the class is omitted; a call of another class replaces
        the first. Mappings are merged, items of a list are replaced by number, and everything else is replaced.
        """
        for option in spec.options if isinstance(spec, Union) else (spec,):
            match option, lower, upper:
                case Instance(), _, _:
                    if (call := self._calls(lower, upper, option)) is not None:
                        return call
                case DictOf(item=item), MappingNode(entries=below), MappingNode(place=place, entries=above):
                    return MappingNode(place, self._entries(below, above, dict.fromkeys(above, item)))
                case ((ListOf() | TupleOf()), SequenceNode(), MappingNode(entries=above)) if all(
                    key.isdecimal() for key in above
                ):
                    return self._items(lower, above, option)
        return upper

    def arguments(self, lower: dict[Key, Node], upper: dict[Key, Node], signature: Signature) -> dict[Key, Node]:
        """Return a call's arguments after others override them."""
        specs = {key: signature.parameters[key].spec for key in upper if key in signature.parameters}
        return self._entries(lower, upper, specs)

    def _entries(self, lower: dict[Key, Node], upper: dict[Key, Node], specs: Mapping[Key, Spec]) -> dict[Key, Node]:
        both = {k: self.merge(lower[k], node, specs[k]) for k, node in upper.items() if k in lower and k in specs}
        return {**lower, **upper, **both}

    def _calls(self, lower: Node, upper: Node, option: Instance) -> Node | None:
        """Merge two calls of the same class; return None for other nodes."""
        (name, below), (new_name, above) = split_call(lower), split_call(upper)
        if name and new_name and self._is_argument(new_name, name, option):
            new_name, above = None, upper
        if new_name is None and not isinstance(above, MappingNode):
            return None
        is_nothing = isinstance(lower, ScalarNode) and lower.value is None
        if name is None and (is_nothing or self.registry.is_kind(option.cls)):
            return None
        try:
            cls = self.registry.find(name, option.cls) if name else option.cls
            if new_name and self.registry.find(new_name, option.cls) is not cls:
                return None
        except UnknownNameError:
            return None
        signature = signature_of(cls, option.is_open)
        (arguments, rest), (new, new_rest) = name_arguments(below, signature), name_arguments(above, signature)
        if rest or new_rest:
            return None
        given = MappingNode(upper.place, self.arguments(arguments, new, signature))
        if name is not None and name.place == DEFAULT:
            name = Key(name, upper.place)
        name = new_name or name
        return MappingNode(upper.place, {name: given}) if name else given

    def _is_argument(self, word: Key, name: Key, option: Instance) -> bool:
        """Whether a capitalized word is an argument of class `name`."""
        if self.registry.knows(word) or not self.registry.has(name, option.cls):
            return False
        arguments = signature_of(self.registry.find(name, option.cls), option.is_open).parameters
        return nearest(word, [*arguments, *self.registry.names(option.cls)]) in arguments

    def _items(self, lower: SequenceNode, upper: dict[Key, Node], option: ListOf | TupleOf) -> Node:
        items = list(lower.items)
        for key, node in upper.items():
            if int(key[:9]) >= len(items):
                self.report.add(key.place, f"there is no item '{key}' in {lower}", "items are numbered from 0")
                continue
            i = int(key)
            item = option.item if isinstance(option, ListOf) else option.items[min(i, len(option.items) - 1)]
            items[i] = self.merge(items[i], node, item)
        return SequenceNode(lower.place, items)
