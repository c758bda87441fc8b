"""The columns of a CSV file, with ambiguities resolved."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from minigrad.data import DataError
from minigrad.data.columns import Column, Numbers, Texts
from minigrad.data.doubts import doubt
from minigrad.data.errors import Findings, Remedy, nearest
from minigrad.data.notation import Notation
from minigrad.data.options import TableOptions
from minigrad.data.rows import Rows
from minigrad.data.sheet import Sheet, read_sheet

_DELIMITERS = ",;\t|"
_FEW_CLASSES = 20  # a target with at most this many distinct whole numbers has classes
_ROWS_OF_A_CLASS = 5  # and at least this many rows per class on average
_ROWS_OF_A_CATEGORY = 5  # rows per category on average that suffice to learn embeddings
_WAYS = re.compile(
    r"`\w+: [^`]+`(?: and `\w+: [^`]+`)* or `\w+: [^`]+`(?: and `\w+: [^`]+`)*"
)  # the remedies of an ambiguity that needs several options
_QUOTED = re.compile(r"'[^']*'")
_GROUPED = re.compile(
    r"'[-+]?[1-9]\d{0,2}(?:[,.]\d{3})+'"
)  # a number with a decimal part, or with thousands separators
_WORDS_OF_A_TEXT = 3
_WORDS_OF_A_NAME = 3  # most words per column name, on average; prose with commas has more


@dataclass
class Columns:
    """A CSV file and how to read its columns.

    Attributes:
        path: the file.
        delimiter: the character between two cells, unless the file names its own.
        sheet: the columns in use, as last read.
        targets: the column to predict, once chosen.
        kinds: columns by role: `categorical`, `numeric`, `embed`, `ignore`.
        dates: the format of each date column, empty for ISO 8601.
        missing: how a column's missing values are filled.
        notation: how numbers are written.
        reasons: why a column is ignored.
        texts: the columns with texts of several words, nearly all distinct.
        doubts: ambiguities, each with the reading that was chosen.
    """

    path: Path
    delimiter: str = ","
    sheet: Sheet = field(init=False)
    targets: tuple[str, ...] = ()
    kinds: dict[str, list[str]] = field(default_factory=lambda: {"categorical": [], "numeric": [], "embed": []})
    dates: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notation: Notation = field(default_factory=Notation)
    reasons: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    _marks: set[str] = field(default_factory=set)  # notation options that are set

    def settle(self) -> None:
        """Read the file until no ambiguity is left.

        Raises:
            DataError: for ambiguities that only the owner can resolve.
        """
        while True:
            findings = Findings(str(self.path))
            options = self.options()
            self.sheet = read_sheet(self.path, self.delimiter, options.column, findings, can_ignore=True)
            options.check(self.sheet.names, findings)
            doubt(self.sheet, options, findings)
            gaps = [found for found in findings.remedies if found[0].option == "missing"]
            others = [found for found in findings.remedies if found[0].option != "missing"]
            # how missing values are filled depends on the column's kind, which other remedies may change
            if not sum([self._apply(*found) for found in others]) and not sum([self._apply(*found) for found in gaps]):
                findings.check()
                return

    def choose(self, target: str) -> None:
        """Make a column the target, and resolve new ambiguities."""
        self.targets = (target,)
        self.missing.pop(target, None)
        self.settle()

    def options(self) -> TableOptions:
        """Return the findings so far as options of a table."""
        return TableOptions(
            targets=self.targets,
            categorical=tuple(self.kinds["categorical"]),
            numeric=tuple(self.kinds["numeric"]),
            embed=tuple(self.kinds["embed"]),
            ignore=tuple(self.reasons),
            dates=self.dates,
            missing=self.missing,  # type: ignore[arg-type]  # the words are those of remedies
            notation=self.notation,
        )

    def inputs(self, kind: type[Column]) -> list[str]:
        """Return the names of the input columns of a kind."""
        options = self.options()
        return [name for name, c in self.sheet.columns.items() if isinstance(c, kind) and options.is_input(name)]

    def ignored(self) -> list[str]:
        """Return the reason for each ignored column."""
        return [
            reason if repr(name) in reason else f"{name or '(no name)'!r} {reason}"
            for name, reason in self.reasons.items()
        ]

    @property
    def target(self) -> Column:
        """The column to predict."""
        return self.sheet.columns[self.targets[0]]

    def _apply(self, remedy: Remedy, reason: str) -> bool:
        """Apply a remedy; return whether it changes anything."""
        if remedy.option in ("decimal", "thousands"):
            return self._set_mark(remedy, reason)
        name = remedy.value if remedy.key is None else remedy.key
        if remedy.option == "missing":
            if name in self.missing:
                return False
            self.missing[name] = remedy.value
            return True
        is_settled = name in self.reasons or name in self.options().declared
        if is_settled or (remedy.option == "ignore" and name in self.targets):
            return False
        if remedy.option == "dates":
            self.dates[name] = remedy.value if remedy.key is not None else ""
            if ways := _WAYS.search(reason):
                self.doubts.append(f"{name!r} may be {ways[0]}: the first was taken")
        elif remedy.option == "ignore":
            self._leave_out(name, reason)
        elif remedy.option == "categorical" and name in self.targets:
            self.kinds["categorical" if self._are_classes(name) else "numeric"].append(name)
        else:
            self.kinds[remedy.option].append(name)
        return True

    def _set_mark(self, remedy: Remedy, reason: str) -> bool:
        """Apply a number format; if all numbers look like `1,234`, other columns and the delimiter decide."""
        option, mark = remedy.option, remedy.value
        if option == "decimal" and not self._marks and (" or `thousands: " in reason or _GROUPED.search(reason)):
            option = "thousands" if self.delimiter == "," or self._has_fractions() else "decimal"
            other = Remedy("thousands" if option == "decimal" else "decimal", mark)
            number = _QUOTED.search(reason)
            assert number is not None
            self.doubts.append(f"{number[0]} is read by {Remedy(option, mark)}; if that is wrong, write {other} for it")
        if option in self._marks:  # another column disagrees
            return False
        self._marks.add(option)
        if mark == self.notation.thousands:  # a number without groups of three disproves it
            self.notation, self.doubts = Notation(), []
        self.notation = replace(self.notation, **{option: mark})
        return True

    def _has_fractions(self) -> bool:
        numbers = [column.values for column in self.sheet.columns.values() if isinstance(column, Numbers)]
        return any((values % 1 > 0).any() for values in numbers)

    def _leave_out(self, name: str, reason: str) -> None:
        """Ignore a column, or embed it if each of its categories has enough rows."""
        column = self.sheet.columns.get(name)
        if isinstance(column, Texts) and (count := len(column.found)) >= _FEW_CLASSES:
            words = np.mean([len(text.split()) for text in column.found])
            # reading ended early: at a number among the texts, or after too many categories
            is_open = column.problem is not None
            if words >= _WORDS_OF_A_TEXT and (is_open or count > len(self.sheet) / 2):
                self.texts.append(name)
            elif not is_open and "different texts" in reason and len(self.sheet) >= _ROWS_OF_A_CATEGORY * count:
                self.kinds["embed"].append(name)
                return
        self.reasons[name] = re.split(r"[:;,] (?:name|write|which|no two|\w+: )", reason)[0]

    def _are_classes(self, name: str) -> bool:
        column = self.sheet.columns[name]
        present = column.values[~column.missing]
        found, counts = np.unique(present, return_counts=True)
        few = len(found) <= _FEW_CLASSES and len(present) >= _ROWS_OF_A_CLASS * len(found)
        return bool(few and counts.min() >= 3)  # fewer, and a split would lack the class


def read_columns(path: Path, target: str | None) -> Columns:
    """Return a CSV file's columns without ambiguities.

    If `target` is None, no target is chosen.

    Raises:
        DataError: if the file cannot be read, lacks the target, or has ambiguities that only its owner can resolve.
    """
    columns = Columns(path, delimiter_of(path))
    if target is not None:
        names = read_names(path, columns.delimiter)
        if target not in names:
            raise DataError(f"{path}: no column {target!r} to be the target; {nearest(target, names)}")
        columns.targets = (target,)
    columns.settle()
    return columns


def read_names(path: Path, delimiter: str) -> list[str]:
    """Return the names of the columns."""
    block = next(iter(Rows(path, delimiter)), None)
    return [] if block is None else [name.strip() for name in block.rows[0]]


def delimiter_of(path: Path) -> str:
    """Return the delimiter of a CSV file.

    It is a comma if no character splits the rows evenly, or if the file names its own.

    Raises:
        DataError: if the file cannot be read.
    """
    return _detect_delimiter(path)[2]


def is_divided(path: Path) -> bool:
    """Whether a text file is a CSV file.

    It is if it has column names, three or more rows, and the same number of cells in its first rows.
    """
    share, cells, mark, rows = _detect_delimiter(path)
    if share < 1 or cells < 2 or rows < 3:
        return False
    names = read_names(path, mark)
    return sum(len(name.split()) for name in names) <= _WORDS_OF_A_NAME * len(names)


def _detect_delimiter(path: Path) -> tuple[float, int, str, int]:
    """Find the delimiter that splits a file best.

    Returns:
        The fraction of the first rows that have as many cells as the first, that number of cells, the delimiter, and
        the number of rows.
    """
    best = (0.0, 1, ",", 0)
    for mark in _DELIMITERS:
        rows = Rows(path, mark)
        try:
            blocks = iter(rows)
            sizes = [len(row) for block in (next(blocks, None), next(blocks, None)) if block for row in block.rows]
        except DataError:
            continue  # not a CSV file with this delimiter
        if not sizes:
            break
        division = (sizes.count(sizes[0]) / len(sizes), sizes[0], mark, len(sizes))
        if rows.delimiter != mark:  # the file names it, in Excel's first line
            return division
        if sizes[0] > 1 and division[:2] > best[:2]:
            best = division
    return best
