"""Errors, warnings and findings about data."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minigrad.suggest import most_similar

_LISTS = {"categorical", "numeric", "ignore", "embed", "dates"}
MOST = 20
"""The most findings or names that a message lists; it counts the others."""


class DataError(ValueError):
    """Unusable data, or an invalid request for data.

    The message says what was expected, what was found, and how to fix it.
    """


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Begin the message of a DataError with a path, once."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error


class DataWarning(UserWarning):
    """A guess about data that may be wrong.

    The message says what was found, how it was interpreted, and what to write if that is wrong.
    """


@dataclass(frozen=True)
class Remedy:
    """A config option that settles a doubt.

    Args:
        option: an argument of the dataset.
        value: its value or, for an option that lists columns, a column to add.
        key: for an option that maps columns to values, the column.
    """

    option: str
    value: str
    key: str | None = None

    @property
    def entry(self) -> str:
        """The entry inside the option's brackets, or after its colon."""
        return quoted(self.value) if self.key is None else f"{quoted(self.key)}: {quoted(self.value)}"

    def __str__(self) -> str:
        return f"`{_option(self.option, [self])}`"


@dataclass(frozen=True)
class _Finding:
    place: str
    text: str
    remedies: tuple[Remedy, ...] = ()


class Findings:
    """All findings about a file, reported at once.

    A doubt is an error if a wrong guess would silently give wrong results, and a warning if it is harmless.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._refused: list[_Finding] = []
        self._noted: list[_Finding] = []

    def refuse(self, text: str, column: str | None = None, line: int | None = None, *remedies: Remedy) -> None:
        """Add a finding that makes the file unusable.

        The end of the message repeats the remedies of all findings.

        Args:
            text: what was found.
            column: the column, if it is in one.
            line: the line, if it is in one.
            remedies: the options that settle it.
        """
        self._refused.append(_Finding(_place(column, line), text, remedies))

    def note(self, text: str, column: str | None = None, line: int | None = None, *remedies: Remedy) -> None:
        """Add a guess that is worth a warning.

        The arguments are those of `refuse`.
        """
        self._noted.append(_Finding(_place(column, line), text, remedies))

    @property
    def remedies(self) -> list[tuple[Remedy, str]]:
        """All remedies, each with the text that says why.

        They include the remedies of warnings.
        """
        found = [*self._refused, *self._noted]
        return [(remedy, finding.text) for finding in found for remedy in finding.remedies]

    def check(self) -> None:
        """Raise DataError with all findings, if any is refused.

        The message also includes the warnings.
        """
        if not self._refused:
            return
        found = [*self._refused, *self._noted]
        if len(found) == 1:
            raise DataError(_sentence(self.path, found[0]))
        lines = [f"{self.path}: {len(found)} things to settle:"]
        lines += [f"  {_sentence('', finding).removeprefix(': ').removeprefix(', ')}" for finding in found[:MOST]]
        if len(found) > MOST:
            lines.append(f"  and {len(found) - MOST:,} more")
        if sum(len(finding.remedies) for finding in found) > 1:
            lines.append(f"  all of these remedies together: {_combined_remedies(found)}")
        raise DataError("\n".join(lines))

    def warn(self, stacklevel: int = 2) -> None:
        """Issue the noted findings as one DataWarning.

        It points to the line `stacklevel` calls above this one.
        """
        for finding in self._noted[:MOST]:
            warnings.warn(_sentence(self.path, finding), DataWarning, stacklevel + 1)
        if len(self._noted) > MOST:
            text = f"{self.path}: and {len(self._noted) - MOST:,} more doubts of these kinds"
            warnings.warn(text, DataWarning, stacklevel + 1)


def nearest(name: str, names: list[str]) -> str:
    """Return a hint for a wrong name.

    The hint ends a sentence; it consists of the most similar name and all valid names.
    """
    likely = most_similar(name, names)
    there = ", ".join(names[:MOST]) + (f" and {len(names) - MOST:,} more" if len(names) > MOST else "")
    return (f"did you mean {likely!r}? " if likely else "") + f"there are: {there}"


def quoted(text: str) -> str:
    """Return a text quoted for YAML, where it needs quotes.

    The text is meant to be inside brackets.
    """
    is_word = text.isidentifier() and text.lower() not in {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
    return text if is_word else json.dumps(text, ensure_ascii=False)


def _place(column: str | None, line: int | None) -> str:
    at_line = "" if line is None else f", line {line}"
    return at_line if column is None else f": column {column!r}{at_line}"


def _sentence(path: str, finding: _Finding) -> str:
    # "column 'x' holds ..." without a line, "column 'x', line 3: ..." with one
    between = " " if finding.place.startswith(": column") and ", line " not in finding.place else ": "
    return f"{path}{finding.place}{between}{finding.text}"


def _combined_remedies(found: list[_Finding]) -> str:
    """Return the remedies of findings as config arguments.

    Each option occurs once.
    """
    options: dict[str, list[Remedy]] = {}
    for finding in found:
        for remedy in finding.remedies:
            options.setdefault(remedy.option, []).append(remedy)
    return ", ".join(_option(option, remedies) for option, remedies in options.items())


def _option(name: str, remedies: list[Remedy]) -> str:
    entries = ", ".join(dict.fromkeys(remedy.entry for remedy in remedies))
    if remedies[0].key is not None:
        return f"{name}: {{{entries}}}"
    return f"{name}: [{entries}]" if name in _LISTS else f"{name}: {remedies[0].entry}"
