"""`minigrad schema`: print the JSON Schema of configs."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from minigrad.cli.parser import add_classes
from minigrad.cli.prepare import classes
from minigrad.config import json_schema
from minigrad.training.experiment import Experiment

EXAMPLES = (
    "minigrad schema > configs/minigrad.schema.json",
    "minigrad schema --import my_package > my.schema.json",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print the JSON Schema, which editors use for completion."""
    print(json.dumps(json_schema(Experiment, classes(arguments)), indent=1))  # ASCII: the same on every terminal
    return 0
