"""`minigrad find-lr`: try increasing learning rates and suggest one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minigrad.cli.parser import add_classes, add_config, add_threads
from minigrad.cli.prepare import build_and_try, plan_of
from minigrad.training.lr_finder import find_lr

EXAMPLES = (
    "minigrad find-lr configs/digits_mlp.yaml",
    "minigrad find-lr configs/digits_mlp.yaml optimizer=SGD",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    add_threads(parser)
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print the loss at each learning rate, and a suggestion.

    Nothing is written.
    """
    experiment, _, _ = build_and_try(plan_of(arguments), arguments.threads)
    print(find_lr(experiment).table())
    return 0
