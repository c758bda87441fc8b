"""Rows of a table that are used, and their parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.data.options import TableOptions
from minigrad.data.sheet import Sheet
from minigrad.data.splits import Parts, split, split_groups, split_in_time


def complete_rows(sheet: Sheet, options: TableOptions) -> np.ndarray:
    """Return the rows that are not dropped.

    Rows are dropped for a missing cell, if the options say so.
    """
    kept = np.ones(len(sheet), bool)
    for name, column in sheet.columns.items():
        if column.gaps and options.strategy(name) == "drop":
            kept &= ~column.missing
    return np.flatnonzero(kept)


def split_rows(
    sheet: Sheet,
    options: TableOptions,
    rows: np.ndarray,
    classes: np.ndarray | None,
    val_fraction: float,
    test_fraction: float,
    names: Sequence[str],
) -> Parts:
    """Return the training, validation and test rows."""
    if options.group is not None:
        parts = split_groups(sheet.columns[options.group].values[rows], val_fraction, test_fraction)
    elif options.time is not None:
        parts = split_in_time(sheet.columns[options.time].values[rows], val_fraction, test_fraction)
    else:
        parts = split(len(rows), val_fraction, test_fraction, None if classes is None else classes[rows], names)
    train, val, test = (rows[part] for part in parts)
    return train, val, test
