"""Nodes of a config: scalars, sequences and mappings, with places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minigrad.config.diagnostics import Span

Scalar = bool | int | float | str | None


class Key(str):
    """A key of a mapping: a text with its place."""

    __slots__ = ("place",)
    place: Span

    def __new__(cls, text: str, place: Span) -> Key:
        """Create a key, which equals its text."""
        key = super().__new__(cls, text)
        key.place = place
        return key


@dataclass(frozen=True)
class ScalarNode:
    """A single value, with the text it was written as."""

    place: Span
    value: Scalar
    text: str

    def __str__(self) -> str:
        match self.value:
            case str():
                return f"the text {self.value!r}" if len(self.value) < 60 else "a long text"
            case None | bool():
                return self.text
            case _:
                return f"the number {self.text}"


@dataclass(frozen=True)
class SequenceNode:
    """A list of values."""

    place: Span
    items: list[Node]

    def __str__(self) -> str:
        return f"a list of {len(self.items)}"


@dataclass(frozen=True)
class MappingNode:
    """Values by key."""

    place: Span
    entries: dict[Key, Node]

    def __str__(self) -> str:
        return "a mapping of " + (", ".join(list(self.entries)[:5]) or "nothing")


Node = ScalarNode | SequenceNode | MappingNode


def data(node: Node) -> Any:
    """Return a node as plain data, for a JSON Schema."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return [data(item) for item in items]
        case MappingNode(entries=entries):
            return {str(key): data(value) for key, value in entries.items()}
