"""Data frames (pandas, polars, …) as columns of numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from minigrad.data.columns import Column
from minigrad.data.errors import DataError, Findings
from minigrad.data.sheet import Sheet, check_repeats, read_sheet

_BLOCK = 2**13


FRAME = "DataFrame"
"""The name of a data frame in messages, in place of a path."""


class Frame(Protocol):
    """The protocol of data frames that can be read.

    It has column names, and columns that return their cells as a list.
    """

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""

    def __getitem__(self, name: Any) -> Any:
        """Return the column of this name, which has `to_list()`."""


def sheet_of(
    source: str | Path | Frame | Mapping[str, Any],
    delimiter: str,
    make: Callable[[str], Column | None],
    findings: Findings,
    can_ignore: bool = False,
) -> Sheet:
    """Return the columns of a CSV file or data frame.

    See `read_sheet` and `read_frame` for arguments and errors.
    """
    if isinstance(source, str | Path):
        return read_sheet(source, delimiter, make, findings, can_ignore)
    if not isinstance(source, Mapping) and not hasattr(source, "columns"):
        raise DataError(
            f"a table is a path or a data frame (or columns by name, as {{'size': [1.5, 2.5]}}), got "
            f"{type(source).__name__}; rows of numbers without names are for Arrays(inputs, targets)"
        )
    return read_frame(source, make, findings, can_ignore)


def read_frame(
    frame: Frame | Mapping[str, Any],
    make: Callable[[str], Column | None],
    findings: Findings,
    can_ignore: bool = False,
) -> Sheet:
    """Return the columns of a data frame.

    The result is that of saving the frame as CSV, without its index, and reading it.

    Args:
        frame: the data frame, or its columns by name.
        make: returns an empty column for a name, or None for a column that is not needed.
        findings: collects names that two columns share.
        can_ignore: whether a config can leave columns out.

    Raises:
        DataError: if there are no rows.
    """
    keys = list(frame if isinstance(frame, Mapping) else frame.columns)
    names = [str(key).strip() for key in keys]
    columns = [make(name) for name in names]
    check_repeats(names, [i for i, column in enumerate(columns) if column is not None], 1, findings, can_ignore)
    findings.check()
    digest, count = hashlib.sha256("\0".join(names).encode()), len(frame[keys[0]]) if keys else 0
    kept: dict[str, Column] = {}
    for key, name, column in zip(keys, names, columns, strict=True):
        if column is None:
            continue
        values = frame[key]
        cells = list(map(_cell, values.to_list() if hasattr(values, "to_list") else values))
        if len(cells) != count:
            raise DataError(f"{findings.path}: column {name!r} holds {len(cells)} values, and the first one {count}")
        for start in range(0, count, _BLOCK):
            block = cells[start : start + _BLOCK]
            digest.update("\0".join(block).encode("utf-8", "surrogatepass"))
            column = column.add(block, np.arange(start + 2, start + 2 + len(block), dtype=np.int32))
        kept[name] = column
    if not count:
        raise DataError(f"{findings.path}: expected at least one row, found none")
    return Sheet(kept, names, np.arange(2, count + 2, dtype=np.int32), digest.hexdigest(), ",")


def _cell(value: Any) -> str:
    """Return a value as in a CSV file: a missing one as an empty cell, a date in ISO 8601."""
    if isinstance(value, str):
        return value
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
