"""`minigrad compare`: compare the settings, results and curves of runs."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from minigrad.cli.prepare import run_path
from minigrad.runs.comparison import Comparison
from minigrad.runs.index import Summary, find_runs, summary_of
from minigrad.training.experiment import UsageError

EXAMPLES = (
    "minigrad compare runs/digits_mlp/0001 runs/digits_mlp/0002",
    "minigrad compare sweeps/digits_mlp --output lr.html",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="runs, folders that contain runs, or sweeps")
    parser.add_argument(
        "--output", type=Path, default=Path("compare.html"), metavar="FILE", help="the page; default: compare.html"
    )


def run(arguments: Namespace) -> int:
    """Print the table of the runs and write the page."""
    if not arguments.output.parent.is_dir():
        raise UsageError(f"{arguments.output}: there is no folder {arguments.output.parent}: create it first")
    found = {summary.path: summary for path in arguments.runs for summary in _runs_of(path, arguments.words)}
    unreadable = [summary for summary in found.values() if summary.status == "unreadable"]
    for summary in unreadable:
        print(f"warning: left out: {summary.reason}", file=sys.stderr)
    runs = [summary for summary in found.values() if summary.status != "unreadable"]
    if len(runs) < 2:
        raise UsageError(f"a comparison needs two or more runs, found {len(runs)}: minigrad runs lists them")
    comparison = Comparison(runs)
    print(comparison.table())
    from minigrad.plots.comparison import save_comparison  # needs matplotlib

    save_comparison(comparison, arguments.output)
    print(f"wrote {arguments.output}", file=sys.stderr)
    return 0


def _runs_of(path: Path, words: list[str]) -> Iterator[Summary]:
    """Yield the runs below a path.

    Raises:
        UsageError: if there are none.
    """
    if (path / "sweep.json").is_file():
        members = [run for run in map(_run_of, sorted(path.glob("*.json"))) if run is not None]
        found = [summary_of(run) for run in members if (run / "config.yaml").is_file()]
        if len(found) < len(members):
            print(f"warning: {len(members) - len(found)} runs of {path} are gone", file=sys.stderr)
    elif (path / "config.yaml").is_file():
        found = [summary_of(path)]
    else:
        found = find_runs(path) if path.is_dir() else []
    if not found:
        run_path(path, words)  # raises, with a suggestion
    yield from found


def _run_of(member: Path) -> Path | None:
    """Return the run that a sweep member's file names."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        return Path(json.loads(member.read_text(encoding="utf-8"))["run"])
    return None
