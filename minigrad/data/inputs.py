"""Inputs from files: numbers, arrays and images without targets."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import numpy as np

from minigrad.data.errors import DataError, naming
from minigrad.data.files import reading
from minigrad.data.notation import Notation, other_notations
from minigrad.data.npy import read_array
from minigrad.data.pictures import decode, pillow, read_header
from minigrad.data.rows import Rows

_PLAIN = Notation()
_STARTS = re.compile(r"\s*(?:[-+.\d]|$)")  # a number, or nothing


def read_numbers(path: str | Path) -> np.ndarray:
    """Return the array of an .npy or .csv file.

    For a .csv file, the array has its rows, (N, k); the first line may name the columns. Nothing in a file is executed.

    Raises:
        DataError: if it cannot be read, or contains anything but numbers.
    """
    return _read_csv(path) if Path(path).suffix.lower() == ".csv" else _read_npy(path)


def read_image(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return an image as fractions, (channels, height, width).

    The fractions are from 0 (black) to 1. A shape with one channel is gray.

    Raises:
        DataError: if it cannot be read, has another size or transparent areas, or if Pillow is not installed.
    """
    with reading(path):
        content = Path(path).read_bytes()
    with naming(path), pillow():
        header = read_header(content)
        if (header.height, header.width) != shape[1:]:
            expected, found = f"{shape[2]} × {shape[1]}", f"{header.width} × {header.height}"
            raise DataError(f"expected an image of {expected} pixels, got {found}; resize it")
        return np.divide(decode(content, shape, background=False), 255, dtype=np.float32)


def _read_npy(path: str | Path) -> np.ndarray:
    with reading(path), open(path, "rb") as file:
        if file.read(4) == b"PK\x03\x04":
            raise DataError(f"{path}: expected an .npy file of one array, got an archive of several")
        file.seek(0)
        expected = "expected an .npy file of numbers, as numpy.save writes it"
        return read_array(file, str(path), expected, Path(path).stat().st_size)


def _read_csv(path: str | Path) -> np.ndarray:
    parts: list[np.ndarray] = []
    width = 0
    for block in Rows(path):
        rows, lines = block.rows, block.lines
        if not width:
            width = len(rows[0])
            if _are_names(path, rows[0], int(lines[0])):
                continue
        parts.append(_numbers(path, rows, lines, width))
    if not parts:
        raise DataError(
            f"{path}: expected the numbers of one input a line, found none (a first line of texts is names)"
        )
    numbers = np.concatenate(parts)
    whole = numbers.astype(np.int64) if np.isfinite(numbers).all() and (abs(numbers) < 2**53).all() else numbers
    return whole if (whole == numbers).all() else numbers


def _numbers(path: str | Path, rows: list[list[str]], lines: np.ndarray, width: int) -> np.ndarray:
    """Return the numbers of rows, (N, width), converted at once, in a tenth of the time.

    Raises:
        DataError: with the first line that has another number of cells, or a cell that is not a number.
    """
    if any(len(row) != width for row in rows):
        row, line = next((row, line) for row, line in zip(rows, lines, strict=True) if len(row) != width)
        raise DataError(f"{path}, line {line}: expected {width} numbers, as in the first row, found {len(row)}")
    try:
        numbers = _PLAIN.numbers(list(chain.from_iterable(rows)))
        if not np.isnan(numbers).any():
            return numbers.reshape(-1, width)
    except ValueError:
        pass
    row, line = next((row, line) for row, line in zip(rows, lines, strict=True) if not all(map(_PLAIN.reads, row)))
    raise DataError(f"{path}, line {line}: expected numbers, found {row}{_advice(row)}")


def _are_names(path: str | Path, row: list[str], line: int) -> bool:
    """Return whether a first row names the columns: no cell is empty, or begins like a number.

    Raises:
        DataError: if some cells begin like numbers, but not all are numbers.
    """
    if all(map(_PLAIN.reads, row)):
        return False
    if not any(_STARTS.match(cell) or _PLAIN.reads(cell) or other_notations([cell], _PLAIN) for cell in row):
        return True
    raise DataError(
        f"{path}, line {line}: expected numbers, or a name for each column, found {row}{_advice(row)}; "
        f"mend the row, or put one of names above it, which begin with letters"
    )


def _advice(row: list[str]) -> str:
    """Return the end of a sentence about a row with a number in another notation."""
    odd = next((cell for cell in row if other_notations([cell], _PLAIN)), None)
    return "" if odd is None else f": {odd!r} is to be a plain number, with a decimal point"
