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

    `sweep.json` specifies the sweep, `table.csv` has its results; there are two files for each member.

    Attributes:
        path: the folder.
        is_new: whether this process has made it.
    """

    def __init__(self, path: Path, is_new: bool = False) -> None:
        self.path = path
        self.is_new = is_new

    @classmethod
    def open(cls, root: Path, name: str, spec: Mapping[str, Any], is_named: bool) -> SweepFolder:
        """Open the folder of a sweep, or create one.

        Args:
            root: the folder of all sweeps.
            name: of this one.
            spec: what it is, as JSON can hold it: a sweep of the same is the same.
            is_named: whether it must have this name; otherwise it gets a number behind it, if another sweep has it.

        Raises:
            UsageError: if it must, and another sweep has it.
            OSError: if it cannot be made.
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
                raise UsageError(f"{path} is of another sweep: {others(found, spec)}; choose another --name")
            number += 1

    @classmethod
    def _make(cls, path: Path, spec: Mapping[str, Any]) -> bool:
        """Create the folder with its `sweep.json` atomically.

        Returns False if another process was first.
        """
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

        Returns the open file that holds the lock; None if another process holds it.
        """
        descriptor = os.open(self.path / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        if hold(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    def was_claimed(self, name: str) -> bool:
        """Whether a process that shares this folder started a member."""
        return (self.path / f"{name}.lock").exists()


def others(found: Any, spec: Mapping[str, Any]) -> str:
    """Describe the differences of two sweeps."""
    known = found if isinstance(found, Mapping) else {}
    names = [_WORDS.get(key, key) for key in {**known, **spec} if known.get(key) != spec.get(key)]
    return f"its {' and '.join(names)} {'is' if len(names) == 1 else 'are'} not the same"


def _spec(path: Path) -> Any:
    try:
        return json.loads((path / "sweep.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
