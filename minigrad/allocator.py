"""The C allocator: keep freed memory for reuse.

The next training step needs the same amount again.
"""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of mallopt(3), from glibc's malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # the most that glibc accepts on 64 bits, in versions that check


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory for reuse.

    By default glibc returns each large block to the system when it is freed, and the system fills it with zeros, page
    by page, when it is allocated again: a new array of 1 MiB costs ten times as much as writing to an existing one. The
    setting changes no result. It applies to the process until its end. `import minigrad` calls this function, which
    takes less than 0.1 ms.

    Returns:
        Whether the setting was changed; it is not on systems without glibc, or if the environment variable
        MINIGRAD_KEEP_MEMORY is "0".
    """
    if os.environ.get("MINIGRAD_KEEP_MEMORY") == "0" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
