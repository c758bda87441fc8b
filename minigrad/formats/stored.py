"""Arrays of a file that are read on demand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.paths import require_file


class Stored(NamedTuple):
    """An array in a file, read on demand.

    `read` returns a read-only view of the mapped file, or a new array if the numbers have to be converted.
    """

    shape: tuple[int, ...]
    read: Callable[[], NDArray[Any]]


def content(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a file (n,), memory-mapped if possible.

    Raises:
        OSError: if the file cannot be opened, or is not a regular file.
    """
    require_file(path)
    try:
        return np.asarray(np.memmap(path, np.uint8, "r"))
    except (ImportError, ValueError):  # browsers cannot map files, and an empty file cannot be mapped
        return np.frombuffer(path.read_bytes(), np.uint8)
