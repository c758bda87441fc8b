"""Folders of images: files, classes, parts and pixels."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigrad.data.errors import DataError, Findings
from minigrad.data.files import reading
from minigrad.data.mapped import can_map
from minigrad.data.pictures import SUFFIXES, Header, decode, pillow, read_header
from minigrad.paths import files_below
from minigrad.threads import executor

LARGE = 2**30
"""Bytes of pixels from which on they are stored in a temporary file instead of in memory."""

PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test",)}
"""The possible names of each part's folder, in lower case."""


@dataclass(frozen=True)
class Picture:
    """An image file, and the name of its class."""

    path: Path
    label: str


def list_pictures(folder: Path, findings: Findings) -> dict[str, list[Picture]]:
    """List the images of each part, sorted by path.

    Without folders of parts, all images are in "train".

    Args:
        folder: has one folder per class, or `train`, `val` and `test` with one folder per class in each.
        findings: collects what is left out, and what is missing.
    """
    folders = {path.name.lower(): path for path in _entries(folder) if path.is_dir()}
    places = {part: folders[name] for part, names in PARTS.items() for name in names if name in folders}
    if "train" not in places:
        places = {"train": folder}
    pictures: dict[str, list[Picture]] = {}
    others: list[Path] = []
    for part, place in places.items():
        classes = [path for path in _entries(place) if path.is_dir()]
        pictures[part] = []
        for path in classes:
            inside = files_below(path)
            images = [file for file in inside if file.suffix.lower() in SUFFIXES]
            others += [file for file in inside if file not in set(images)]
            pictures[part] += [Picture(file, path.name) for file in images]
            if not images:
                findings.note(f"the folder {_short(path, folder)!r} holds no images and is left out")
        others += [path for path in _entries(place) if path.is_file()]
        if not pictures[part]:
            _refuse_empty(place, folder, classes, findings)
    if others:
        names = ", ".join(repr(_short(path, folder)) for path in others[:3])
        more = f" and {len(others) - 3:,} more" if len(others) > 3 else ""
        findings.note(f"{names}{more}: no image ({', '.join(SUFFIXES)}) in the folder of a class, and left out")
    return pictures


def read_headers(pictures: Sequence[Picture], folder: Path, findings: Findings) -> tuple[dict[Picture, Header], str]:
    """Return the images' headers, and a SHA-256 of all.

    The digest is that of their names and contents. Broken files become findings.
    """
    digest, headers = hashlib.sha256(), {}
    with pillow():
        for picture in pictures:
            name = _short(picture.path, folder)
            try:
                content = _content(picture.path)
                digest.update(f"{name}\0{len(content)}\0".encode() + content)
                headers[picture] = read_header(content)
            except DataError as error:
                findings.refuse(f"{name}: {error}")
    return headers, digest.hexdigest()


def common_size(headers: Mapping[Picture, Header], findings: Findings) -> tuple[int, int]:
    """Return the height and width common to all images.

    Different sizes become a finding.
    """
    sizes = {(header.height, header.width): picture.path for picture, header in headers.items()}
    (first, path), *others = sizes.items()
    if others:
        (height, width), other = others[0]
        findings.refuse(
            f"the images have {len(sizes)} different sizes, such as {first[1]} × {first[0]} ({path.name}) and "
            f"{width} × {height} ({other.name}): write `size: 64`, and they are scaled to that, and cut"
        )
    return first


def read_pixels(pictures: Sequence[Picture], shape: tuple[int, ...], folder: Path, findings: Findings) -> np.ndarray:
    """Return the pixels, uint8 (N, channels, height, width).

    Broken files become findings. From 1 GiB on, the pixels are in an unnamed file in the system's temporary folder
    (TMPDIR), which disappears when it is no longer used.

    Raises:
        DataError: if there is not enough space.
    """
    pixels = _allocate((len(pictures), *shape))

    def read(i: int) -> str | None:
        try:
            pixels[i] = decode(_content(pictures[i].path), shape)
        except DataError as error:
            return f"{_short(pictures[i].path, folder)}: {error}"
        return None

    with pillow(), executor(os.cpu_count() or 1) as threads:  # Pillow releases the GIL to decode
        for problem in threads.map(read, range(len(pictures))):
            if problem is not None:
                findings.refuse(problem)
    return pixels


def _content(path: Path) -> bytes:
    """Return the bytes of one of many files, which a run does not record individually."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}") from error


def _allocate(shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64))
    if size < LARGE or not can_map():
        return np.empty(shape, np.uint8)
    try:
        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            if hasattr(os, "posix_fallocate"):  # a write into a hole would kill the process on a full disk
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise DataError(
            f"{size:,} bytes of pixels find no room in {tempfile.gettempdir()} ({error.strerror or error}): name a "
            f"larger folder in TMPDIR, or choose a smaller size"
        ) from error


def _refuse_empty(place: Path, folder: Path, classes: Sequence[Path], findings: Findings) -> None:
    """Report why a part has no images in the folders of classes."""
    where = "" if place == folder else f"{_short(place, folder)!r}: "
    loose = sum(path.suffix.lower() in SUFFIXES for path in _entries(place))
    if classes:
        found = f"{len(classes)} folders without one" if len(classes) > 1 else f"{classes[0].name!r} without one"
    else:
        found = f"{loose:,} images and no folder" if loose else "none"
    findings.refuse(
        f"{where}expected one folder for each class, named after it, with images in it ({', '.join(SUFFIXES)}), "
        f"found {found}"
    )


def _entries(folder: Path) -> list[Path]:
    with reading(folder):
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _short(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
