"""The directory of one run: what it was asked to do, what it measured, and the weights that came out."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import __version__
from minigrad.training.checkpoint import named, read_checkpoint, write_checkpoint, write_durably


class RunDirectory:
    """`<root>/<name>/<NNNN>/`, made by `create` and gone back to by `open`.

    config.yaml     the resolved config: running it again is running this again
    run.json        arguments, seed, versions, git commit, status, exit code, best
    metrics.jsonl   one JSON object for each logged step
    checkpoints/    last.safetensors and best.safetensors
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}
        self.config = ""
        self.metrics = bytearray()
        self.best_step: int | None = None
        """Of the weights in `best`; None if nobody knows."""

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
        directory = cls(path)
        directory.set_config(config)
        directory.note(status="running", **facts, started=_now(), **_surroundings())
        return directory

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Goes back to a run that was killed, interrupted, or is done.

        Raises: OSError if its config cannot be read.
        """
        directory = cls(path)
        directory.config = (path / "config.yaml").read_text(encoding="utf-8")
        with suppress(FileNotFoundError, ValueError):  # it tells people what happened, and nothing depends on it
            directory.facts = json.loads((path / "run.json").read_text(encoding="utf-8"))
        (path / "checkpoints").mkdir(exist_ok=True)
        return directory

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps the directory for this process during the block, or until the process ends, however it does.

        Raises: OSError if another process keeps it.
        """
        if sys.platform == "win32":  # which cannot lock a directory
            yield
            return
        import fcntl

        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                reason = "another process is training in this run; wait for it, or end it"
                raise OSError(error.errno, reason, str(self.path)) from None
            yield
        finally:
            os.close(descriptor)

    def set_config(self, config: str) -> None:
        """Writes `config.yaml`."""
        write_durably(self.path / "config.yaml", config.encode())
        self.config = config

    def note(self, **facts: Any) -> None:
        """Adds facts to `run.json`, which is replaced as a whole."""
        self.facts.update(facts)
        write_durably(self.path / "run.json", (json.dumps(self.facts, indent=2) + "\n").encode())

    def log(self, record: Mapping[str, float]) -> None:
        """Adds one line to `metrics.jsonl`. Raises: OSError that names it if that fails."""
        line = json_line(record).encode() + b"\n"
        path = self.path / "metrics.jsonl"
        with named(path), open(path, "ab") as file:
            file.write(line)
        self.metrics += line

    def save(self, name: str, weights: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Writes `checkpoints/<name>.safetensors`; see `write_checkpoint`."""
        write_checkpoint(self._checkpoint(name), weights, state)

    def read(self, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Returns what `save` was given; None if it never was. Raises: as `read_checkpoint`."""
        path = self._checkpoint(name)
        return read_checkpoint(path) if path.exists() else None

    def state(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps of the directory, so that it can be brought back to that moment."""
        return {"config": self.config, "metrics": np.frombuffer(bytes(self.metrics), np.uint8)}

    def rewind(self, metrics: np.ndarray) -> None:
        """Cuts `metrics.jsonl` back to what it was when `state()` returned these `metrics`."""
        self.metrics = bytearray(metrics.tobytes())
        write_durably(self.path / "metrics.jsonl", bytes(self.metrics))

    def reopen(self, step: int, arguments: Sequence[str], **facts: Any) -> list[str]:
        """Notes that the run goes on after `step`, and with what; `facts` are those of its data.

        Returns the names of the facts about its surroundings that are not what they were when it began.
        """
        other = {name: value for name, value in {**_surroundings(), **facts}.items() if self.facts.get(name) != value}
        for name in ("exit_code", "ended"):
            self.facts.pop(name, None)
        resumed = {"step": step, "arguments": list(arguments), "started": _now(), **other}
        self.note(status="running", resumed=[*self.facts.get("resumed", []), resumed])
        return list(other)

    def close(self, status: str, exit_code: int, **facts: Any) -> None:
        """Notes how the run ended."""
        self.note(status=status, exit_code=exit_code, ended=_now(), **facts)

    def _checkpoint(self, name: str) -> Path:
        return self.path / "checkpoints" / f"{name}.safetensors"


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
