"""Data files: search paths, digests and read errors."""

from __future__ import annotations

import hashlib
import os
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from minigrad.data.errors import DataError
from minigrad.paths import real, require_file
from minigrad.suggest import nearest

_STARTS = {  # first bytes of files that are often mistaken for text
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"PK\x03\x04": "an archive, such as a workbook of Excel",
    b"\xd0\xcf\x11\xe0": "a workbook of Excel",
    b"\x1f\x8b": "a file compressed by gzip",
    b"%PDF": "a PDF",
}


def data_home() -> Path:
    """Return the folder of large data.

    It is $MINIGRAD_DATA, or else `minigrad` in the user's cache ($XDG_CACHE_HOME).
    """
    if home := os.environ.get("MINIGRAD_DATA"):
        return Path(home)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minigrad"


_folders: ContextVar[tuple[Path, ...]] = ContextVar("folders", default=())
_found: ContextVar[dict[str, str] | None] = ContextVar("found", default=None)


class Files(dict[str, Path]):
    """The paths of files that were read, by name.

    Attributes:
        digests: the SHA-256, by path, of files that were read completely.
    """

    def __init__(self) -> None:
        super().__init__()
        self.digests: dict[Path, str] = {}


_read: ContextVar[Files | None] = ContextVar("read", default=None)


@contextmanager
def noting() -> Iterator[Files]:
    """Within the block, record the files that are read.

    These are the files passed to `find` and `reading`.
    """
    token = _read.set(files := Files())
    try:
        yield files
    finally:
        _read.reset(token)


def _note(place: Path) -> Path:
    require_file(place)
    if (files := _read.get()) is not None and place.is_file():
        path = real(place)
        files[path.name if files.get(path.name, path) == path else str(path)] = path
    return place


def _note_digest(path: str | Path, digest: str) -> str:
    if (files := _read.get()) is not None:
        files.digests[real(Path(path))] = digest
    return digest


@contextmanager
def looking_in(folders: Sequence[Path]) -> Iterator[dict[str, str]]:
    """Within the block, `find` looks in these folders first.

    They are the folders of the config that is being built. Yields a dict, from the requested paths to those found in
    these folders instead of the current one.
    """
    found: dict[str, str] = {}
    tokens = _folders.set(tuple(folders)), _found.set(found)
    try:
        yield found
    finally:
        _folders.reset(tokens[0])
        _found.reset(tokens[1])


def find(path: str | Path) -> Path:
    """Return the path of a data file or folder.

    Every dataset calls this for the paths in its arguments. A relative path is searched for in the folder of the
    config, then in the current folder, then in `data_home()`.

    Raises:
        DataError: listing these folders, if it is in none of them; also if it is a pipe, a socket or a device.
    """
    with _refusing(path):
        for folder in _folders.get():
            if (place := folder / path).exists():
                if (found := _found.get()) is not None and not (os.path.exists(path) and place.samefile(path)):
                    found[str(path)] = str(place)
                return _note(place)
        for place in (Path(path), data_home() / path):
            if place.exists():
                return _note(place)
    remedy = _remedy(str(path))
    if Path(path).is_absolute():
        raise DataError(f"{path}: no such file or folder{remedy}")
    beside = [folder for folder in map(real, _folders.get()) if folder != Path.cwd()]
    places = [f"beside the config in {folder}" for folder in beside]
    places += [f"in the current folder {Path.cwd()}", f"in {data_home()} ($MINIGRAD_DATA)"]
    raise DataError(f"{path}: no such file or folder; looked {', '.join(places)}{remedy}")


def _remedy(path: str) -> str:
    """Return the remedy for a path that only another program would understand, or that is misspelled."""
    if "://" in path:
        return "; nothing is fetched from an address: download the file, and give its path"
    if path.startswith("~") or "$" in path:
        return "; ~ and $NAME stand for nothing here: write the path in full"
    parent, name = os.path.split(path)
    for folder in (*_folders.get(), Path(), data_home()):
        with suppress(OSError):
            if near := nearest(name, sorted(os.listdir(folder / parent))):
                return f"; did you mean {Path(parent, near)}?"
    return ""


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Within the block, turn read errors into DataErrors.

    The errors name the file that is missing or cannot be read. Pipes, sockets and devices are refused, because reading
    them may block or never end.
    """
    with _refusing(path):
        if os.path.exists(path):
            _note(Path(path))
        yield


@contextmanager
def _refusing(path: str | Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; a relative path starts at {Path.cwd()}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def digest_of(*paths: str | Path) -> str:
    """Return the SHA-256 of files, concatenated, in hexadecimal.

    Raises:
        DataError: if one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        for part in _parts(path):
            digest.update(part)
    return _note_digest(paths[0], digest.hexdigest()) if len(paths) == 1 else digest.hexdigest()


def check_text(path: str | Path) -> str:
    """Check that a file is UTF-8; return its SHA-256.

    The digest is in hexadecimal. The whole file is read.

    Raises:
        DataError: if it cannot be read; if it is another known kind of file, naming the kind; or if it has bytes that
            are not UTF-8 or are NUL, with the first such line.
    """
    digest, decoder, line = hashlib.sha256(), getincrementaldecoder("utf-8")(), 1
    for i, part in enumerate(_parts(path)):
        start = next((start for start in _STARTS if i == 0 and part.startswith(start)), None)
        if start is not None:
            raise DataError(f"{path}: expected text in UTF-8, found {_STARTS[start]}; save it as text in UTF-8")
        try:
            decoder.decode(part)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise _no_text(path, line, error.object[error.start]) from error
        if (place := part.find(b"\0")) >= 0:
            raise _no_text(path, line + part.count(b"\n", 0, place), 0)
        line += part.count(b"\n")
        digest.update(part)
    if rest := decoder.getstate()[0]:
        raise _no_text(path, line, rest[0])
    return _note_digest(path, digest.hexdigest())


def _parts(path: str | Path) -> Iterator[bytes]:
    with reading(path), open(path, "rb") as file:
        while part := file.read(2**20):
            yield part


def _no_text(path: str | Path, line: int, byte: int) -> DataError:
    return DataError(
        f"{path}, line {line}: expected text in UTF-8, found the byte 0x{byte:02x}; "
        f"save the file as UTF-8, in Excel as 'CSV UTF-8'"
    )
