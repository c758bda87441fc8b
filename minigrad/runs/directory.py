"""The directory of a run."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from errno import EAGAIN
from hashlib import sha256
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any
from zlib import crc32

import numpy as np

from minigrad.formats.atomic import errors_naming, write_durably
from minigrad.parallel.blas import blas_kernels
from minigrad.paths import require_file
from minigrad.runs.checkpoint import read_checkpoint, write_checkpoint
from minigrad.runs.files import FORMAT, NewerRunError, RunError, read_config, read_facts
from minigrad.runs.locks import can_lock, hold
from minigrad.version import __version__

_NUMBER = re.compile("[0-9]{1,6}")
"""Names of run folders. Other folders may be next to them."""


class RunDirectory:
    """The directory of one run, `<root>/<name>/<NNNN>/`.

    It is created by `create` and reopened by `open`.

    config.yaml     the resolved config: training it again repeats the run
    run.json        arguments, seed, digests, versions, git commit, status, exit code, best
    metrics.jsonl   one JSON object per logged step
    checkpoints/    last.safetensors and best.safetensors
    code/           the files of models/ whose classes the run uses
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}
        self.config = ""
        self.digests: dict[str, str] = {}
        """SHA-256 of the data files, by name."""
        self._logged = self._checksum = 0
        """Length of `metrics.jsonl` in bytes, and its CRC-32."""
        self.best_step: int | None = None
        """The step of the weights in `best`; None if unknown."""
        self.seconds = 0.0
        """Training time of the earlier sessions of the run, in seconds."""
        self._begun = monotonic()

    @classmethod
    def create(cls, root: Path, name: str, config: str, **facts: Any) -> RunDirectory:
        """Create the next free directory of `name` under `root`.

        Runs that start at the same moment get different directories.

        Args:
            root: the folder of all runs.
            name: the name of the experiment.
            config: see `begin`.
            facts: see `begin`.

        Raises:
            OSError: if it cannot be created.
        """
        group = root / name
        group.mkdir(parents=True, exist_ok=True)
        number = max((int(entry.name) for entry in group.iterdir() if _NUMBER.fullmatch(entry.name)), default=0)
        while True:
            number += 1
            path = group / f"{number:04d}"
            try:
                path.mkdir()
                break
            except FileExistsError:
                continue
        return cls(path).begin(config, **facts)

    @classmethod
    def create_at(cls, path: Path, config: str, **facts: Any) -> RunDirectory:
        """Create the directory `path`, which may be empty already.

        Args:
            path: the new directory.
            config: see `begin`.
            facts: see `begin`.

        Raises:
            OSError: if it cannot be created.
            RunError: if it is not empty.
        """
        path.mkdir(parents=True, exist_ok=True)
        if inside := next(path.iterdir(), None):
            raise RunError(f"{path}: expected an empty folder for a new run, found {inside.name}; name another")
        return cls(path).begin(config, **facts)

    def begin(
        self,
        config: str,
        digests: Mapping[str, str] | None = None,
        code: Mapping[str, bytes] | None = None,
        **facts: Any,
    ) -> RunDirectory:
        """Write the files of a new run; return self.

        Args:
            config: the resolved config.
            digests: SHA-256 of the data files, by name.
            code: the files of models/ whose classes are used, by name.
            facts: further facts for `run.json`.

        Raises:
            OSError: if a file cannot be written.
        """
        (self.path / "checkpoints").mkdir()
        self.set_config(config)
        self.set_code(code or {})
        self.digests = dict(digests or {})
        self.note(status="running", format=FORMAT, **facts, **self.source_digests(), started=_now(), **_environment())
        return self

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open the directory of an existing run.

        Unreadable facts are only a warning, since training does not depend on them.

        Raises:
            RunError: if its config cannot be read, or was written by a newer minigrad.
        """
        directory = cls(path)
        directory.config = read_config(path)
        try:
            directory.facts = read_facts(path)
        except NewerRunError:  # going on would write over facts that this minigrad does not know
            raise
        except RunError as error:
            warnings.warn(f"{error}; the run continues without it", stacklevel=2)
        (path / "checkpoints").mkdir(exist_ok=True)
        directory.seconds = directory._seconds()
        return directory

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory for this process during the block.

        The lock also ends with the process. On Windows and in browsers, which cannot lock a directory, this does
        nothing.

        Raises:
            OSError: if another process holds the lock.
        """
        if not can_lock():
            yield
            return
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            if not hold(descriptor):
                reason = "another process is training this run; wait for it, or stop it"
                raise OSError(EAGAIN, reason, str(self.path))
            yield
        finally:
            os.close(descriptor)

    def set_config(self, config: str) -> None:
        """Write `config.yaml`."""
        write_durably(self.path / "config.yaml", config.encode())
        self.config = config

    def set_code(self, code: Mapping[str, bytes]) -> None:
        """Make `code/` hold exactly these files, given by name."""
        folder = self.path / "code"
        if code:
            folder.mkdir(exist_ok=True)
        for name, content in code.items():
            write_durably(folder / name, content)
        for path in folder.glob("*.py"):
            if path.name not in code:
                path.unlink()

    def note(self, **facts: Any) -> None:
        """Add facts to `run.json`, which is completely rewritten."""
        self.facts.update(facts)
        text = json.dumps(_without_nan(self.facts), indent=2, allow_nan=False)
        write_durably(self.path / "run.json", f"{text}\n".encode())

    def log(self, record: Mapping[str, float]) -> None:
        """Append one line to `metrics.jsonl`.

        Raises:
            OSError: if the file cannot be written.
        """
        line = json_line(record).encode() + b"\n"
        path = self.path / "metrics.jsonl"
        with errors_naming(path), open(path, "ab") as file:
            file.write(line)
        self._logged, self._checksum = self._logged + len(line), crc32(line, self._checksum)

    def save(self, name: str, weights: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Write `checkpoints/<name>.safetensors`; see `write_checkpoint`."""
        write_checkpoint(self._checkpoint(name), weights, state)

    def read(self, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return the weights and state of a checkpoint, or None.

        Raises:
            CheckpointError: if it is damaged.
            OSError: if it cannot be read.
        """
        path = self._checkpoint(name)
        return read_checkpoint(path) if path.exists() else None

    def source_digests(self) -> dict[str, Any]:
        """Return the digests of the config and the data."""
        return {"config_digest": sha256(self.config.encode()).hexdigest(), "data_digests": self.digests}

    def state(self) -> dict[str, Any]:
        """Return the state of the directory, for a checkpoint.

        It has only the length and checksum of `metrics.jsonl`, so that a checkpoint does not grow with the run. The
        file is flushed to disk first, so that it has at least the lines of the checkpoint after a crash.

        Raises:
            OSError: if the file cannot be flushed.
        """
        path = self.path / "metrics.jsonl"
        if self._logged:
            with errors_naming(path), open(path, "ab") as file:
                os.fsync(file.fileno())
        return {"config": self.config, "metrics": (self._logged, self._checksum), **self.source_digests()}

    def rewind(self, metrics: tuple[int, int] | np.ndarray = (0, 0), verify: bool = True) -> None:
        """Truncate `metrics.jsonl` to the state of a checkpoint.

        Args:
            metrics: its length and checksum from `state()`, or, from formats 1 and 2, its content, which is restored.
            verify: whether changed or missing lines are an error.

        Raises:
            RunError: if lines were changed or are missing, and `verify` is set.
            OSError: if the file cannot be read or written.
        """
        path = self.path / "metrics.jsonl"
        if path.exists():
            require_file(path)
        is_pair = isinstance(metrics, tuple) and list(map(type, metrics)) == [int, int] and min(metrics) >= 0
        if not (is_pair or isinstance(metrics, np.ndarray)):
            raise RunError(f"{path}: the checkpoint has {metrics!r:.60} instead of its length and checksum")
        if isinstance(metrics, np.ndarray):
            content = metrics.tobytes()
        else:
            with errors_naming(path):
                content = path.read_bytes()[: metrics[0]] if path.exists() else b""
            if verify and (len(content), crc32(content)) != metrics:
                raise RunError(
                    f"{path}: its first {metrics[0]:,} bytes differ from those at the checkpoint; "
                    f"restore them, or continue without them by --allow-changes"
                )
            content = content[: content.rfind(b"\n") + 1]
        write_durably(path, content)
        self._logged, self._checksum = len(content), crc32(content)

    def reopen(self, step: int, arguments: Sequence[str]) -> list[str]:
        """Record that the run continues.

        Args:
            step: the step it continues from.
            arguments: the command line.

        Returns:
            The names of facts about the environment that differ from those at the start.
        """
        now = {**_environment(), "data_digests": self.digests}
        other = {name: value for name, value in now.items() if self.facts.get(name, value) != value}
        self.facts["seconds"] = self.seconds
        for name in ("exit_code", "ended", "reason"):
            self.facts.pop(name, None)
        resumed = {"step": step, "arguments": list(arguments), "started": _now(), **other}
        digest = self.source_digests()["config_digest"]
        self.note(status="running", config_digest=digest, resumed=[*self.facts.get("resumed", []), resumed])
        return list(other)

    def close(self, status: str, exit_code: int, **facts: Any) -> None:
        """Record how the run ended, and its total training time."""
        seconds = round(self.seconds + monotonic() - self._begun, 1)
        self.note(status=status, exit_code=exit_code, ended=_now(), seconds=seconds, **facts)

    def _seconds(self) -> float:
        """Return the training time so far; a killed session counts until its last checkpoint."""
        seconds: float = self.facts.get("seconds", 0.0)
        starts = [part["started"] for part in [self.facts, *self.facts.get("resumed", [])] if "started" in part]
        last = self._checkpoint("last")
        if starts and "ended" not in self.facts and last.exists():
            seconds += max(0.0, last.stat().st_mtime - datetime.fromisoformat(starts[-1]).timestamp())
        return seconds

    def _checkpoint(self, name: str) -> Path:
        return self.path / "checkpoints" / f"{name}.safetensors"


def json_line(record: Mapping[str, Any]) -> str:
    """Return `record` as one line of JSON.

    NaN and infinity become null.
    """
    return json.dumps(_without_nan(record), allow_nan=False)


def _without_nan(value: Any) -> Any:
    """Return a value, at any depth, with None for NaN and infinity."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _without_nan(item) for name, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, list | tuple) else value


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _environment() -> dict[str, Any]:
    """Return the environment that the results may depend on."""
    return {
        "versions": {"minigrad": __version__, "numpy": np.__version__, "python": platform.python_version()},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "blas": blas_kernels(),
        "git_commit": _git_commit(),
    }


def _git_commit() -> str | None:
    """Return the commit of the current directory, with `-dirty` if files differ; None outside of git."""
    command: Sequence[str] = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
