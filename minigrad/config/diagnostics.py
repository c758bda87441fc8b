"""Diagnostics of a config: all errors, with places and remedies."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

LIMIT = 100
"""The maximum number of problems collected: more are not read, and each costs time."""

WINDOW = 100
"""The length of an excerpt of a long line around its caret, in characters."""


@dataclass(frozen=True, eq=False)
class Source:
    """A source of a config: a file, or command-line overrides."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.splitlines()


@dataclass(frozen=True)
class Span:
    """A span in a line of a source.

    `line` and `column` count from 1; line 0 is the source as a whole.
    """

    source: Source
    line: int = 0
    column: int = 1
    width: int = 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}" if self.line else self.source.name

    def show(self) -> list[str]:
        """Return the line and carets below it.

        Nothing for a place without a line.
        """
        if not 0 < self.line <= len(self.source.lines):
            return []
        line = self.source.lines[self.line - 1]
        start = self.column - 1
        left = max(0, start - WINDOW // 2) if len(line) > WINDOW else 0
        shown = "".join(c if c.isprintable() else " " for c in line[left : left + WINDOW])
        before, marked = shown[: start - left], shown[start - left : start - left + self.width]
        number = f"    {self.line} | "
        carets = "^" * max(1, _cells(marked))
        return [number + shown.rstrip(), " " * (len(number) - 2) + "| " + " " * _cells(before) + carets]


DEFAULT = Span(Source("default", ""))
"""The span of values that were not written, such as defaults."""


@dataclass(frozen=True)
class Diagnostic:
    """A diagnostic: what is wrong, where, and the remedy.

    The remedy is lines of text, or nothing.
    """

    place: Span
    message: str
    hint: str = ""

    def __str__(self) -> str:
        shown = [f"{self.place}: error: {self.message}", *self.place.show()]
        return "\n".join([*shown, *(f"  {line}" for line in self.hint.splitlines())])


class ConfigError(Exception):
    """A config that cannot be run.

    `str()` of it is all that someone needs to correct it; `problems` are its parts.
    """

    def __init__(self, problems: list[Diagnostic]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        count = len(self.problems)
        total = "1 error" if count == 1 else f"{'at least ' if count >= LIMIT else ''}{count} errors"
        return "\n".join([*map(str, self.problems), f"{total}; nothing was run"])


@dataclass
class Diagnostics:
    """A collection of diagnostics, raised all at once."""

    problems: list[Diagnostic] = field(default_factory=list)

    def add(self, place: Span, message: str, hint: str = "") -> None:
        """Add a problem, unless its place has one.

        Those after the first are its consequences.

        Raises:
            ConfigError: when there are `LIMIT` of them.
        """
        if any(problem.place == place for problem in self.problems):
            return
        self.problems.append(Diagnostic(place, message, hint))
        if len(self.problems) >= LIMIT:
            self.check()

    def stop(self, place: Span, message: str, hint: str = "") -> NoReturn:
        """Add a problem that ends the reading.

        Raises:
            ConfigError: with all problems until here.
        """
        self.add(place, message, hint)
        raise self._error()

    def check(self) -> None:
        """Raise ConfigError if there are problems."""
        if self.problems:
            raise self._error()

    def _error(self) -> ConfigError:
        order = list(dict.fromkeys(problem.place.source for problem in self.problems))
        return ConfigError(
            sorted(self.problems, key=lambda p: (order.index(p.place.source), p.place.line, p.place.column))
        )


def _cells(text: str) -> int:
    """Return the width of a text in terminal cells.

    A Chinese character takes two, a combining accent none.
    """
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
