"""The safetensors format: a JSON header and named arrays.

A file is the length of the header (8 bytes, little endian), the header, and the arrays end to end. The header gives the
type, shape and offsets of each array, and texts by name under `__metadata__`. Data only: nothing in a file is executed.
Specification: https://github.com/huggingface/safetensors (Apache-2.0).

The format's own library is not used: it copies all data twice when writing (for 120 MB, 2 to 3 times the time of a
plain write), does not support bfloat16 for NumPy, and does not run in browsers.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from minigrad.data.mapped import file_of, give_back
from minigrad.formats.errors import FormatError
from minigrad.formats.stored import Stored, content

DTYPES = {
    np.dtype(word): name
    for name, word in {
        "F64": "<f8", "I64": "<i8", "U64": "<u8", "C64": "<c8", "F32": "<f4", "I32": "<i4", "U32": "<u4",
        "F16": "<f2", "I16": "<i2", "U16": "<u2", "I8": "i1", "U8": "u1", "BOOL": "?",
    }.items()
}  # fmt: skip
"""The format's names of dtypes."""

_TYPES = {name: dtype for dtype, name in DTYPES.items()}

LONGEST_HEADER = 100_000_000
"""The format's limit for a header, in bytes."""

MOST_AXES = 64
"""NumPy's limit for the axes of an array."""


def arrange(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays as stored: contiguous, little endian, largest dtype first.

    In this order each array is aligned to the size of its elements.

    Raises:
        TypeError: for an array whose dtype the format lacks.
    """
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    return dict(sorted(plain.items(), key=lambda item: -item[1].itemsize))


def raw(array: np.ndarray) -> memoryview:
    """Return the bytes of a contiguous array, without a copy."""
    return array.reshape(-1).view(np.uint8).data


def header(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Return the length and the header, padded to 8 bytes.

    Args:
        arrays: arranged by `arrange`.
        metadata: texts by name, written first.
    """
    entries: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        entries[name] = {"dtype": DTYPES[array.dtype], "shape": array.shape, "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write(file: BinaryIO, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write the header and the arrays, without copying them.

    Args:
        file: open for writing bytes.
        arrays: arranged by `arrange`.
        metadata: texts by name.

    Raises:
        OSError: if the file cannot be written.
    """
    file.write(header(arrays, metadata))
    for array in arrays.values():
        file.write(raw(array))


def read_array(file: BinaryIO, start: int, entry: Mapping[str, Any]) -> np.ndarray:
    """Read one array.

    Args:
        file: open for reading bytes.
        start: the offset of the arrays: the length of what `header` returned.
        entry: the array's entry in the header.

    Raises:
        KeyError, TypeError, ValueError: for an invalid entry or a truncated file.
    """
    file.seek(start + entry["data_offsets"][0])
    return np.fromfile(file, _TYPES[entry["dtype"]], prod(entry["shape"])).reshape(entry["shape"])


def load(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of a file by name.

    Raises:
        FormatError, OSError: as for `stored`.
    """
    return {name: array.read() for name, array in stored(path).items()}


def stored(path: str | Path) -> dict[str, Stored]:
    """Return the arrays of a file, read on demand.

    The file is memory-mapped: arrays are read-only views of it. float16 and bfloat16 are converted to float32.

    Raises:
        FormatError: if the file is cut off, damaged, or not a safetensors file.
        OSError: if it cannot be opened.
    """
    path = Path(path)
    data = content(path)
    try:
        length = int.from_bytes(data[:8].tobytes(), "little")
        if len(data) < 8 or length > min(len(data) - 8, LONGEST_HEADER):
            raise FormatError(
                f"expected a header of at most {max(len(data) - 8, 0):,} bytes, got a length of {length:,}"
            )
        return _arrays(_parse(data[8 : 8 + length].tobytes()), data[8 + length :])
    except FormatError as error:
        raise FormatError(f"{path} is not a complete safetensors file: {error}") from None


def _parse(text: bytes) -> dict[str, Any]:
    """Return the entries of a header by array name."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
            raise FormatError(f"its header has {twice!r} twice")
        return entries

    try:
        header = json.loads(text, object_pairs_hook=once)
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(f"its header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise FormatError(f"expected a header of arrays by name, got {type(header).__name__}")
    header.pop("__metadata__", None)
    return header


def _arrays(entries: dict[str, Any], data: NDArray[np.uint8]) -> dict[str, Stored]:
    found = places(entries, len(data))
    return {name: _stored(name, entry, data[slice(*found[name])]) for name, entry in entries.items()}


def places(entries: Mapping[str, Any], size: int) -> dict[str, tuple[int, int]]:
    """Check and return the start and stop of each array.

    The arrays must cover the `size` bytes after the header.

    Raises:
        FormatError: for an invalid entry, an overlap, a gap, or another size.
    """
    found = {name: _place(name, entry) for name, entry in entries.items()}
    end = 0
    for name, (start, stop) in sorted(found.items(), key=lambda item: item[1]):
        if start != end:
            fault = "overlaps the one before" if start < end else f"leaves a gap of {start - end:,} bytes before it"
            raise FormatError(f"the array {name!r} {fault}")
        end = stop
    if end != size:
        raise FormatError(f"expected {end:,} bytes of arrays, got {size:,}: the end is missing or added")
    return found


def _place(name: str, entry: Any) -> tuple[int, int]:
    """Return start and stop of an array, after checking its entry."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise FormatError(f"expected dtype, shape and data_offsets of the array {name!r}")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in (*_TYPES, "BF16"):
        raise FormatError(f"the array {name!r} has the type {entry['dtype']!r}; supported: {', '.join(_TYPES)}, BF16")
    for key in ("shape", "data_offsets"):
        numbers = entry[key]
        if (
            not isinstance(numbers, list)
            or len(numbers) > MOST_AXES
            or any(type(n) is not int or n < 0 for n in numbers)
        ):
            raise FormatError(f"{key} of the array {name!r} must be a list of at most {MOST_AXES} numbers from 0")
    if len(entry["data_offsets"]) != 2 or entry["data_offsets"][0] > entry["data_offsets"][1]:
        raise FormatError(f"data_offsets of the array {name!r} must be its start and its end")
    start, stop = entry["data_offsets"]
    size = prod(entry["shape"]) * (2 if entry["dtype"] == "BF16" else _TYPES[entry["dtype"]].itemsize)
    if size != stop - start:
        raise FormatError(f"the array {name!r} has {stop - start:,} bytes, and its shape and type need {size:,}")
    return start, stop


def _stored(name: str, entry: dict[str, Any], data: NDArray[np.uint8]) -> Stored:
    try:
        array = data.view("<u2" if entry["dtype"] == "BF16" else _TYPES[entry["dtype"]]).reshape(entry["shape"])
    except (ValueError, OverflowError):  # an axis too long for NumPy, together with one of length 0
        raise FormatError(f"the array {name!r} has a shape that no array can have") from None
    if entry["dtype"] in ("BF16", "F16"):
        return Stored(array.shape, partial(to_float32, array))
    return Stored(array.shape, lambda: array)


def to_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Convert float16, or bfloat16 given as uint16, to float32.

    The bits of a bfloat16 are the upper half of the bits of a float32.
    """
    result = np.empty(array.shape, np.float32)
    if array.dtype.kind == "f":
        result[...] = array
    else:
        np.left_shift(array, np.uint32(16), out=result.view(np.uint32), dtype=np.uint32)
    give_back(file_of(array))
    return result


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    """Return `array` contiguous and little endian."""
    dtype = array.dtype.newbyteorder("<")
    if dtype not in DTYPES:
        raise TypeError(f"a safetensors file cannot hold {name!r}, an array of {array.dtype}")
    return np.asarray(array, dtype, order="C")
