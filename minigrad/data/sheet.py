"""CSV files as columns of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad.data.columns import Column
from minigrad.data.errors import DataError, Findings, Remedy
from minigrad.data.notation import Notation
from minigrad.data.rows import Block, Rows

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
"""Suffixes, in lower case, of the files that a table's inputs are read from."""

_MOST_LENGTHS = 5  # the most lines of a wrong length that are listed


@dataclass
class Sheet:
    """The columns of a CSV file, by name.

    Attributes:
        columns: the requested columns, in the order of the file.
        names: the names of all columns, from the first row.
        lines: the line of the file in which each row ends, int32 (N,).
        digest: the SHA-256 of the file.
        delimiter: the character between cells.
    """

    columns: dict[str, Column]
    names: list[str]
    lines: np.ndarray
    digest: str
    delimiter: str

    def __len__(self) -> int:
        return len(self.lines)


def read_sheet(
    path: str | Path,
    delimiter: str,
    make: Callable[[str], Column | None],
    findings: Findings,
    can_ignore: bool = False,
) -> Sheet:
    """Return the columns of a CSV file with a header.

    Args:
        path: the file.
        delimiter: the character between cells.
        make: returns an empty column for a name, or None for a column that is not needed.
        findings: collects rows of a wrong length, and names that two columns share.
        can_ignore: whether a config can leave columns out, which the remedies then suggest.

    Raises:
        DataError: if the file cannot be read, is not CSV, or has no names, no rows, or none of the right length.
    """
    rows = Rows(path, delimiter)
    blocks = iter(rows)
    head = next(blocks, None)
    if head is None:
        raise DataError(f"{path}: expected a line of column names and at least one row, found an empty file")
    names = [name.strip() for name in head.rows[0]]
    _check_names(path, names, rows.delimiter)
    columns = [make(name) for name in names]
    used = [i for i, column in enumerate(columns) if column is not None]
    check_repeats(names, used, int(head.lines[0]), findings, can_ignore)
    lines: list[np.ndarray] = []
    for block in blocks:
        block = _complete(block, len(names), findings)
        cells = list(zip(*block.rows, strict=True))
        for i in used if cells else ():
            column = columns[i]
            assert column is not None
            columns[i] = column.add(cells[i], block.lines)
        lines.append(block.lines)
    if not lines:
        raise DataError(f"{path}: expected a line of column names and at least one row, found that line alone")
    if not any(map(len, lines)):
        findings.check()  # no rows are left
    kept = {names[i]: column for i in used if (column := columns[i]) is not None}
    return Sheet(kept, names, np.concatenate(lines), rows.digest, rows.delimiter)


def _complete(block: Block, width: int, findings: Findings) -> Block:
    """Return the rows of a block that have `width` cells, and report the others."""
    if set(map(len, block.rows)) == {width}:
        return block
    odd = [i for i, row in enumerate(block.rows) if len(row) != width]
    for i in odd[:_MOST_LENGTHS]:
        findings.refuse(
            f"expected {width} cells, as in the first line, found {len(block.rows[i])}", line=int(block.lines[i])
        )
    if len(odd) > _MOST_LENGTHS:
        findings.refuse(f"and {len(odd) - _MOST_LENGTHS:,} more lines of another length")
    kept = np.setdiff1d(np.arange(len(block.rows)), odd)
    return Block([block.rows[i] for i in kept], block.lines[kept])


def _check_names(path: str | Path, names: Sequence[str], delimiter: str) -> None:
    """Raise DataError if the first row is a single cell that another delimiter would split, or has only numbers."""
    other = next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0] and mark != delimiter), None)
    if other:
        raise DataError(
            f"{path}: the first line is one cell, {names[0]!r}; its delimiter may be {other!r}: write "
            f"{Remedy('delimiter', other)}"
        )
    if all(map(Notation().reads, names)):
        raise DataError(
            f"{path}: expected the first line to name the columns, found numbers: {delimiter.join(names)}; "
            "write a line of names above it, as a,b,c: Excel and editors can insert one"
        )


def check_repeats(names: Sequence[str], used: Sequence[int], line: int, findings: Findings, can_ignore: bool) -> None:
    """Report names that two columns in use share.

    If a config can leave columns out, the remedy is to do so.
    """
    for name, count in Counter(names[i] for i in used).items():
        if count > 1:
            said, remedy = (f"have the name {name!r}", "rename them") if name else ("have no name", "name them")
            if can_ignore:
                remedy += ", or name it in `ignore`" if name else ', or leave them out by `ignore: [""]`'
            remedies = [Remedy("ignore", name)] if can_ignore else []
            findings.refuse(f"{_count(count)} columns {said}: {remedy}", None, line, *remedies)


def _count(n: int) -> str:
    return {2: "two", 3: "three"}.get(n, f"{n:,}")
