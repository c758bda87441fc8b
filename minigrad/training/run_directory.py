"""The directory of one run: what it was asked to do, what it measured, and the weights that came out."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import __version__
from minigrad.training.checkpoint import write_checkpoint, write_durably


class RunDirectory:
    """`<root>/<name>/<NNNN>/`, made by `create` and never written by another run.

    config.yaml     the resolved config: running it again is running this again
    run.json        arguments, seed, versions, git commit, status, exit code, best
    metrics.jsonl   one JSON object for each logged step
    checkpoints/    last.safetensors and best.safetensors
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}

    @classmethod
    def create(cls, root: Path, name: str, config: str, **facts: Any) -> RunDirectory:
        """Makes the next free directory of `name` under `root`, with the config and the facts of the run in it.

        Two runs that start at the same moment get different directories.

        Raises: OSError if it cannot be made.
        """
        group = root / name
        group.mkdir(parents=True, exist_ok=True)
        number = max((int(entry.name) for entry in group.iterdir() if entry.name.isdecimal()), default=0)
        while True:
            number += 1
            path = group / f"{number:04d}"
            try:
                path.mkdir()
                break
            except FileExistsError:
                continue
        (path / "checkpoints").mkdir()
        (path / "config.yaml").write_text(config, encoding="utf-8")
        directory = cls(path)
        directory.note(status="running", **facts, started=_now(), **_surroundings())
        return directory

    def note(self, **facts: Any) -> None:
        """Adds facts to `run.json`, which is replaced as a whole."""
        self.facts.update(facts)
        write_durably(self.path / "run.json", (json.dumps(self.facts, indent=2) + "\n").encode())

    def log(self, record: Mapping[str, float]) -> None:
        """Adds one line to `metrics.jsonl`."""
        with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json_line(record) + "\n")

    def save(self, name: str, tensors: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Writes `checkpoints/<name>.safetensors`; see `write_checkpoint`."""
        write_checkpoint(self.path / "checkpoints" / f"{name}.safetensors", tensors, state)

    def close(self, status: str, exit_code: int, **facts: Any) -> None:
        """Notes how the run ended."""
        self.note(status=status, exit_code=exit_code, ended=_now(), **facts)


def json_line(record: Mapping[str, Any]) -> str:
    """Returns `record` as one line of JSON, which has no NaN and no infinity: they become null."""
    unknown = {name: None for name, value in record.items() if isinstance(value, float) and not isfinite(value)}
    return json.dumps({**record, **unknown}, allow_nan=False)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _surroundings() -> dict[str, Any]:
    """Returns what the numbers of a run may depend on besides its config."""
    return {
        "versions": {"minigrad": __version__, "numpy": np.__version__, "python": platform.python_version()},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "git_commit": _git_commit(),
    }


def _git_commit() -> str | None:
    """Returns the commit of the present directory, with `-dirty` behind it if files differ; None outside of git."""
    command: Sequence[str] = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
