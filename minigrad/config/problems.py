"""What is wrong with a config, where, and what would be right: every error at once, as a person wants to read it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

LIMIT = 100
"""How many problems are collected before a config is given up: nobody reads more, and each costs time."""

WINDOW = 100
"""How much of a long line is shown around its caret, in characters."""


@dataclass(frozen=True, eq=False)
class Source:
    """A text that a config is read from: a file, or the overrides of a command line, one a line."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.splitlines()


@dataclass(frozen=True)
class Place:
    """A stretch of a line: `line` and `column` count from 1, and line 0 is the source as a whole."""

    source: Source
    line: int = 0
    column: int = 1
    width: int = 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}" if self.line else self.source.name

    def show(self) -> list[str]:
        """The line and a caret line below it, or nothing for a place without a line."""
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


DEFAULT = Place(Source("default", ""))
"""Where the values stand that nobody wrote."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where, and the remedy (lines of text, or nothing)."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        shown = [f"{self.place}: error: {self.message}", *self.place.show()]
        return "\n".join([*shown, *(f"  {line}" for line in self.hint.splitlines())])


class ConfigError(Exception):
    """A config that cannot be run. `str()` of it is all that a person needs to correct it; `problems` are its parts."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        count = len(self.problems)
        total = "1 error" if count == 1 else f"{'at least ' if count >= LIMIT else ''}{count} errors"
        return "\n".join([*map(str, self.problems), f"{total}; nothing was run"])


@dataclass
class Report:
    """Collects problems, to raise them all at once."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, place: Place, message: str, hint: str = "") -> None:
        """Notes a problem, but only the first of a place: those after it are its consequences.

        Raises: ConfigError when there are `LIMIT` of them.
        """
        if any(problem.place == place for problem in self.problems):
            return
        self.problems.append(Problem(place, message, hint))
        if len(self.problems) >= LIMIT:
            self.check()

    def stop(self, place: Place, message: str, hint: str = "") -> NoReturn:
        """Notes a problem after which nothing can be read on. Raises: ConfigError, with all problems until here."""
        self.add(place, message, hint)
        raise self._error()

    def check(self) -> None:
        """Raises: ConfigError if there is a problem."""
        if self.problems:
            raise self._error()

    def _error(self) -> ConfigError:
        order = list(dict.fromkeys(problem.place.source for problem in self.problems))
        return ConfigError(
            sorted(self.problems, key=lambda p: (order.index(p.place.source), p.place.line, p.place.column))
        )


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes: a Chinese character takes two, a combining accent none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
