"""Kinds of paths: only files are read.

Reading pipes, sockets and devices may block or never end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_OTHERS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_file(path: str | Path) -> None:
    """Refuse the path of a pipe, socket or device.

    Raises:
        OSError: naming the path and what it is.
    """
    if other := _OTHERS.get(stat.S_IFMT(os.stat(path).st_mode)):
        raise OSError(errno.EINVAL, f"expected a file, found {other}", str(path))


def no_file(path: str | Path) -> str:
    """Return what a path is, if not a file.

    The result is a phrase such as `a named pipe`; "" for a file or a path that does not exist.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "a link that leads nowhere" if os.path.islink(path) else ""
    return "a folder" if stat.S_ISDIR(mode) else _OTHERS.get(stat.S_IFMT(mode), "")


def files_below(folder: Path) -> list[Path]:
    """Return all visible files below a folder, sorted."""
    inside = ((path, path.relative_to(folder).parts) for path in sorted(folder.rglob("*")))
    return [path for path, parts in inside if not any(part.startswith(".") for part in parts) and path.is_file()]


def real(path: Path) -> Path:
    """Return a path from the root, without links.

    A link that leads to itself is resolved as far as possible.
    """
    return Path(os.path.realpath(path))  # before Python 3.13, Path.resolve raises a RuntimeError for such links
