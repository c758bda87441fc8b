"""`minigrad predict`: predict from files with a run's best weights."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import get_args

from minigrad.cli.parser import add_classes, add_overrides, add_run
from minigrad.cli.prepare import classes, run_path
from minigrad.data.text import Text
from minigrad.inference.load import open_run
from minigrad.inference.predict import Format, lines, predict
from minigrad.inference.sources import read_sources
from minigrad.training.experiment import UsageError

EXAMPLES = (
    "minigrad predict runs/digits_mlp/0001 five.png",
    "minigrad predict runs/titanic/0001 passengers.csv --format csv",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_run(parser)
    what = "tables, arrays, images or texts, as in the run's data; folders, '*.png', - for standard input"
    parser.add_argument("files", metavar="FILE", nargs="+", help=what)
    add_overrides(parser, "values that override the config of the run")
    parser.add_argument("--format", choices=get_args(Format), default="jsonl", help="output format; default: jsonl")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print one line per input: class and probabilities, or values."""
    path = run_path(arguments.run, arguments.words)
    experiment, _ = open_run(path, classes(arguments, path), arguments.overrides)
    if isinstance(experiment.data, Text):
        raise UsageError(f"{path} is a language model: minigrad generate {path} TEXT continues a text")
    inputs, names = read_sources(experiment.data, arguments.files)  # all inputs before the first prediction
    records = predict(experiment, inputs)
    if len(set(names)) > 1:
        records = ({"file": name, **record} for name, record in zip(names, records, strict=True))
    for line in lines(records, arguments.format):
        print(line)
    return 0
