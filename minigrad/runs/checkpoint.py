"""Checkpoints: safetensors files with checksums, written atomically.

A file holds the model's `state_dict` under its own keys, so that PyTorch and other tools read the weights directly.
Arrays of the optimizer and of other training state are named by their path in the state, such as
`optimizer/state/0/exp_avg`. The rest of the state is JSON in the header's metadata, with the CRC-32 of every array; the
header has its own CRC-32. A checkpoint is data only: nothing in it is executed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np

from minigrad.devices import on_cpu
from minigrad.formats import FormatError, safetensors
from minigrad.formats.atomic import replacing
from minigrad.paths import require_file
from minigrad.runs.files import FORMAT, RunError, require_format
from minigrad.runs.state import flatten, restore
from minigrad.threads import executor

HEAD = '{"__metadata__":{"crc32":"'
"""The start of every header, followed by the header's checksum, which covers everything except itself."""


class CheckpointError(RunError):
    """A checkpoint that cannot be used, and why."""


def write_checkpoint(path: Path, weights: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically.

    At any instant, `path` holds either its old content or all of the new one.

    Args:
        path: the file.
        weights: arrays by name.
        state: a value for `minigrad.runs.state.flatten`.

    Raises:
        OSError: if the file cannot be written.
        TypeError: for a value that a checkpoint cannot hold; `path` is then unchanged.
    """
    tensors = {name: on_cpu(array) for name, array in weights.items()}
    rest = flatten(state, "", tensors)
    arrays = safetensors.arrange(tensors)
    with executor(1) as pool, replacing(path) as file:
        # in parallel with the writes: both release the GIL
        sums = {name: pool.submit(crc32, safetensors.raw(array)) for name, array in arrays.items()}
        safetensors.write(file, arrays, _metadata(dict.fromkeys(arrays, 0), rest))
        file.seek(0)
        whole = _metadata({name: future.result() for name, future in sums.items()}, rest)
        file.write(_signed(safetensors.header(arrays, whole)))


def read_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the weights and the state of a checkpoint.

    Raises:
        CheckpointError: if the file is damaged; names the file and the part.
        OSError: if it cannot be read.
    """
    require_file(path)
    with open(path, "rb") as file:
        try:
            return _read(file)
        except (RunError, FormatError) as error:
            raise CheckpointError(f"{path}: {error}") from None
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            raise CheckpointError(f"{path}: its header was not written by minigrad: {error!r}") from error


def is_checkpoint(path: Path) -> bool:
    """Whether a file starts like a checkpoint.

    Raises:
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(8 + len(HEAD))[8:] == HEAD.encode()


def _read(file: BinaryIO) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    size = os.fstat(file.fileno()).st_size
    length = file.read(8)
    content = length + file.read(min(int.from_bytes(length, "little"), size))
    if not content[8:].startswith(HEAD.encode()) or _signed(content) != content:
        raise CheckpointError("its header is damaged, or it is not a minigrad checkpoint")
    header = json.loads(content[8:])
    metadata = json.loads(header.pop("__metadata__")["minigrad"])
    require_format(metadata["format"])
    expected = len(content) + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if size != expected:
        raise CheckpointError(f"expected {expected:,} bytes, got {size:,}: the end is missing or added")
    safetensors.places(header, size - len(content))
    tensors = {}
    for name, entry in header.items():
        tensors[name] = safetensors.read_array(file, len(content), entry)
        if f"{crc32(safetensors.raw(tensors[name])):08x}" != metadata["crc32"][name]:
            raise CheckpointError(f"the array {name!r} is damaged: its checksum differs")
    return tensors, restore(metadata["state"], tensors)


def _metadata(sums: Mapping[str, int], state: Any) -> dict[str, str]:
    """Return the metadata with the checksums of arrays; `_signed` adds the checksum of the header."""
    checksums = {name: f"{number:08x}" for name, number in sums.items()}
    return {"crc32": "0" * 8, "minigrad": json.dumps({"format": FORMAT, "crc32": checksums, "state": state})}


def _signed(header: bytes) -> bytes:
    """Return the length and the header, with the header's checksum inserted."""
    start, end = 8 + len(HEAD), 16 + len(HEAD)
    digits = b"%08x" % crc32(header[end:], crc32(header[:start]))
    return header[:start] + digits + header[end:]
