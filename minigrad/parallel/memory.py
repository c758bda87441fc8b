"""Memory that stays: what one step of training lets go of is what the next one needs."""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3); numbers from glibc's malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # glibc refuses more on 64 bits, in the versions that refuse at all


def keep_freed_memory() -> bool:
    """Tells glibc to keep the memory that is freed for the next who asks, and returns whether it could be told.

    By default glibc gives large blocks back to the system at each free, which has to fill them with zeros, page by
    page, when it lends them again: a new array of 1 MiB costs ten times what writing to an old one does. Nothing is
    computed in another way. It holds for the whole process, to its end; `Training` calls it. Elsewhere than on glibc
    nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
