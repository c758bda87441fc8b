"""NumPy's files, read without executing anything.

Sizes are checked before memory is allocated.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import IO

import numpy as np
from numpy.lib import format as npy

from minigrad.data.errors import DataError, nearest
from minigrad.data.files import reading

DAMAGE = (
    ValueError,
    TypeError,
    EOFError,
    RuntimeError,
    MemoryError,
    SyntaxError,  # from a header, which is a Python literal
    TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""The errors of NumPy and zipfile for damaged files."""
MOST_RATIO = 100
"""The largest accepted ratio of unpacked to packed size; only zeros are compressed more than that."""
SMALL = 2**20
"""Bytes that may be unpacked whatever the ratio."""


def read_array(file: IO[bytes], name: str, expected: str, size: int) -> np.ndarray:
    """Return the array of a .npy stream, executing nothing.

    Args:
        file: the stream.
        name: its name in error messages.
        expected: what was expected, for error messages.
        size: the number of bytes in it.

    Raises:
        DataError: if it is damaged, contains Python objects, or claims to be larger than it is.
    """
    try:
        start = file.tell()
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            remedy = "save x.astype(float), or x.astype(str)"
            raise ValueError(f"it holds Python objects, which can run code and are not read: {remedy}")
        needed = math.prod(shape) * dtype.itemsize
        if needed > size - (file.tell() - start):
            raise ValueError(f"its header tells of {needed:,} bytes, and {size - file.tell() + start:,} are there")
        file.seek(start)
        return npy.read_array(file, allow_pickle=False)
    except DAMAGE as error:
        raise DataError(f"{name}: {expected}: {error}") from error


def read_npz(path: str | Path, names: list[str]) -> dict[str, np.ndarray]:
    """Return arrays of a .npz file, executing nothing.

    Raises:
        DataError: if the file or an array is missing or damaged, if an array contains Python objects, or if the file
            would unpack to more than 100 times its size.
    """
    with reading(path), open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise DataError(f"{path}: expected a whole .npz file, as numpy.savez writes it")
        try:
            with zipfile.ZipFile(file) as archive:
                members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
                for name in names:
                    if name not in members:
                        raise DataError(f"{path}: no array {name!r}; {nearest(name, list(members))}")
                check_ratio(path, sum(members[name].file_size for name in set(names)), Path(path).stat().st_size)
                arrays = {}
                for name in names:
                    with archive.open(members[name]) as stream:
                        what = "damaged, or holds something else than numbers"
                        arrays[name] = read_array(stream, f"{path}: array {name!r}", what, members[name].file_size)
        except DataError:
            raise
        except DAMAGE as error:
            raise DataError(f"{path}: damaged, or holds something else than numbers: {error}") from error
    return arrays


def read_npy_folder(folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    """Return arrays of a folder of .npy files, executing nothing.

    Raises:
        DataError: as `read_npz`.
    """
    there = {path.stem: path for path in sorted(folder.glob("*.npy"))}
    if not there:
        raise DataError(f"{folder}: expected a folder of .npy files, found none")
    arrays = {}
    for name in names:
        if name not in there:
            raise DataError(f"{folder}: no such file as '{name}.npy'; {nearest(name, list(there))}")
        with reading(there[name]), open(there[name], "rb") as file:
            expected = "expected an .npy file of numbers, as numpy.save writes it"
            arrays[name] = read_array(file, str(there[name]), expected, there[name].stat().st_size)
    return arrays


def check_ratio(path: str | Path, unpacked: int, packed: int) -> None:
    """Refuse files that unpack to over 100 times their size.

    Raises:
        DataError: for such a file.
    """
    if unpacked > max(SMALL, MOST_RATIO * packed):
        raise DataError(
            f"{path}: unpacks to {unpacked:,} bytes, more than {MOST_RATIO} times its {packed:,}: it is refused as it "
            f"may be meant to fill the memory; if it is yours, save it without compression"
        )
