"""Inputs for predictions: files, folders, patterns, standard input."""

from __future__ import annotations

import glob
import re
import shlex
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from minigrad.data import DataError, Dataset
from minigrad.data.errors import MOST
from minigrad.inputs import Inputs, count, join, shapes
from minigrad.paths import files_below

STANDARD_INPUT = "-"

_MARK = re.compile(r"`(delimiter|decimal|thousands): ([^`]+)`")
"""An option of notation, as an error message writes it for a config."""


def read_sources(data: Dataset, words: Sequence[str]) -> tuple[Inputs, list[str]]:
    """Read the inputs of files.

    Args:
        data: preprocesses the inputs as in training.
        words: paths of files; folders, of which all files with readable suffixes are read, at any depth; patterns such
            as `scans/*.png`, with `**` for any folders; `-` for standard input.

    Returns:
        Inputs (N, ...), and the name of the file that each is from.

    Raises:
        DataError: listing all files that are missing, cannot be read, or do not match the others; also for a folder or
            pattern without a file.
    """
    found: list[Inputs] = []
    names: list[str] = []
    faults: list[str] = []
    for name in [name for word in words for name in ([word] if word == STANDARD_INPUT else _files(data, word))]:
        try:
            part = _standard_input(data) if name == STANDARD_INPUT else data.read_inputs(name)
        except DataError as error:
            faults.append(str(error))
            continue
        if found and shapes(part) != shapes(found[0]):
            faults.append(f"{name}: its inputs are {shapes(part)}, and those of {names[0]} {shapes(found[0])}")
            continue
        found.append(part)
        names += [name] * count(part)
    if faults:
        more = [f"and {len(faults) - MOST:,} more files"] if len(faults) > MOST else []
        marks = dict.fromkeys(mark for fault in faults for mark in _MARK.findall(fault))
        words = " ".join(shlex.quote(f"data.{option}={value}") for option, value in marks)
        remedy = [f"the run reads files that are written as its own was; for these add {words}"] if words else []
        raise DataError("\n".join([*faults[:MOST], *more, *remedy]))
    return join(found), names


def _files(data: Dataset, word: str) -> list[str]:
    """Return the files of a path or pattern, sorted."""
    path = Path(word)
    if path.is_dir():
        return _in_folder(data, path)
    if path.exists() or not glob.has_magic(word):
        return [word]
    found = sorted(each for each in glob.glob(word, recursive=True) if Path(each).is_file())
    if not found:
        raise DataError(f"{word}: no file matches; relative patterns start at {Path.cwd()}")
    return found


def _in_folder(data: Dataset, folder: Path) -> list[str]:
    """Return the readable files in a folder, sorted; warn of the others."""
    inside, suffixes = files_below(folder), data.input_suffixes
    found = [str(path) for path in inside if not suffixes or path.suffix.lower() in suffixes]
    if not found:
        kinds = f" that {type(data).__name__} reads ({', '.join(suffixes)})" if suffixes else ""
        raise DataError(f"{folder}: the folder has no file{kinds}")
    if others := len(inside) - len(found):
        warnings.warn(f"{folder}: ignored {others:,} other files, which are not {', '.join(suffixes)}", stacklevel=4)
    return found


def _standard_input(data: Dataset) -> Inputs:
    stream = getattr(sys.stdin, "buffer", None)  # None if the process has no standard input
    content = stream.read() if stream is not None else b""
    if not content:
        raise DataError("standard input: expected the content of a file, got none")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"input{data.suffix_of(content)}")
        file.write_bytes(content)
        try:
            return data.read_inputs(file)
        except DataError as error:
            raise DataError(str(error).replace(str(file), "standard input")) from None
