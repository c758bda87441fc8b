"""Checkpoints: safetensors files that are whole or absent, with a checksum for every tensor.

A file holds the model's `state_dict` under its own keys, so that PyTorch and others read the weights as they are, and
the optimizer's arrays under names that begin with `optimizer/`. Everything else (step, seed, schedule, sums since the
last record …) is JSON in the header's metadata. Data only: nothing in a checkpoint is ever executed.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

FORMAT = 1


def write_checkpoint(path: Path, tensors: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Writes `tensors` and `state` to `path`, which holds either its old content or all of the new one at any instant.

    Args:
        tensors: named arrays.
        state: numbers, texts, arrays, and lists and dicts of them. An array becomes a tensor that is named by its
            path, as `optimizer/state/0/exp_avg`, and `{"tensor": path}` stands in its place. The rest is the one entry
            of the metadata, `minigrad`, with the number of the format and the checksums added.

    Raises: OSError if the file cannot be written; what stood at `path` is then untouched.
    """
    tensors = dict(tensors)
    state = _lift(state, "", tensors)
    checksums = {name: zlib.crc32(np.ascontiguousarray(array).data) for name, array in tensors.items()}
    header = json.dumps({"format": FORMAT, "crc32": checksums, **state})
    write_durably(path, save(tensors, {"minigrad": header}))


def write_durably(path: Path, content: bytes) -> None:
    """Writes a file beside `path`, then puts it there in one step that survives a loss of power.

    Raises: OSError that names `path` if that fails; what stood there is then untouched, and no part of the new stays.
    """
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    if os.name == "posix":  # elsewhere a directory cannot be opened, and renaming is durable by itself
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _lift(state: Any, path: str, tensors: dict[str, np.ndarray]) -> Any:
    """Moves the arrays within `state` to `tensors`, and returns what is left."""
    if isinstance(state, np.ndarray):
        tensors[path] = state
        return {"tensor": path}
    if isinstance(state, np.generic):
        return state.item()
    if isinstance(state, Mapping):
        return {str(key): _lift(value, f"{path}/{key}".lstrip("/"), tensors) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [_lift(value, f"{path}/{i}", tensors) for i, value in enumerate(state)]
    return state
