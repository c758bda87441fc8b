"""Inputs that come without targets, in a file of their own: rows of numbers, arrays, and images."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path

import numpy as np

from minigrad.data.dataset import DataError, reading


def read_numbers(path: str | Path) -> np.ndarray:
    """Returns the array of an .npy file, or the rows (N, k) of a .csv file, whose first line may name the columns.

    Nothing in a file is executed. Raises: DataError if it cannot be read, or holds something else than numbers.
    """
    return _read_csv(path) if Path(path).suffix == ".csv" else _read_npy(path)


def read_image(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """Returns a PNG image as fractions from 0 (black) to 1, of shape (channels, height, width); one channel is grey.

    Raises: DataError if it cannot be read, has another size or transparent places, or Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise DataError(
            f"{path}: reading images needs Pillow; install it with: pip install 'minigrad[plots]'"
        ) from None
    channels, height, width = shape
    with reading(path):
        content = BytesIO(Path(path).read_bytes())
    try:
        with Image.open(content, formats=["PNG"]) as image:
            if image.size != (width, height):
                found = f"{image.width} × {image.height}"
                raise DataError(f"{path}: expected an image of {width} × {height} pixels, got {found}; resize it")
            if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
                raise DataError(f"{path}: expected an image of 8 bits a channel; convert it")
            if image.convert("RGBA").getchannel("A").getextrema() != (255, 255):
                raise DataError(f"{path}: expected an image without transparent places; give it a background")
            pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # SyntaxError: what Pillow says of bad chunks
        raise DataError(f"{path}: expected a whole PNG image: {error}") from error
    return np.divide(np.moveaxis(pixels.reshape(height, width, channels), -1, 0), 255, dtype=np.float32)


def _read_npy(path: str | Path) -> np.ndarray:
    with reading(path), open(path, "rb") as file:
        try:
            array = np.load(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise DataError(f"{path}: expected an .npy file of numbers, as numpy.save writes it: {error}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: expected an .npy file of one array, got an archive of several")
    return array


def _read_csv(path: str | Path) -> np.ndarray:
    rows: list[list[float]] = []
    with reading(path), open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            for cells in reader:
                if not cells:
                    continue
                try:
                    row = [float(cell) for cell in cells]
                except ValueError:
                    if reader.line_num == 1:  # the names of the columns
                        continue
                    raise DataError(f"{path}, line {reader.line_num}: expected numbers, found {cells}") from None
                if rows and len(row) != len(rows[0]):
                    place = f"{path}, line {reader.line_num}"
                    raise DataError(f"{place}: expected {len(rows[0])} numbers, as in the first row, found {len(row)}")
                rows.append(row)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: expected text in UTF-8: {error}") from error
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    if not rows:
        raise DataError(
            f"{path}: expected the numbers of one input a line, found none (a first line of texts is names)"
        )
    numbers = np.array(rows)
    whole = numbers.astype(np.int64) if np.isfinite(numbers).all() and (abs(numbers) < 2**53).all() else numbers
    return whole if (whole == numbers).all() else numbers
