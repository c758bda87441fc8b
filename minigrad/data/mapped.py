"""Memory-mapped files, whose pages can be released."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import mmap
else:
    try:
        import mmap
    except ImportError:  # for example in a browser
        mmap = None

SMALL = 2**26
"""Bytes of a file whose pages are not released: mapping released pages again costs 3 µs per example."""


def can_map() -> bool:
    """Whether this platform maps files into memory."""
    return mmap is not None


def map_file(path: Path, dtype: Any) -> np.ndarray:
    """Map a non-empty file as a read-only array.

    If the platform does not map files, as in a browser, the whole file is read.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it does not hold whole elements.
    """
    if not can_map():
        return np.frombuffer(path.read_bytes(), dtype)
    return np.memmap(path, dtype, "r")


def file_of(array: np.ndarray) -> mmap.mmap | None:
    """Return the mapped file behind an array, or None."""
    if not can_map():
        return None
    base: object = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)  # for a sliding window this is not an array, but contains one
    return base


def require_whole(file: mmap.mmap | None, array: np.ndarray) -> None:
    """Refuse to read on in a mapped file once cut.

    Otherwise the system would kill the process without a message.

    Args:
        file: the mapped file behind `array`, or None.
        array: the array, whose file the error names.

    Raises:
        OSError: if the file has become shorter than the mapping.
    """
    if file is not None and file.size() < len(file):
        base: Any = array
        while not hasattr(base, "filename"):
            base = base.base
        raise OSError(errno.EIO, "the file became shorter while it was being read", str(base.filename))


def give_back(file: mmap.mmap | None) -> None:
    """Release the pages that were read of a large file.

    The system may keep them cached. Around each example it maps up to 2 MiB of cached pages, so without a release the
    memory of the process would grow to the size of the file.
    """
    if file is not None and len(file) > SMALL and hasattr(file, "madvise"):
        file.madvise(mmap.MADV_DONTNEED)
