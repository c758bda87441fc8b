"""`minigrad profile`: measure time and memory of training steps."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from itertools import islice
from pathlib import Path

import numpy as np

from minigrad.cli.parser import add_classes, add_config, positive
from minigrad.cli.prepare import build_and_try, plan_of
from minigrad.formats.atomic import write_durably
from minigrad.observers.profile import profile
from minigrad.parallel import blas_threads
from minigrad.training import TrainingError, UsageError

EXAMPLES = (
    "minigrad profile configs/digits_mlp.yaml",
    "minigrad profile configs/mnist_cnn.yaml --steps 5 --svg flame.svg",
)

WARM = 2
"""Warm-up steps, which are not measured because the first steps of a process are slow."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument("--steps", type=positive, default=20, metavar="N", help="steps to measure; default: 20")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw a flame chart")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="write a trace for Perfetto and Chrome, as JSON")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print times and memory by layer and by operation.

    The steps run on one thread and are not replayed.
    """
    for path in filter(None, (arguments.svg, arguments.trace)):
        if path.is_dir() or not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: name a file in an existing folder")
    plan = plan_of(arguments)
    experiment, training, _ = build_and_try(plan, threads=1)
    batches = training.batches()
    try:
        with blas_threads(training.blas_threads), np.errstate(all="ignore"):
            for step in islice(batches, WARM):
                training.train_step(step)
            with profile() as found:
                for step in islice(batches, arguments.steps):
                    training.train_step(step)
            print(found.table(arguments.steps))
    except TrainingError as error:
        raise plan.error("optimizer", str(error)) from error
    how = [f"{training.shards.count} shards in sequence"] if training.shards.count > 1 else []
    how += ["operations called one by one, while a run replays them"] if experiment.trainer.compile else []
    if how:
        print(f"measured with {' and '.join(how)}")
    for path, content in ((arguments.svg, found.svg), (arguments.trace, found.trace)):
        if path is not None:
            write_durably(path, content().encode())
            print(path)
    return 0
