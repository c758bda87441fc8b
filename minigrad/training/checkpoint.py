"""Checkpoints: safetensors files that are whole or absent, in which no bit can change unnoticed.

A file holds the model's `state_dict` under its own keys, so that PyTorch and others read the weights as they are, and
the arrays of the optimizer and of all else that a run remembers under the paths at which they stand in its state, as
`optimizer/state/0/exp_avg`. The rest of the state is JSON in the header's metadata, with the CRC-32 of every array; the
header has a CRC-32 of its own. Data only: nothing in a checkpoint is ever executed.

The format is that of https://github.com/huggingface/safetensors (Apache-2.0): the length of the header (8 bytes, little
endian), the header in JSON, and the arrays end to end. It is written here, array by array, and summed meanwhile: the
library would first copy all of it twice (120 MB: 2 to 3 times the time of a plain write).
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np

from minigrad.training.state import flatten, restore

FORMAT = 1

DTYPES = {
    np.dtype(word): name
    for name, word in {
        "F64": "<f8", "I64": "<i8", "U64": "<u8", "C64": "<c8", "F32": "<f4", "I32": "<i4", "U32": "<u4",
        "F16": "<f2", "I16": "<i2", "U16": "<u2", "I8": "i1", "U8": "u1", "BOOL": "?",
    }.items()
}  # fmt: skip
"""What the format calls the types of arrays."""

HEAD = '{"__metadata__":{"crc32":"'
"""How every header begins: the digits of its checksum, of all but them, are at a fixed place behind this."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be used: which part of which file is wrong."""


def write_checkpoint(path: Path, weights: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Writes `weights` and `state` to `path`, which holds either its old content or all of the new one at any instant.

    Args:
        weights: named arrays.
        state: what `minigrad.training.state.flatten` takes.

    Raises: OSError if the file cannot be written, and TypeError for a value that a checkpoint cannot hold; what stood
        at `path` is then untouched.
    """
    tensors = dict(weights)
    rest = flatten(state, "", tensors)
    arrays = {name: _plain(name, array) for name, array in tensors.items()}
    # the widest types first, so that each array lies at a multiple of its elements' size
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))
    with ThreadPoolExecutor(1) as pool, replacing(path) as file:
        # beside the writes: neither needs the interpreter
        sums = {name: pool.submit(crc32, _bytes(array)) for name, array in arrays.items()}
        file.write(bytes(len(_header(arrays, dict.fromkeys(arrays, 0), rest))))
        for array in arrays.values():
            file.write(_bytes(array))
        file.seek(0)
        file.write(_header(arrays, {name: future.result() for name, future in sums.items()}, rest))


def read_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns the weights and the state that were given to `write_checkpoint`.

    Raises: CheckpointError that names the file, and the array or other part of it that is not what was written; OSError
        if it cannot be read.
    """
    with open(path, "rb") as file:
        try:
            return _read(file)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from None
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{path}: its header is not one of minigrad: {error!r}") from error


def _read(file: BinaryIO) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    size = os.fstat(file.fileno()).st_size
    length = file.read(8)
    content = length + file.read(min(int.from_bytes(length, "little"), size))
    if not content[8:].startswith(HEAD.encode()) or _signed(content) != content:
        raise CheckpointError("its header is damaged, or it is no checkpoint of minigrad")
    header = json.loads(content[8:])
    metadata = json.loads(header.pop("__metadata__")["minigrad"])
    if metadata["format"] != FORMAT:
        raise CheckpointError(f"written in format {metadata['format']}, and this minigrad reads {FORMAT}")
    expected = len(content) + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if size != expected:
        raise CheckpointError(f"expected {expected:,} bytes, got {size:,}: the end is missing or added")
    dtypes = {name: dtype for dtype, name in DTYPES.items()}
    tensors = {}
    for name, entry in header.items():
        file.seek(len(content) + entry["data_offsets"][0])
        array = np.fromfile(file, dtypes[entry["dtype"]], prod(entry["shape"]))
        if f"{crc32(_bytes(array)):08x}" != metadata["crc32"][name]:
            raise CheckpointError(f"the array {name!r} is damaged: its checksum differs")
        tensors[name] = array.reshape(entry["shape"])
    return tensors, restore(metadata["state"], tensors)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Opens a file beside `path`, which takes its place after the block in one step that survives a loss of power.

    Raises: OSError that names `path` if that fails; what stood there is then untouched, and no part of the new stays.
    """
    part = path.with_name(path.name + ".part")
    with named(path):
        try:
            with open(part, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        if os.name == "posix":  # elsewhere a directory cannot be opened, and renaming is durable by itself
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Within the block, an OSError names `path`, whatever the system said."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_durably(path: Path, content: bytes) -> None:
    """Writes a file that holds either its old content or the new one at any instant. Raises: as `replacing`."""
    with replacing(path) as file:
        file.write(content)


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    """Returns `array` in one piece, little endian."""
    dtype = array.dtype.newbyteorder("<")
    if dtype not in DTYPES:
        raise TypeError(f"a checkpoint cannot hold {name!r}, an array of {array.dtype}")
    return np.asarray(array, dtype, order="C")


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _header(arrays: Mapping[str, np.ndarray], sums: Mapping[str, int], state: Any) -> bytes:
    """Returns the length and the header, whose size depends on no checksum."""
    checksums = {name: f"{number:08x}" for name, number in sums.items()}
    metadata = {"crc32": "0" * 8, "minigrad": json.dumps({"format": FORMAT, "crc32": checksums, "state": state})}
    entries: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        entries[name] = {"dtype": DTYPES[array.dtype], "shape": array.shape, "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return _signed(struct.pack("<Q", len(text)) + text)


def _signed(header: bytes) -> bytes:
    """Returns length and header with their checksum in its place."""
    start, end = 8 + len(HEAD), 16 + len(HEAD)
    digits = b"%08x" % crc32(header[end:], crc32(header[:start]))
    return header[:start] + digits + header[end:]
