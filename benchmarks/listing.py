"""Benchmark of listing many runs: without an index, with one, and after changes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from minigrad.config import load_plan
from minigrad.config.shipped import shipped_folder
from minigrad.training.experiment import Experiment, known_classes

LIMIT_SECONDS = 2.0
"""The time limit in seconds for a list of 10,000 runs with an index."""


@dataclass
class Listing:
    """The CPU time of listing many runs, in seconds for the whole command.

    Attributes:
        runs: the number of runs.
        empty: the time of listing a single run, which is the time of starting.
        first: the time without an index.
        again: the time of each round with an index.
        changed: the time after one percent of the runs was deleted, and as many were changed.
    """

    runs: int
    empty: float = 0.0
    first: float = 0.0
    again: list[float] = field(default_factory=list)
    changed: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether the list is within the time limit."""
        return min(self.again) <= LIMIT_SECONDS


def measure_listing(runs: int = 10_000, rounds: int = 3) -> Listing:
    """Create runs like those of `minigrad train`, and list them on the command line."""
    found = Listing(runs)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        config = load_plan(shipped_folder("configs") / "digits_mlp.yaml", Experiment, known_classes()).to_yaml()
        for i in range(runs):
            _make(root / "runs" / f"experiment_{i % 20}" / f"{i // 20 + 1:04d}", config, i)
        _make(root / "one" / "alone" / "0001", config, 0)
        _list(root, "one")
        found.empty = _list(root, "one")
        found.first = _list(root, "runs")
        found.again = [_list(root, "runs") for _ in range(rounds)]
        every = sorted((root / "runs").glob("*/*/run.json"))
        for path in every[:: max(2, runs // 100)]:
            path.unlink()
        for path in every[1 :: max(2, runs // 100)]:
            path.write_text(path.read_text(encoding="utf-8").replace('"done"', '"failed"'), encoding="utf-8")
        found.changed = _list(root, "runs")
    return found


def _make(run: Path, config: str, i: int) -> None:
    run.mkdir(parents=True)
    config = config.replace("lr: 0.01", f"lr: {(i % 50 + 1) / 1000}").replace("seed: 0", f"seed: {i}")
    (run / "config.yaml").write_text(config, encoding="utf-8")
    best = {"monitor": "val/loss", "mode": "min", "value": 1 / (i + 1), "step": 40}
    results = {"steps": 40, "val/loss": 1 / (i + 1), "val/accuracy": 0.9, "test/loss": 0.5, "test/accuracy": 0.8}
    facts = {"status": "done", "format": 3, "started": "2026-01-02T03:04:05+00:00", "best": best, "results": results}
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    lines = "".join(json.dumps({"step": step, "train/loss": 1.0}) + "\n" for step in range(40))
    (run / "metrics.jsonl").write_text(lines, encoding="utf-8")


def _list(root: Path, runs: str) -> float:
    """Return the CPU seconds of one command."""
    command = [sys.executable, "-m", "minigrad", "runs", "--sort", "val/accuracy", "--runs-dir", runs]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def render_listing(found: Listing) -> str:
    """Return the times as lines of text."""
    rows = {
        "one run": found.empty,
        f"{found.runs:,} runs, without an index": found.first,
        f"{found.runs:,} runs": min(found.again),
        f"{found.runs:,} runs, some deleted and some changed": found.changed,
    }
    width = max(map(len, rows))
    lines = [f"{what:<{width}}  {seconds:6.2f} s" for what, seconds in rows.items()]
    return "\n".join(["minigrad runs", *lines])
