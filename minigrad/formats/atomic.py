"""Atomic writing: a file is complete or absent.

This holds even after a power failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST
from pathlib import Path
from typing import BinaryIO

_parts: set[Path] = set()
"""The temporary files and folders that are being written."""


def remove_unfinished() -> None:
    """Remove unfinished files, for a process about to exit."""
    for part in list(_parts):
        _remove(part)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    with suppress(OSError):
        part.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` after the block.

    The replacement is atomic and survives a power failure.

    Raises:
        OSError: if writing fails; names `path`, which is then unchanged, and no part of the new file stays.
    """
    with errors_naming(path):
        with _part_of(path) as part:
            with open(part, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        if os.name == "posix":  # elsewhere a directory cannot be opened, and renaming is durable by itself
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder, renamed to `path` at the end.

    Raises:
        OSError: if `path` is not an empty folder or cannot be written; names it, and no part of it stays.
    """
    with errors_naming(path):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        if path.exists():
            raise FileExistsError(EEXIST, os.strerror(EEXIST))
        with _part_of(path) as part:
            _remove(part)  # left by a killed process
            part.mkdir()
            yield part
            os.rename(part, path)


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`, which is removed if the block raises an error."""
    part = path.with_name(path.name + ".part")
    try:
        _parts.add(part)
        yield part
    except BaseException:
        _remove(part)
        raise
    finally:
        _parts.discard(part)


@contextmanager
def errors_naming(path: Path) -> Iterator[None]:
    """Make an OSError of the block name `path`."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        OSError: as `replacing`.
    """
    with replacing(path) as file:
        file.write(content)
