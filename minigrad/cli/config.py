"""`minigrad config`: print the resolved config, or its layers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minigrad.cli.parser import add_classes, add_config
from minigrad.cli.prepare import build_and_try, plan_of

EXAMPLES = (
    "minigrad config configs/digits_mlp.yaml",
    "minigrad config configs/digits_mlp.yaml --layers",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument("--layers", action="store_true", help="print the layers, their output shapes and parameters")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print the resolved config as YAML, or its layers."""
    plan = plan_of(arguments)
    print(build_and_try(plan)[-1] if arguments.layers else plan.to_yaml(origins=True).rstrip())
    return 0
