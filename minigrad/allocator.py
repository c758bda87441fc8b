"""The C allocator: keep freed memory for reuse.

The next step of a training needs as much again.
"""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3); numbers from glibc's malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # glibc refuses more on 64 bits, in the versions that refuse at all


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory for reuse.

    By default glibc gives large blocks back to the system at each free, which has to fill them with zeros, page by
    page, when it lends them again: a new array of 1 MiB costs ten times what writing to an old one does. Nothing is
    computed in another way. It holds for the whole process, to its end; `import minigrad` calls it, which takes less
    than 0.1 ms.

    Returns:
        whether glibc was told: not elsewhere than on glibc, and not if the environment variable MINIGRAD_KEEP_MEMORY is
        "0".
    """
    if os.environ.get("MINIGRAD_KEEP_MEMORY") == "0" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
