"""Time series from a CSV file or an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from minigrad.data.columns import Column, Numbers, Unknown
from minigrad.data.errors import DataError, Findings, Remedy, nearest
from minigrad.data.files import digest_of
from minigrad.data.frame import Frame, sheet_of
from minigrad.data.inputs import read_numbers
from minigrad.data.notation import MISSING, DateFormat, Notation
from minigrad.data.sheet import Sheet

Gaps = Literal["error", "previous"]
"""The treatment of missing numbers in a series: refuse them, or fill in the previous number."""

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".npy")
"""Suffixes, in lower case, of the files that a series is read from."""


@dataclass(frozen=True)
class Reading:
    """How to read the series of a file.

    Args:
        missing: the treatment of missing numbers.
        delimiter: the character between cells.
        notation: the notation of numbers.
        time: the column of times, which must increase from row to row.
    """

    missing: Gaps = "error"
    delimiter: str = ","
    notation: Notation = field(default_factory=Notation)
    time: str | None = None


@dataclass(frozen=True)
class Series:
    """Columns of numbers in order of time.

    Attributes:
        names: the names of the columns.
        values: float64 (n, columns).
        lines: the line of each row in the file, int32 (n,); for an array, the row numbers from 1.
        digest: the SHA-256 of the file; None for an array.
    """

    names: tuple[str, ...]
    values: np.ndarray
    lines: np.ndarray
    digest: str | None = None


def read_series(
    source: Path | np.ndarray | Frame, asked: Sequence[str], reading: Reading, findings: Findings
) -> Series:
    """Return series from a CSV file, data frame or array.

    The first row of a CSV file names the columns. An array is (n,) or (n, columns), with columns named "0", "1" and so
    on.

    Args:
        source: the CSV or .npy file, the data frame, or the array.
        asked: the columns to return; for an array, all if empty.
        reading: how to read the file.
        findings: collects all problems; if there are any, the series is unusable.

    Raises:
        DataError: if the file cannot be read, or a problem was found.
    """
    if hasattr(source, "columns") or (isinstance(source, Path) and source.suffix.lower() != ".npy"):
        return _from_table(source, asked, reading, findings)
    array = read_numbers(source) if isinstance(source, Path) else np.asarray(source)
    if array.dtype.kind not in "iuf" or array.ndim not in (1, 2) or 0 in array.shape:
        raise DataError(
            f"{findings.path}: expected a series of numbers, (n,) or (n, columns), got {array.dtype} of shape "
            f"{array.shape}"
        )
    values = array.reshape(len(array), -1).astype(np.float64)
    names = list(map(str, range(values.shape[1])))
    asked = asked or names
    for name in asked:
        if name not in names:
            findings.refuse(f"no column {name!r}; {nearest(name, names)}")
    findings.check()
    values = values[:, [names.index(name) for name in asked]]
    rows = np.arange(1, len(values) + 1, dtype=np.int32)
    for name, column in zip(asked, values.T, strict=True):
        if np.isinf(column).any():
            findings.refuse("expected finite numbers, found infinity", name, int(rows[np.isinf(column)][0]))
        _fill(name, column, rows, reading.missing, findings)
    findings.check()
    return Series(tuple(asked), values, rows, digest_of(source) if isinstance(source, Path) else None)


def _from_table(source: Path | Frame, asked: Sequence[str], reading: Reading, findings: Findings) -> Series:
    def make(name: str) -> Column | None:
        if name in asked:
            return Numbers(name, reading.notation)
        return Unknown(name, reading.notation, MISSING, DateFormat()) if name == reading.time else None

    sheet = sheet_of(source, reading.delimiter, make, findings)
    for name in [*asked, *([reading.time] if reading.time is not None else [])]:
        if name not in sheet.columns:
            findings.refuse(f"no column {name!r}; {nearest(name, sheet.names)}")
        elif (problem := sheet.columns[name].problem) is not None:
            findings.refuse(problem.text, name, problem.line, *problem.remedies)
    if len(sheet.names) == 1 and len(empty := np.flatnonzero(np.diff(sheet.lines) > 1)):
        line = int(sheet.lines[empty[0]]) + 1
        findings.refuse("the line is empty: leave it out, or write nan for a missing number", line=line)
    if not asked:
        findings.refuse(f"name the column to forecast in `column`; there are: {', '.join(sheet.names[:20])}")
    findings.check()
    if reading.time is not None:
        _check_time(sheet.columns[reading.time], sheet, findings)
    values = np.stack([sheet.columns[name].values for name in asked], axis=1)
    for name, column in zip(asked, values.T, strict=True):
        _fill(name, column, sheet.lines, reading.missing, findings)
    findings.check()
    return Series(tuple(asked), values, sheet.lines, sheet.digest)


def _fill(name: str, column: np.ndarray, lines: np.ndarray, missing: Gaps, findings: Findings) -> None:
    """Fill missing numbers with the previous one, or report that they are missing."""
    gaps = np.isnan(column)
    if not gaps.any():
        return
    first = int(gaps.argmax())
    if missing == "error":
        more = f" (and {gaps.sum() - 1:,} more)" if gaps.sum() > 1 else ""
        remedy = "fill it in, or write `missing: previous`, and the number before it stays"
        findings.refuse(f"the value is missing{more}: {remedy}", name, int(lines[first]), Remedy("missing", "previous"))
    elif first == 0:
        findings.refuse(
            "the first value is missing, and there is none before it: leave out the row", name, int(lines[0])
        )
    else:
        column[:] = column[np.maximum.accumulate(np.where(gaps, 0, np.arange(len(column))))]


def _check_time(column: Column, sheet: Sheet, findings: Findings) -> None:
    """Report the first row that is not later than the one before, and steps of different lengths."""
    name, moments = column.name, column.values
    if column.gap is not None:
        findings.refuse("the time is missing: leave out the row", name, column.gap.line)
        return
    steps = np.diff(moments)
    if len(back := np.flatnonzero(steps <= 0)):
        same = "the same time as" if steps[back[0]] == 0 else "a time before that of"
        findings.refuse(
            f"has {same} the row above: sort the rows by time, and leave one of each",
            name,
            int(sheet.lines[back[0] + 1]),
        )
        return
    usual = np.median(steps) if len(steps) else 0
    if len(odd := np.flatnonzero(np.abs(steps - usual) > 0.5 * usual)):
        more = f" (and {len(odd) - 1:,} more)" if len(odd) > 1 else ""
        findings.note(
            f"is {steps[odd[0]] / usual:.3g} of the usual steps after the row above{more}: windows take all rows for "
            f"evenly spaced",
            name,
            int(sheet.lines[odd[0] + 1]),
        )
