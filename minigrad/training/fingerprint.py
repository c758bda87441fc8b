"""Fingerprints of runs: digests of config, code and data.

A resumed run compares them with those it began with, and ranks compare them with each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minigrad.config import Plan
from minigrad.config.shipped import shipped_folder
from minigrad.data import Dataset
from minigrad.data.files import Files, digest_of
from minigrad.inputs import parts
from minigrad.version import __version__

CHUNK = 1024
"""Examples that are read at a time."""


def facts_of(plan: Plan, digests: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return everything that determines a run's results, as texts.

    Args:
        plan: the config.
        digests: the digests of the data, by name.
        home: the folder of the user's `models/`.
    """
    return {
        "config": plan.to_yaml(),
        "version of minigrad": __version__,
        "code": _code(home),
        "version of NumPy": np.__version__,
        "data": "\n".join(f"SHA-256 of {name}: {digest}" for name, digest in digests.items()),
    }


def data_digests(data: Dataset, files: Files) -> dict[str, str]:
    """Return the SHA-256 of a data set's sources, by name.

    Digests are hexadecimal. The sources are the files that the data set has read. If it has none, or its class is not
    minigrad's own and may read files in its own way, they are the examples of each split.

    Args:
        data: the data.
        files: the files that it has read, by name.

    Raises:
        DataError: if a file cannot be read any more.
    """
    digests = {name: files.digests.get(path) or digest_of(path) for name, path in sorted(files.items())}
    if not digests or type(data).__module__.partition(".")[0] != "minigrad":
        digests |= _digests_of_examples(data)
    return digests


def changed_sources(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of changed, new and missing sources.

    A file with the same content under another name was moved, and does not count.
    """
    moved = set(before.values())
    other = [name for name, digest in now.items() if digest not in moved]
    gone = [name for name, digest in before.items() if name not in now and digest not in now.values()]
    return other or gone


def _digests_of_examples(data: Dataset) -> dict[str, str]:
    digests = {}
    for split, examples in (("train", data.train), ("val", data.val), ("test", data.test)):
        digest = hashlib.sha256()
        for start in range(0, len(examples), CHUNK):
            inputs, targets = examples.batch(slice(start, start + CHUNK))
            for name, array in [*parts(inputs), ("", targets)]:
                digest.update(name.encode())
                digest.update(f"{array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        digests[f"examples of {split}"] = digest.hexdigest()
    return digests


def _code(home: Path) -> str:
    """Return the SHA-256 of the code of minigrad, of the models that ship with it, and of the user's models."""
    digest = hashlib.sha256()
    for folder in (Path(__file__).parents[1], shipped_folder("models"), home / "models"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
