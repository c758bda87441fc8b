"""`minigrad train`: train the model that a config describes."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from minigrad.cli.fit import fit
from minigrad.cli.parser import add_classes, add_config, add_runs_dir, add_threads
from minigrad.cli.prepare import build_and_try, plan_of, report_weights, run_to_draw, warn_of_schedule
from minigrad.config.code import code_of
from minigrad.runs.directory import RunDirectory
from minigrad.training.fingerprint import data_digests, facts_of

EXAMPLES = (
    "minigrad train configs/digits_mlp.yaml",
    "minigrad train configs/digits_mlp.yaml optimizer.lr=1e-3 trainer.max_epochs=5",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    add_runs_dir(parser)
    add_threads(parser)
    add_classes(parser)
    parser.add_argument("--report", action="store_true", help="write the run's report.html at the end")


def run(arguments: Namespace) -> int:
    """Train in a new run directory, and print the results.

    They are one line of JSON.
    """
    if arguments.report:
        from minigrad.plots import save_report  # fails before the training if matplotlib is missing
    plan = plan_of(arguments)
    experiment, training, _ = build_and_try(plan, arguments.threads, arguments.ranks)
    warn_of_schedule(training)
    if arguments.ranks.rank == 0:
        report_weights(experiment)
    digests = data_digests(experiment.data, experiment.files)
    if arguments.ranks.size > 1:
        arguments.ranks.agree(facts_of(plan, digests, Path()))
    if arguments.ranks.rank:
        return fit(training, None)
    facts: dict[str, Any] = {"arguments": arguments.words, "seed": experiment.seed, "code": code_of(plan.classes())}
    if arguments.packages:
        facts["packages"] = arguments.packages
    try:
        directory = RunDirectory.create(arguments.runs_dir, experiment.name, plan.to_yaml(), digests=digests, **facts)
    except OSError as error:
        what = error.strerror
        if isinstance(error, FileExistsError):
            what = "not a folder but a file" if os.path.exists(error.filename) else "a broken link"
        reason = f"{what}; --runs-dir DIR chooses another folder"
        raise OSError(error.errno, reason, error.filename) from error
    with directory.locked():
        exit_code = fit(training, directory)
    if arguments.report and exit_code == 0:
        drawn = Namespace(**{**vars(arguments), "run": directory.path, "overrides": [], "trust": False})
        print(f"report {save_report(run_to_draw(drawn))}", file=sys.stderr)
    return exit_code
