"""Files that stand in memory only as far as they are looked at."""

from __future__ import annotations

import mmap

import numpy as np

SMALL = 2**26
"""Bytes of a file that may stay in memory: to map again what was given back costs 3 µs for each example."""


def file_of(array: np.ndarray) -> mmap.mmap | None:
    """Returns the mapped file that an array is a view of; None for an array of its own."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def give_back(file: mmap.mmap | None) -> None:
    """Gives what was read of a large file back to the system, which may keep it for the next who asks.

    Around each example the system maps what it has at hand, up to 2 MiB.
    """
    if file is not None and len(file) > SMALL and hasattr(file, "madvise"):
        file.madvise(mmap.MADV_DONTNEED)
