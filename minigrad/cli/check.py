"""`minigrad check`: build a config's model and try three batches."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from itertools import islice

from minigrad.cli.parser import add_classes, add_config, add_threads
from minigrad.cli.prepare import build_and_try, of_layer, plan_of, report_weights, warn_of_schedule
from minigrad.data import Examples
from minigrad.training import TrainingError
from minigrad.training.fine_tuning import parameter_table
from minigrad.training.memory import check_memory

EXAMPLES = (
    "minigrad check configs/digits_mlp.yaml",
    "minigrad check configs/digits_mlp.yaml 'model={MLP: {sizes: [64, 32, 10]}}'",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    add_threads(parser)
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print memory, layers, and metrics of three batches.

    There are two training steps and one validation batch. Nothing is written.
    """
    plan = plan_of(arguments)
    print(check_memory(plan))
    experiment, training, table = build_and_try(plan, arguments.threads)
    warn_of_schedule(training)
    report_weights(experiment)
    print(table)
    print(parameter_table(experiment.model, training.optimizer, experiment.start))
    try:
        for batches in islice(training.batches(), 2):
            training.train_step(batches)
        values = training.metrics.compute("train")
        val, first = experiment.data.val, slice(training.loader.batch_size)
        weights = None if val.weights is None else val.weights[first]
        values |= training.evaluate(Examples(*val.batch(first), weights), "val")
    except TrainingError as error:
        raise plan.error("optimizer", str(error)) from error
    except BaseException as error:
        if found := of_layer(plan, error):
            raise found from error
        raise
    shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
    print(f"two training steps and one validation batch:  {shown}")
    print(f"{training.steps:,} steps in all, {training.epoch_steps:,} per epoch; nothing was written")
    return 0
