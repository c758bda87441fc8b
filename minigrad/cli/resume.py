"""`minigrad resume`: continue a run from its last checkpoint."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from pathlib import Path

from minigrad.cli.fit import fit
from minigrad.cli.parser import add_classes, add_overrides, add_run, add_threads
from minigrad.cli.prepare import build_and_try, classes, run_path, warn_of_schedule
from minigrad.config import ConfigError, load_plan
from minigrad.data import DataError
from minigrad.inference.load import ELSEWHERE
from minigrad.runs.directory import RunDirectory
from minigrad.training.experiment import Experiment, UsageError
from minigrad.training.fingerprint import data_digests, facts_of
from minigrad.training.resume import is_over, resume

EXAMPLES = (
    "minigrad resume runs/digits_mlp/0001",
    "minigrad resume runs/digits_mlp/0001 trainer.max_epochs=60",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_run(parser)
    add_overrides(parser, "trainer.max_epochs or trainer.max_steps, to extend the run")
    parser.add_argument("--allow-changes", action="store_true", help="accept other changes of the run's config")
    add_threads(parser)
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Continue training in the run's directory.

    The result has the same bits as an uninterrupted run.
    """
    path = run_path(arguments.run, arguments.words)
    with_code = arguments.trust or not arguments.allow_changes
    registry = classes(arguments, path if with_code else None)
    plan = load_plan(path / "config.yaml", Experiment, registry, arguments.overrides)
    is_whole = (path / "checkpoints" / "last.safetensors").exists() and plan["adapters"] is None
    try:
        experiment, training, _ = build_and_try(plan, arguments.threads, arguments.ranks, reads_weights=not is_whole)
    except ConfigError as error:
        if isinstance(error.__cause__, DataError):
            raise UsageError(f"{error.__cause__}; {ELSEWHERE}") from error
        raise
    warn_of_schedule(training)
    digests = data_digests(experiment.data, experiment.files)
    if arguments.ranks.size > 1:
        arguments.ranks.agree(facts_of(plan, digests, Path()))
    directory = RunDirectory.open(path)
    first = arguments.ranks.rank == 0
    with directory.locked() if first else nullcontext():
        files = experiment.files.values()
        resume(training, directory, plan, registry, digests, arguments.allow_changes, files)
        if not first:
            return fit(training, None)
        if is_over(training, directory):
            reason = directory.facts.get("reason", training.reason)
            kept = "; its settings are unchanged" if arguments.overrides else ""
            said = f"{path} is finished after {training.step} steps: {reason}{kept}{_longer(reason)}"
            print(said, file=sys.stderr)
        if other := directory.reopen(training.step, arguments.words):
            print(
                f"the bits may differ: the run started with different {', '.join(other)}; see run.json", file=sys.stderr
            )
        return fit(training, directory)


def _longer(reason: str) -> str:
    """Return the remedy for a run that ended for this reason, or ""."""
    if "trainer.max_" in reason:
        return f"; a larger {reason.split()[-1].partition('=')[0]} makes it longer"
    if reason.startswith("early stopping"):
        return "; trainer.early_stopping.patience=N --allow-changes makes it more patient"
    return ""
