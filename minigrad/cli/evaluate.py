"""`minigrad evaluate`: evaluate the best weights of a run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minigrad.cli.parser import add_classes, add_overrides, add_run
from minigrad.cli.prepare import classes, run_path
from minigrad.inference.load import open_run
from minigrad.inference.predict import evaluate
from minigrad.runs.directory import json_line

EXAMPLES = (
    "minigrad evaluate runs/digits_mlp/0001",
    "minigrad evaluate runs/titanic/0001 data.path=moved/titanic.csv",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_run(parser)
    add_overrides(parser, "values that override the config of the run, such as data.path")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print the test loss and metrics as one JSON line."""
    path = run_path(arguments.run, arguments.words)
    experiment, step = open_run(path, classes(arguments, path), arguments.overrides, measures=True)
    print(json_line({"run": str(path), "best_step": step, **evaluate(experiment)}))
    return 0
