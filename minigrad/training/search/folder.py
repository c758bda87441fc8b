"""The folder of a sweep: specification, results, and claimed members."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minigrad.runs.locks import hold
from minigrad.training.experiment import UsageError

_WORDS = {"config": "config", "points": "grid", "search": "space", "repeats": "seeds or folds", "prune": "--prune"}


class SweepFolder:
    """The folder of a sweep, `sweeps/<name>/`.

    `sweep.json` specifies the sweep, `table.csv` has its results, and each member has two files.

    Attributes:
        path: the folder.
        is_new: whether this process has created it.
    """

    def __init__(self, path: Path, is_new: bool = False) -> None:
        self.path = path
        self.is_new = is_new

    @classmethod
    def open(cls, root: Path, name: str, spec: Mapping[str, Any], is_named: bool) -> SweepFolder:
        """Open the folder of a sweep, or create one.

        Args:
            root: the folder of all sweeps.
            name: the name of this sweep.
            spec: the specification, as plain JSON data; sweeps with the same specification are the same.
            is_named: whether the name is required; otherwise a number is appended if another sweep has it.

        Raises:
            UsageError: if the name is required, and another sweep has it.
            OSError: if the folder cannot be created.
        """
        number = 1
        while True:
            path = root / (name if number == 1 else f"{name}-{number}")
            if not path.exists() and cls._make(path, spec):
                return cls(path, is_new=True)
            found = _spec(path)
            if found == spec:
                return cls(path)
            if is_named:
                message = f"{path} belongs to another sweep: {describe_differences(found, spec)}"
                raise UsageError(f"{message}; choose another --name")
            number += 1

    @classmethod
    def _make(cls, path: Path, spec: Mapping[str, Any]) -> bool:
        """Create the folder with its `sweep.json` atomically; return False if another process was first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        part.chmod(0o777 & ~_umask())
        (part / "sweep.json").write_text(json.dumps(spec, indent=1) + "\n", encoding="utf-8")
        try:
            part.rename(path)
        except OSError:
            shutil.rmtree(part)
            if not path.exists():
                raise
            return False
        return True

    def stem(self, name: str) -> Path:
        """Return the path of a member's files, without suffix."""
        return self.path / name

    def claim(self, name: str) -> int | None:
        """Lock a member for this process.

        Returns:
            The file descriptor that holds the lock; None if another process holds it.
        """
        descriptor = os.open(self.path / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        if hold(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    def was_claimed(self, name: str) -> bool:
        """Whether a process that shares this folder started a member."""
        return (self.path / f"{name}.lock").exists()


def describe_differences(found: Any, spec: Mapping[str, Any]) -> str:
    """Describe the differences between two sweeps."""
    known = found if isinstance(found, Mapping) else {}
    names = [_WORDS.get(key, key) for key in {**known, **spec} if known.get(key) != spec.get(key)]
    return f"its {' and '.join(names)} {'differs' if len(names) == 1 else 'differ'}"


def _spec(path: Path) -> Any:
    try:
        return json.loads((path / "sweep.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
