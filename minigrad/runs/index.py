"""An index of runs: summaries, with a cache for speed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigrad.formats.atomic import write_durably
from minigrad.runs.files import RunError, read_config, read_facts, read_records
from minigrad.runs.locks import is_held
from minigrad.runs.settings import settings_of
from minigrad.version import __version__

CACHE = ".index.json"
"""The cache file in the folder of the runs. It may be deleted at any time."""

_VERSION = f"2 {__version__}"  # the version of the cache; caches of other versions are ignored
_FILES = ("config.yaml", "run.json", "metrics.jsonl")
_DEEPEST = 6  # levels below the listed folder


@dataclass
class Summary:
    """The summary of a run.

    Attributes:
        path: the folder of the run.
        status: `done`, `failed`, `interrupted`, `running`, `killed` (no process trains it, and no end is recorded),
            `pruned`, or `unreadable`.
        reason: why it ended, or why it cannot be read.
        started: the start in ISO 8601, such as 2026-01-02T03:04:05+00:00.
        seconds: the training time.
        step: the last recorded step.
        best: `monitor`, `mode`, `value` and `step` of its best weights.
        results: the latest measured values by name, such as `test/accuracy`.
        settings: the settings of its config (see `settings_of`).
    """

    path: str
    status: str
    reason: str = ""
    started: str = ""
    seconds: float | None = None
    step: int | None = None
    best: dict[str, Any] | None = None
    results: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float | None:
        """The best value; None without one, or if not finite."""
        value = (self.best or {}).get("value")
        return value if isinstance(value, int | float) else None

    @property
    def ending(self) -> str:
        """The status with its reason.

        For example "done: reached trainer.max_epochs=3" or "interrupted by SIGINT".
        """
        if self.reason.startswith(self.status):
            return self.reason
        return f"{self.status}: {self.reason}" if self.reason else self.status

    def __getitem__(self, key: str) -> Any:
        """Return the value of a fact, a result or a setting.

        Raises:
            KeyError: if the run has none of this name.
        """
        if key in FACTS:
            return getattr(self, key)
        if self.best and key == self.best.get("monitor"):
            return self.value
        return self.results[key] if key in self.results else self.settings[key]


FACTS = ("path", "status", "reason", "started", "seconds", "step")
"""The attributes that every `Summary` has."""


def find_runs(root: Path) -> list[Summary]:
    """Return the runs below a folder, sorted by path.

    Summaries are cached and reused while a run's files are unchanged, so runs may be deleted, moved, renamed and
    edited. A folder that is not writable has no cache; a folder that does not exist has no runs.
    """
    known = _read_cache(root / CACHE)
    entries: dict[str, tuple[list[Any], Summary]] = {}
    is_new = False
    for path, stamp in _stamps(str(root)):
        key = path.removeprefix(f"{root}{os.sep}")
        cached = known.get(key)
        if cached is None or cached[0] != stamp:
            is_new, cached = True, (stamp, summary_of(Path(path)))
        cached[1].path = path
        entries[key] = cached
    if is_new or len(entries) < len(known):
        with suppress(OSError):
            write_durably(root / CACHE, _cache(entries).encode())
    found = [summary for _, summary in entries.values()]
    for summary in found:
        if summary.status == "running" and not is_held(Path(summary.path)):
            summary.status = "killed"
    return found


def summary_of(run: Path) -> Summary:
    """Return the summary of a run.

    If a file cannot be read, `reason` says why.
    """
    try:
        settings = settings_of(read_config(run))
        facts = read_facts(run)
        found = Summary(str(run), facts.get("status", "unknown"), facts.get("reason", ""), facts.get("started", ""))
        found.settings = settings
        results, best = facts.get("results") or {}, facts.get("best")
        found.seconds = facts.get("seconds")
        found.step = results.get("steps")
        if found.step is None:
            records = read_records(run)
            results = {name: value for record in records for name, value in record.items()}
            found.step = records[-1]["step"] if records else None
            best = best or _best(records, settings)
        found.best = best
        found.results = {name: value for name, value in results.items() if "/" in name and _is_number(value)}
        return found
    except (RunError, ValueError) as error:
        return Summary(str(run), "unreadable", str(error))


def _best(records: list[dict[str, Any]], settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the best value of a running run; None if its better direction is unknown."""
    monitor = str(settings.get("trainer.checkpoint.monitor"))
    mode = settings.get("trainer.checkpoint.mode") or ("min" if monitor.endswith("/loss") else None)
    values = [(record[monitor], record["step"]) for record in records if _is_number(record.get(monitor))]
    if mode is None or not values:
        return None
    value, step = (min if mode == "min" else max)(values, key=lambda pair: pair[0])
    return {"monitor": monitor, "mode": mode, "value": value, "step": step}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _stamps(root: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield the folder of each run, and the modification stamps of its files."""
    waiting, seen = [(root, 0)], set()
    while waiting:
        folder, depth = waiting.pop()
        try:
            inside = sorted((entry.name, entry.path) for entry in os.scandir(folder) if entry.is_dir())
            place = os.stat(folder)
        except OSError:  # deleted, or no permission
            continue
        if (place.st_dev, place.st_ino) in seen:  # a cycle of links
            continue
        seen.add((place.st_dev, place.st_ino))
        below = []
        for name, path in inside:
            stamp = [_stamp(f"{path}/{file}") for file in _FILES]
            if stamp[0] is not None:
                yield path, stamp
            elif depth < _DEEPEST and not name.startswith("."):
                below.append((path, depth + 1))
        waiting += reversed(below)


def _stamp(path: str) -> list[int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size, found.st_ino]


def _cache(entries: Mapping[str, tuple[list[Any], Summary]]) -> str:
    """Return the text of a cache, which stores the keys of settings only once, since most runs share them."""
    keys: dict[tuple[str, ...], int] = {}
    rows = []
    for path, (stamp, summary) in entries.items():
        facts = {**vars(summary), "settings": list(summary.settings.values())}
        del facts["path"]
        rows.append([path, stamp, keys.setdefault(tuple(summary.settings), len(keys)), facts])
    return json.dumps({"version": _VERSION, "keys": [list(names) for names in keys], "runs": rows})


def _read_cache(path: Path) -> dict[str, tuple[list[Any], Summary]]:
    """Return the entries of a cache; none if it is invalid or of another version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            return {}
        found = {}
        for key, stamp, names, facts in content["runs"]:
            facts["settings"] = dict(zip(content["keys"][names], facts["settings"], strict=True))
            found[key] = (stamp, Summary(path=key, **facts))
        return found
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
