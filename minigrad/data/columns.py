"""Columns of a table, read block by block.

They store numbers in place of texts, so that large files fit into memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from minigrad.data.errors import Remedy
from minigrad.data.notation import MISSING, DateFormat, Notation, other_notations, sign_of

Kind = Literal["number", "text", "date"]

_LARGEST = float(np.finfo(np.float32).max)
MOST_TEXTS = 10_000
"""The most distinct texts of a column whose type is inferred; a column declared categorical has no limit."""


@dataclass(frozen=True)
class Cell:
    """A cell and its line in the file."""

    text: str
    line: int


@dataclass(frozen=True)
class Problem:
    """A problem of a column, its line and the remedy.

    The line is None if the problem concerns several lines.
    """

    text: str
    line: int | None = None
    remedies: tuple[Remedy, ...] = ()


class Column(ABC):
    """The cells of one column, as numbers.

    Attributes:
        name: the column's name in the first row.
        problem: the first problem found, if any; the rest of the column is not read then.
        gap: the first missing cell.
        gaps: the number of missing cells.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.problem: Problem | None = None
        self.gap: Cell | None = None
        self.gaps = 0
        self._parts: list[np.ndarray] = []

    def add(self, cells: Sequence[str], lines: np.ndarray) -> Column:
        """Add cells and their lines, int32 (N,); return the column.

        The returned column may have a more specific class.
        """
        if self.problem is None:
            self._parts.append(self._read(cells, lines))
        return self

    @property
    def values(self) -> np.ndarray:
        """The cells as numbers (N,)."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    @property
    def missing(self) -> np.ndarray:
        """Which cells are missing, bool (N,)."""
        return np.isnan(self.values)

    @abstractmethod
    def _read(self, cells: Sequence[str], lines: np.ndarray) -> np.ndarray:
        """Return cells as numbers, recording gaps and problems."""

    def _note_gaps(self, missing: np.ndarray, cells: Sequence[str], lines: np.ndarray) -> None:
        count = int(np.count_nonzero(missing))
        if count and self.gap is None:
            first = int(missing.argmax())
            self.gap = Cell(cells[first], int(lines[first]))
        self.gaps += count


class Numbers(Column):
    """A column of numbers, float64 (N,), NaN for missing ones.

    Args:
        name: the column's name in the first row.
        notation: the notation of the numbers; a percent or currency sign is learned from the first number.
        example: the first cell, if the type was inferred from it; None if the config declares the type.
        sign: the sign that the numbers had in the training file; None if there is no such file.
    """

    def __init__(self, name: str, notation: Notation, example: Cell | None = None, sign: str | None = None) -> None:
        super().__init__(name)
        self.notation = notation if sign is None else Notation(notation.decimal, notation.thousands, sign)
        self._example = example
        self._learns_sign = example is None and sign is None

    def _read(self, cells: Sequence[str], lines: np.ndarray) -> np.ndarray:
        if self._learns_sign:
            present = next((cell for cell in cells if cell.strip().lower() not in MISSING), None)
            if present is not None:
                self.notation = Notation(self.notation.decimal, self.notation.thousands, sign_of(present))
                self._learns_sign = False
        try:
            numbers = self.notation.numbers(cells)
        except ValueError:
            self._refuse(cells, lines)
            return np.empty(0)
        if np.abs(numbers).max() <= _LARGEST:  # false for NaN too
            return numbers
        self._note_gaps(np.isnan(numbers), cells, lines)
        if len(excess := np.flatnonzero(np.abs(numbers) > _LARGEST)):
            i = int(excess[0])
            self.problem = Problem(f"expected a finite number, found {cells[i].strip()!r}", int(lines[i]))
        return numbers

    def _refuse(self, cells: Sequence[str], lines: np.ndarray) -> None:
        for cell, line in zip(cells, lines.tolist(), strict=True):
            text = cell.strip()
            if text.lower() in MISSING or self.notation.reads(text):
                continue
            if self._example is None:
                others = [other for other in other_notations([text], self.notation) if not other.sign]
                ways = remedies(others[0], self.notation) if others else ()
                advice = f"; {' and '.join(map(str, ways))} makes it one" if ways else ""
                self.problem = Problem(f"expected a finite number, found {text!r}{advice}", line, ways)
            else:
                self.problem = _mixed(self.name, self._example, Cell(text, line), self.notation)
            return


class Dates(Column):
    """A column of dates, as seconds since 1970.

    The values are float64 (N,), NaN where one is missing.

    Args:
        name: the column's name in the first row.
        form: the date format.
    """

    def __init__(self, name: str, form: DateFormat) -> None:
        super().__init__(name)
        self.form = form

    def _read(self, cells: Sequence[str], lines: np.ndarray) -> np.ndarray:
        try:
            seconds = self.form.all_seconds(cells)
        except ValueError:
            cell, line = next(
                (cell.strip(), line)
                for cell, line in zip(cells, lines.tolist(), strict=True)
                if cell.strip().lower() not in MISSING and not self.form.reads(cell)
            )
            expected = f"like {self.form.form!r}" if self.form.form else "in ISO 8601, as 2024-12-31"
            self.problem = Problem(f"expected a date {expected}, found {cell!r}", line)
            return np.empty(0)
        self._note_gaps(np.isnan(seconds), cells, lines)
        return seconds


class Texts(Column):
    """A column of texts, as indices into `found`.

    The values are int32 (N,), -1 where one is missing.

    Args:
        name: the column's name in the first row.
        notation: the notation of numbers, which are sorted by value.
        missing: the texts that mean a missing value, in lower case.
        example: the first cell, if the type was inferred from it; None if the config declares the type.
    """

    def __init__(self, name: str, notation: Notation, missing: set[str], example: Cell | None = None) -> None:
        super().__init__(name)
        self.found: dict[str, Cell] = {}
        self._notation = notation
        self._gaps_as = missing
        self._example = example
        self._codes: dict[str, int] = {}  # by cell, with surrounding spaces

    def _read(self, cells: Sequence[str], lines: np.ndarray) -> np.ndarray:
        try:
            codes = np.fromiter(map(self._codes.__getitem__, cells), np.int32, len(cells))
        except KeyError:
            for cell, line in zip(cells, lines.tolist(), strict=True):
                if cell not in self._codes:
                    self._codes[cell] = self._code(Cell(cell.strip(), line))
            codes = np.fromiter(map(self._codes.__getitem__, cells), np.int32, len(cells))
        self._note_gaps(codes < 0, cells, lines)
        return codes

    def _code(self, cell: Cell) -> int:
        """Return the index of a text, adding new ones."""
        if cell.text in self._codes:
            return self._codes[cell.text]
        if cell.text.lower() in self._gaps_as:
            return -1
        self._codes[cell.text] = len(self.found)
        self.found[cell.text] = cell
        if self._example is not None and self.problem is None:
            if cell.text.lower() not in MISSING and self._notation.reads(cell.text):
                self.problem = _mixed(self.name, cell, self._example, self._notation)
            elif len(self.found) > MOST_TEXTS:
                self.problem = Problem(
                    f"holds more than {MOST_TEXTS:,} different texts: name it in `ignore`, or in `embed`",
                    remedies=(Remedy("ignore", self.name),),
                )
        return self._codes[cell.text]

    @property
    def missing(self) -> np.ndarray:
        """Which cells are missing, bool (N,)."""
        return self.values < 0

    def classes(self) -> np.ndarray:
        """Return each cell's category, int64 (N,); -1 for missing cells."""
        place = {text: i for i, text in enumerate(self.categories())}
        return np.array([*(place[text] for text in self.found), -1])[self.values]

    def categories(self) -> tuple[str, ...]:
        """Return the distinct texts, sorted.

        They are sorted as numbers if all of them are numbers.
        """
        numeric = all(map(self._notation.reads, self.found))
        return tuple(sorted(self.found, key=lambda text: (self._notation.number(text) if numeric else 0.0, text)))


class Unknown(Column):
    """A column of missing cells, whose type is still open.

    The first cell that is not missing determines the type.

    Args:
        name: the column's name in the first row.
        notation: the notation of numbers.
        missing: the texts that mean a missing value, in lower case.
        dates: the date format, if a column that is not numeric holds dates.
    """

    def __init__(self, name: str, notation: Notation, missing: set[str], dates: DateFormat | None = None) -> None:
        super().__init__(name)
        self._notation = notation
        self._gaps_as = missing
        self._dates = dates
        self._seen: list[tuple[Sequence[str], np.ndarray]] = []

    def add(self, cells: Sequence[str], lines: np.ndarray) -> Column:
        """Add cells; return a typed column once possible."""
        self._seen.append((cells, lines))
        first = next((i for i, cell in enumerate(cells) if cell.strip().lower() not in MISSING), None)
        if first is None:
            return super().add(cells, lines)
        example = Cell(cells[first].strip(), int(lines[first]))
        known: Column
        if self._notation.reads(example.text):
            known = Numbers(self.name, self._notation, example)
        elif self._dates is not None:
            known = Dates(self.name, self._dates)
        else:
            known = Texts(self.name, self._notation, self._gaps_as, example)
        for block in self._seen:
            known.add(*block)
        return known

    def _read(self, cells: Sequence[str], lines: np.ndarray) -> np.ndarray:
        missing = np.ones(len(cells), bool)
        self._note_gaps(missing, cells, lines)
        return np.full(len(cells), np.nan)


def _mixed(name: str, number: Cell, text: Cell, notation: Notation) -> Problem:
    """Return the problem of a column of numbers and texts."""
    others = [other for other in other_notations([text.text], notation) if not other.sign]
    ways = remedies(others[0], notation) if others else ()
    advice = f"{' and '.join(map(str, ways))} makes it a number; " if ways else ""
    return Problem(
        f"mixes numbers and texts: {number.text!r} in line {number.line}, {text.text!r} in line {text.line}; "
        f"{advice}name it in `categorical` or `ignore`, or mend the file",
        remedies=ways or (Remedy("ignore", name),),
    )


def remedies(wanted: Notation, notation: Notation) -> tuple[Remedy, ...]:
    """Return the config options for another notation of numbers."""
    marks = {"decimal": (wanted.decimal, notation.decimal), "thousands": (wanted.thousands, notation.thousands)}
    return tuple(Remedy(option, mark) for option, (mark, now) in marks.items() if mark != now)
