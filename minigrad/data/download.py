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

    The bytes gather in `path` with `.part` behind it, which a broken transfer leaves behind and the next one
    goes on with. Only when `verify` accepts it does the file get its name, at once; what it refuses is
    deleted.

    Args:
        url: where it comes from.
        path: where it goes.
        verify: called with the path of the whole file; raises DataError if that is not the right one.

    Raises:
        DataError: if the transfer breaks, `path` cannot be written, or `verify` refuses what came.
    """
    part = path.with_name(f"{path.name}.part")
    resumed = part.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _transfer(url, part)
    except (OSError, http.client.HTTPException) as error:  # an URLError is an OSError
        raise DataError(
            f"{path}: could not be fetched from {url}: {error}; run again, and it goes on from what has come"
        ) from error
    try:
        verify(part)
    except DataError as error:
        part.unlink()
        if resumed:  # the older piece may be to blame
            return fetch(url, path, verify)
        raise DataError(f"{url} does not give the right file, and it was deleted: {error}") from error
    os.replace(part, path)


def _transfer(url: str, part: Path) -> None:
    """Append to `part` what it lacks of `url`.

    Or write it anew where the server cannot begin in the middle.
    """
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is lacking: a run was ended between the last byte and the new name
        raise
    with response, open(part, "ab" if response.status == http.client.PARTIAL_CONTENT else "wb") as file:
        begin = file.tell()
        shutil.copyfileobj(response, file)
        got = file.tell() - begin
    expected = response.headers["Content-Length"]
    if expected is not None and got != int(expected):
        raise ConnectionError(f"the connection broke after {got:,} of {int(expected):,} bytes")
