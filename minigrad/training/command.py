"""The command line: from a config to a run directory, and an exit code that scripts can trust."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path

from minigrad.config import ConfigError, load_plan
from minigrad.data import DataError, Examples
from minigrad.training import catalogue
from minigrad.training.experiment import KINDS, Experiment, UsageError, build, known_classes
from minigrad.training.progress import Progress
from minigrad.training.resume import resume
from minigrad.training.run_directory import RunDirectory, json_line
from minigrad.training.signals import finish_on_signal
from minigrad.training.summary import summary
from minigrad.training.trainer import Training, TrainingError

DESCRIPTION = "Trains the model that a YAML file describes, and measures it."
EPILOG = """\
a config is a call: capitalised words are classes, lower-case words their arguments
  model: {Sequential: [Flatten, {Linear: [64, 10]}]}
  --list shows the classes, --describe NAME the arguments of one

overrides change single values after the file is read
  %(prog)s configs/digits_mlp.yaml optimizer.lr=1e-3 trainer.max_epochs=5
  %(prog)s configs/digits_mlp.yaml 'model={MLP: {sizes: [64, 32, 10]}}'

before a long run
  %(prog)s configs/mine.yaml --check          shapes, parameters, and three batches
  %(prog)s configs/mine.yaml --print-config   every value, also those left out

a run writes runs/<name>/<NNNN>/: config.yaml, run.json, metrics.jsonl, checkpoints/{last,best}.safetensors
  %(prog)s runs/digits_mlp/0001 --resume      go on with one that was killed or interrupted, to the same bits
its last line on stdout is the results as JSON; everything else for people goes to stderr

exit codes: 0 done, 1 failed while running, 2 wrong config or usage,
            130 and 143 interrupted by SIGINT or SIGTERM, with a checkpoint saved
"""


def main(argv: Sequence[str] | None = None, home: Path = Path()) -> int:
    """Runs the command line and returns its exit code.

    Args:
        argv: the arguments; left out, those of the process.
        home: the folder with `configs/` and with `models/`, whose classes a config may name.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = _parse(words, home)
    try:
        exit_code = _command(arguments, words, home)
        sys.stdout.flush()
        return exit_code
    except BrokenPipeError:  # whoever read the output has seen enough, as in `--list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted before the training began", file=sys.stderr)
        return 130
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        print(_message(error), file=sys.stderr)
        return 2 if isinstance(error, (ConfigError, UsageError, DataError)) else 1


def _parse(words: Sequence[str], home: Path) -> argparse.Namespace:
    """Returns the options, and as `overrides` the words with `=` that are no option, with or without `--` in front."""
    parser = argparse.ArgumentParser(
        prog="python train.py" if sys.argv[0].endswith("train.py") else "python -m minigrad",
        usage="%(prog)s [CONFIG] [KEY=VALUE ...] [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    default = home / "configs" / "digits_mlp.yaml"
    options = [
        parser.add_argument("config", nargs="?", metavar="CONFIG", default=default, help=f"default: {default}"),
        parser.add_argument("--check", action="store_true", help="build everything, try three batches, write nothing"),
        parser.add_argument("--print-config", action="store_true", help="print the config, defaults included, as YAML"),
        parser.add_argument("--list", nargs="?", const="all", metavar="KIND", choices=["all", *KINDS],
                            help=f"list the classes of a kind, or all: {', '.join(KINDS)}"),
        parser.add_argument("--describe", metavar="NAME", help="what a class is, and which arguments it takes"),
        parser.add_argument("--schema", action="store_true", help="print the JSON Schema of configs, for editors"),
        parser.add_argument("--import", action="append", default=[], dest="packages", metavar="PACKAGE",
                            help="make the classes of a package known; may be given again"),
        parser.add_argument("--resume", action="store_true", help="go on with a run, whose directory is CONFIG"),
        parser.add_argument("--allow-changes", action="store_true", help="resume also with a config that has changed"),
        parser.add_argument("--runs-dir", type=Path, default=Path("runs"), metavar="DIR", help="default: runs"),
        parser.add_argument("--debug", action="store_true", help="show the traceback of an error"),
    ]  # fmt: skip
    names = {name for option in options for name in option.option_strings}
    asking = {name for option in options if option.nargs is None for name in option.option_strings}
    kept: list[str] = []
    overrides: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        is_override = "=" in word and word.split("=")[0] not in names and before not in asking
        (overrides if is_override else kept).append(word)
    return parser.parse_args(kept, argparse.Namespace(overrides=overrides))


def _command(arguments: argparse.Namespace, words: Sequence[str], home: Path) -> int:
    registry = known_classes(home, arguments.packages)
    if arguments.list is not None:
        return _show(catalogue.listing(registry, arguments.list))
    if arguments.describe is not None:
        return _show(catalogue.description(registry, arguments.describe))
    if arguments.schema:
        return _show(catalogue.schema(registry))
    config = Path(arguments.config)
    if arguments.resume:
        config /= "config.yaml"
        if not config.is_file():
            raise UsageError(f"{arguments.config} is no run: --resume takes a directory as runs/digits_mlp/0001")
    plan = load_plan(config, Experiment, registry, arguments.overrides)
    if arguments.print_config:
        return _show(plan.to_yaml(origins=True).rstrip())
    experiment = build(plan)
    try:
        training = Training(experiment)
        table = summary(experiment.model, experiment.loss, *next(training.batches())[0])
    except (ValueError, TypeError, IndexError) as error:
        layer = getattr(error, "layer", None)
        place = "loss" if layer is experiment.loss else f"model.{getattr(error, 'layer_path', '')}"
        raise plan.error(place, str(error)) from error
    if arguments.check:
        return _check(training, table)
    if arguments.resume:
        directory = RunDirectory.open(config.parent)
        with directory.locked():
            resume(training, directory, plan, arguments.allow_changes)
            if other := directory.reopen(training.step, words):
                print(
                    f"the bits may differ: the run began with other {', '.join(other)}; see run.json", file=sys.stderr
                )
            return _train(training, directory)
    facts = {"arguments": list(words), "seed": experiment.seed}
    directory = RunDirectory.create(arguments.runs_dir, experiment.name, plan.to_yaml(), **facts)
    with directory.locked():
        return _train(training, directory)


def _show(text: str) -> int:
    print(text)
    return 0


def _train(training: Training, directory: RunDirectory) -> int:
    """Trains, prints the results, and notes in the run's directory how it ended."""
    print(f"run {directory.path}", file=sys.stderr)
    progress = Progress(training.steps)
    status, exit_code = "failed", 1
    try:
        with finish_on_signal(training.interrupt) as received:
            results = training.run(directory, progress)
        status = results["status"]
        exit_code = 128 + received[0] if status == "interrupted" else 0
    finally:
        progress.close()
        if status != "done" and training.saved_step is not None:
            print(f"saved up to step {training.saved_step}; {directory.path} --resume goes on", file=sys.stderr)
        with suppress(OSError) if status == "failed" else nullcontext():  # what went wrong first is to be told
            directory.close(status, exit_code, best=training.best_so_far())
    print(json_line({"run": str(directory.path), **results}))
    return exit_code


def _check(training: Training, table: str) -> int:
    """Prints the table of layers, then takes two training batches and one for validation."""
    print(table)
    for batches in islice(training.batches(), 2):
        training.train_step(batches)
    values = training.tally.compute("train")
    val = training.experiment.data.val
    values |= training.evaluate(Examples(*val.batch(slice(training.loader.batch_size))), "val")
    shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
    print(f"two training steps, one batch for validation:  {shown}")
    print(f"{training.steps:,} steps in all, {training.epoch_steps:,} in an epoch; nothing was written")
    return 0


def _message(error: Exception) -> str:
    """Returns what a person needs to know of the error that ended the command."""
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, (ValueError, TrainingError)):
        return f"error: {error}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: {error.filename}: {error.strerror}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"error: {place.filename}:{place.lineno}: {type(error).__name__}: {error} (--debug shows the traceback)"
