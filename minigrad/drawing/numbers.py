"""Arrays as text: shapes, and values of small ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_ROWS, _MOST_COLUMNS, _LONGEST = 4, 8, 34  # the last in characters of a line


def number(value: Any) -> str:
    """Format a number: four significant digits, integers in full."""
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def rows(array: NDArray[Any], label: str = "") -> tuple[str, ...]:
    """Return the lines of a label and an array's values.

    Values are formatted by NumPy. There are none if they do not fit a small box.
    """
    if array.ndim > 2 or array.size == 0 or array.shape[-1:] > (_MOST_COLUMNS,) or array.shape[:-1] > (_MOST_ROWS,):
        return ()
    label = f"{label} " if label else ""
    if array.ndim == 0:
        return (label + number(array[()]),)
    table = [[number(value) for value in row] for row in np.atleast_2d(array)]
    width = max(len(cell) for row in table for cell in row)
    lines = ["[" + " ".join(cell.rjust(width) for cell in row) + "]" for row in table]
    if array.ndim == 2:
        lines = [("[" if i == 0 else " ") + line for i, line in enumerate(lines)]
        lines = [line + ("]" if i == len(lines) - 1 else " ") for i, line in enumerate(lines)]
    if len(lines[0]) > _LONGEST:
        return ()
    return tuple((label if i == 0 else " " * len(label)) + line for i, line in enumerate(lines))
