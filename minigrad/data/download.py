"""Downloads, verified and complete or not at all."""

from __future__ import annotations

import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from minigrad.data.errors import DataError

_TIMEOUT = 30.0  # seconds without a byte, after which a transfer is given up


def fetch(url: str, path: Path, verify: Callable[[Path], object]) -> None:
    """Download `url` to `path`, creating its folder.

    The bytes are written to `path` + `.part`. An interrupted transfer leaves this file behind, and the next one resumes
    it. The file is renamed, atomically, once `verify` accepts it; otherwise it is deleted.

    Args:
        url: the source.
        path: the destination.
        verify: called with the path of the complete file; raises DataError if it is not the right one.

    Raises:
        DataError: if the transfer fails, `path` cannot be written, or `verify` rejects the file.
    """
    part = path.with_name(f"{path.name}.part")
    resumed = part.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _transfer(url, part)
    except (OSError, http.client.HTTPException) as error:  # a URLError is an OSError
        raise DataError(
            f"{path}: could not be fetched from {url}: {error}; run again, and it goes on from what has come"
        ) from error
    try:
        verify(part)
    except DataError as error:
        part.unlink()
        if resumed:  # the earlier piece may be the cause
            return fetch(url, path, verify)
        raise DataError(f"{url} does not give the right file, and it was deleted: {error}") from error
    os.replace(part, path)


def _transfer(url: str, part: Path) -> None:
    """Append the missing bytes of `url` to `part`.

    If the server does not support ranges, the file is downloaded from the start.
    """
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # complete: a run ended between the last byte and the renaming
        raise
    with response, open(part, "ab" if response.status == http.client.PARTIAL_CONTENT else "wb") as file:
        begin = file.tell()
        shutil.copyfileobj(response, file)
        got = file.tell() - begin
    expected = response.headers["Content-Length"]
    if expected is not None and got != int(expected):
        raise ConnectionError(f"the connection broke after {got:,} of {int(expected):,} bytes")
