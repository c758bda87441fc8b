"""Rows of a CSV file in blocks, with their lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.errors import DataError
from minigrad.data.files import check_text, reading

_CELLS = 2**13  # cells in a block, which stays in a cache: blocks of 2**17 took twice as long
_EXCEL = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Block:
    """Some rows: cells, and the lines they end in.

    The lines are int32 (N,).
    """

    rows: list[list[str]]
    lines: np.ndarray


class Rows:
    """The rows of a CSV file, read once.

    A byte order mark and empty lines are skipped, and so is Excel's first line `sep=;`, which sets the delimiter.

    Args:
        path: the UTF-8 file.
        delimiter: the character between cells.

    Raises:
        DataError: if the file cannot be read or is not UTF-8; during iteration, for a row that is not valid CSV, with
            the line where it begins.
    """

    def __init__(self, path: str | Path, delimiter: str = ",") -> None:
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
            raise DataError(f"delimiter is one character, got {delimiter!r}")
        self.path = path
        self.delimiter = delimiter
        self.digest = check_text(path)

    def __iter__(self) -> Iterator[Block]:
        """Yield the rows that are not empty."""
        with self._open() as (reader, skipped):
            first = skipped + 1
            size = 1
            while rows := self._take(reader, size):
                last = reader.line_num + skipped
                if last - first + 1 == len(rows):
                    lines = np.arange(first, last + 1, dtype=np.int32)
                else:  # line breaks within quotes
                    lines = first - 1 + np.cumsum([1 + _breaks(row) for row in rows], dtype=np.int32)
                first = last + 1
                if not all(rows):
                    full = [i for i, row in enumerate(rows) if row]
                    rows, lines = [rows[i] for i in full], lines[full]
                if rows:
                    size = max(1, _CELLS // len(rows[0]))
                    yield Block(rows, lines)

    @contextmanager
    def _open(self) -> Iterator[tuple[Any, int]]:
        """Yield a `csv.reader` (its type has no public name), and the number of lines before its first row."""
        with reading(self.path), open(self.path, newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            excel = _EXCEL.fullmatch(first)
            if excel and self.delimiter not in (",", excel[1]):
                raise DataError(
                    f"{self.path}, line 1: Excel's {first.strip()!r} says that the delimiter is {excel[1]!r}, "
                    f"and the config says {self.delimiter!r}"
                )
            if excel:
                self.delimiter = excel[1]
            lines = file if excel else chain([first], file)
            yield csv.reader(lines, delimiter=self.delimiter, strict=True), int(bool(excel))

    def _take(self, reader: Iterator[list[str]], count: int) -> list[list[str]]:
        try:
            return list(islice(reader, count))
        except csv.Error as error:
            raise self._no_csv(error) from error

    def _no_csv(self, error: csv.Error) -> DataError:
        """Return the error for an invalid row; the file is read again up to the row, to find where it begins."""
        line = 1
        with self._open() as (reader, skipped), suppress(csv.Error):
            for _ in reader:
                line = 1 + reader.line_num
        reason = str(error)
        if "unexpected end of data" in reason:
            reason = "a quote that opens in this row is never closed"
        elif "field larger" in reason:
            reason = f"a cell of more than {csv.field_size_limit():,} characters; is a quote open?"
        return DataError(f"{self.path}, line {line + skipped}: not CSV: {reason}")


def _breaks(row: list[str]) -> int:
    """Return the number of line breaks within the cells of a row."""
    return sum(len(_BREAK.findall(cell)) for cell in row)
