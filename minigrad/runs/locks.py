"""File locks, released when the process ends."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

_fcntl: Any = None
try:
    import fcntl

    _fcntl = fcntl
except ImportError:  # Windows and browsers: no locks
    pass

_TRIES, _PAUSE = 5, 0.02  # because is_held itself holds a lock for some microseconds


def can_lock() -> bool:
    """Whether this system supports file locks."""
    return _fcntl is not None


def hold(descriptor: int) -> bool:
    """Lock an open file or folder.

    The lock lasts until the descriptor is closed here and in every process that inherited it.

    Returns:
        False if another process holds it.
    """
    if _fcntl is None:
        return True
    for attempt in range(_TRIES):
        try:
            _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if attempt + 1 < _TRIES:
                time.sleep(_PAUSE)
    return False


def is_held(path: Path) -> bool:
    """Whether a process holds a file's or folder's lock.

    Without support for locks, this is unknown, and the result is True.
    """
    if _fcntl is None:
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        _fcntl.flock(descriptor, _fcntl.LOCK_SH | _fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return True
    finally:
        os.close(descriptor)
