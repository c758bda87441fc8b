"""`minigrad report`: write the HTML report of a run."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from minigrad.cli.parser import add_classes, add_overrides, add_run
from minigrad.cli.prepare import run_to_draw

EXAMPLES = (
    "minigrad report runs/digits_mlp/0001",
    "minigrad report runs/titanic/0001 data.path=moved/titanic.csv",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_run(parser)
    add_overrides(parser, "values that override the config of the run, such as data.path")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Write `report.html` into the run, and print its path."""
    from minigrad.plots.report import PARTIAL, save_report  # needs matplotlib

    made = save_report(run_to_draw(arguments))
    if made.name == PARTIAL:
        print(f"{made.with_name('report.html')} shows more, and is kept", file=sys.stderr)
    print(made)
    return 0
