"""The command line: from a config to a run directory, and an exit code that scripts can trust."""

from __future__ import annotations

import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.config import ConfigError, Plan, Registry, load_plan
from minigrad.data import DataError, Examples
from minigrad.engine import CompileError, Tensor, no_grad
from minigrad.parallel import LaunchError, RankError, Ranks, available_cores, launched
from minigrad.training import catalogue, sweep
from minigrad.training.agreement import facts_of
from minigrad.training.arguments import SAMPLING, parse
from minigrad.training.division import DivisionError
from minigrad.training.experiment import Experiment, UsageError, build, known_classes, schedule_warning
from minigrad.training.find_lr import find_lr
from minigrad.training.generation import cropped, generate
from minigrad.training.memory import check_memory
from minigrad.training.outcome import evaluate, lines, open_run, predict
from minigrad.training.progress import Progress, silent_if_closed
from minigrad.training.resume import resume
from minigrad.training.run_directory import RunDirectory, json_line
from minigrad.training.signals import finish_on_signal
from minigrad.training.summary import summary
from minigrad.training.trainer import Training, TrainingError


def main(argv: Sequence[str] | None = None, home: Path = Path()) -> int:
    """Runs the command line and returns its exit code.

    Args:
        argv: the arguments; left out, those of the process.
        home: the folder with `configs/` and with `models/`, whose classes a config may name.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        ranks = launched()
    except LaunchError as error:
        if error.rank == 0:
            print(f"error: {error}", file=sys.stderr)
        return 2
    with ranks:
        arguments = parse(words, home)
        if ranks.rank and not arguments.trains:  # rank 0 can do the rest alone
            return 0
        together = ranks if arguments.trains else Ranks()
        try:
            if arguments.sweep and ranks.size > 1:
                raise UsageError("the runs of a --sweep are processes of their own: start it without a launcher of MPI")
            exit_code = _command(arguments, words, home, together)
            sys.stdout.flush()
            return exit_code
        except BrokenPipeError:  # whoever read the output has seen enough, as in `--list | head`
            with silent_if_closed(sys.stdout):
                sys.stdout.flush()
            return 0
        except KeyboardInterrupt:
            return together.fail("interrupted before the training began", 130)
        except Exception as error:
            details = traceback.format_exc() if arguments.debug else ""
            refused = isinstance(error, (ConfigError, UsageError, DataError, LaunchError))
            return together.fail(details + _message(error), 2 if refused else 1)


def _command(arguments: Namespace, words: Sequence[str], home: Path, ranks: Ranks) -> int:
    registry = known_classes(home, arguments.packages)
    if arguments.list is not None:
        return _show(catalogue.listing(registry, arguments.list))
    if arguments.describe is not None:
        return _show(catalogue.description(registry, arguments.describe))
    if arguments.schema:
        return _show(catalogue.schema(registry))
    if arguments.test or arguments.predict is not None:
        return _use_run(arguments, registry)
    if arguments.generate is not None:
        return _write(arguments, registry)
    if arguments.attention is not None:
        return _draw_attention(arguments, registry)
    if arguments.plot or arguments.report:
        return _draw(arguments, registry)
    config = _config(arguments)
    if arguments.sweep:
        return _sweep(arguments, config, registry, home)
    plan = load_plan(config, Experiment, registry, arguments.overrides)
    if arguments.print_config:
        return _show(plan.to_yaml(origins=True).rstrip())
    if arguments.check:
        print(check_memory(plan))
    training, table = _ready(plan, arguments.threads, ranks)
    if arguments.summary:
        return _show(table)
    if warning := schedule_warning(training):
        print(f"warning: {warning}", file=sys.stderr)
    if arguments.check:
        return _check(training, table)
    if arguments.find_lr:
        return _show(find_lr(training.experiment).table())
    if ranks.size > 1:
        ranks.agree(facts_of(plan, training.experiment, home))
    if arguments.resume:
        directory = RunDirectory.open(config.parent)
        if ranks.rank:
            resume(training, directory, plan, arguments.allow_changes)
            return _train(training, None)
        with directory.locked():
            resume(training, directory, plan, arguments.allow_changes)
            if other := directory.reopen(training.step, words, data_digest=training.experiment.data.digest):
                print(
                    f"the bits may differ: the run began with other {', '.join(other)}; see run.json", file=sys.stderr
                )
            return _train(training, directory)
    if ranks.rank:
        return _train(training, None)
    experiment = training.experiment
    facts = {"arguments": list(words), "seed": experiment.seed, "data_digest": experiment.data.digest}
    try:
        directory = RunDirectory.create(arguments.runs_dir, experiment.name, plan.to_yaml(), **facts)
    except OSError as error:
        reason = f"{error.strerror}; --runs-dir DIR puts runs elsewhere"
        raise OSError(error.errno, reason, error.filename) from error
    with directory.locked():
        return _train(training, directory)


def _ready(plan: Plan, threads: int | None, ranks: Ranks) -> tuple[Training, str]:
    """Builds what a plan says, and sends a first batch through it, which may show that the parts do not fit together.

    What the plan left to the sizes of the work, it then says.

    Returns the training and the table of layers. Raises: ConfigError with the place of what does not fit.
    """
    experiment = build(plan)
    try:
        training = Training(experiment, threads, ranks)
        training.record()
        inputs, targets = next(training.batches())[0][:]
        table = summary(experiment.model, inputs)
    except CompileError as error:
        raise plan.error("trainer.compile", str(error), "leave it out") from error
    except LaunchError as error:
        raise plan.error("trainer.shards", str(error)) from error
    except DivisionError as error:
        raise plan.error(error.path, str(error)) from error
    except (ValueError, TypeError, IndexError) as error:
        raise plan.error(f"model.{getattr(error, 'layer_path', '')}", str(error)) from error
    plan.settle("trainer.shards", training.shards.count)
    plan.settle("trainer.blas_threads", training.blas_threads)
    with no_grad(), np.errstate(all="ignore"):
        outputs = experiment.model.eval()(Tensor(inputs)).data
        try:
            loss = experiment.loss(Tensor(outputs), Tensor(targets))
        except (ValueError, TypeError, IndexError) as error:
            raise plan.error("loss", str(error)) from error
    if loss.shape != ():
        name = type(experiment.loss).__name__
        raise plan.error("loss", f"{name} gave a loss of shape {loss.shape}: training needs one number")
    for i, metric in enumerate(experiment.metrics):
        try:
            metric.update(outputs, targets)
        except (ValueError, TypeError, IndexError) as error:
            raise plan.error(f"metrics.{i}", f"{type(metric).__name__}: {error}") from error
    experiment.model.train()
    training.tally.reset()
    return training, table


def _show(text: str) -> int:
    print(text)
    return 0


def _config(arguments: Namespace) -> Path:
    """Returns the file of the config. Raises: UsageError for a run where none belongs, and where one does, for none."""
    path: Path = arguments.config
    reads = arguments.print_config or arguments.summary or arguments.check or arguments.find_lr or arguments.sweep
    if not (path.is_dir() or arguments.resume):
        return path
    if not (path / "config.yaml").is_file():
        raise UsageError(
            f"{path} is no run: expected a directory as runs/digits_mlp/0001, or a config as configs/xor.yaml"
        )
    if not (reads or arguments.resume):
        raise UsageError(f"{path} is a run: --resume goes on with it, --test, --predict FILE, --plot and --report use "
                         f"what came out, and {path / 'config.yaml'} is the config that runs it again")  # fmt: skip
    return path / "config.yaml"


def _use_run(arguments: Namespace, registry: Registry) -> int:
    """Prints what the best weights of a run say of new inputs, and what they are worth on its test part."""
    experiment, step = open_run(arguments.config, registry, arguments.overrides)
    if arguments.predict is not None:
        records = predict(experiment, experiment.data.read_inputs(arguments.predict))
        for line in lines(records, arguments.format or "jsonl"):
            print(line)
    if arguments.test:
        print(json_line({"run": str(arguments.config), "best_step": step, **evaluate(experiment)}))
    return 0


def _draw(arguments: Namespace, registry: Registry) -> int:
    """Draws the pictures of a run, or its page, and prints where they are."""
    from minigrad.plots import Run, save_pictures, save_report  # which need matplotlib

    run = Run(arguments.config, arguments.overrides, registry)
    if run.missing:
        print(f"without a model to look into: {run.missing}", file=sys.stderr)
    if not run.records:
        print("nothing was recorded yet, so that there are no curves", file=sys.stderr)
    paths = save_pictures(run, svg=arguments.plot == "svg") if arguments.plot else []
    for path in [*paths, save_report(run)] if arguments.report else paths:
        print(path)
    return 0


def _write(arguments: Namespace, registry: Registry) -> int:
    """Prints what the model of a run writes behind a prompt, as it comes."""
    experiment, _ = open_run(arguments.config, registry, arguments.overrides)
    said = {name: getattr(arguments, name) for name in SAMPLING if getattr(arguments, name) is not None}
    text = generate(experiment, arguments.generate, **said)
    if note := cropped(experiment, arguments.generate):
        print(note, file=sys.stderr)
    print(arguments.generate, end="", flush=True)
    for piece in text:
        print(piece, end="", flush=True)
    print()
    return 0


def _draw_attention(arguments: Namespace, registry: Registry) -> int:
    """Draws what the heads of a run's model look at, and prints where the picture is."""
    from minigrad.plots import attention  # which needs matplotlib

    experiment, _ = open_run(arguments.config, registry, arguments.overrides)
    picture = attention(experiment, arguments.attention)
    folder = arguments.config / "plots"
    folder.mkdir(exist_ok=True)
    print(picture.save(folder))
    return 0


def _sweep(arguments: Namespace, config: Path, registry: Registry, home: Path) -> int:
    """Checks the config of every member, runs them, and prints their table."""
    grid = sweep.read_grid(arguments.sweep)
    for point in grid:
        load_plan(config, Experiment, registry, [*arguments.overrides, *sweep.overrides_of(point)])
    jobs = arguments.jobs or 1
    threads = arguments.threads or max(1, available_cores() // jobs)
    more = [
        "--runs-dir",
        str(arguments.runs_dir),
        f"--threads={threads}",
        *(f"--import={package}" for package in arguments.packages),
    ]
    quiet = "trainer.blas_threads=1"  # those of several processes would spin for a core
    members = [
        sweep.Member(point, [str(config), quiet, *arguments.overrides, *sweep.overrides_of(point), *more], home)
        for point in grid
    ]
    exit_code = sweep.run_members(members, jobs)
    print(sweep.table(members))
    return exit_code


def _train(training: Training, directory: RunDirectory | None) -> int:
    """Trains, prints the results, and notes in the run's directory how it ended; of several ranks, one has that."""
    if directory is None:
        with finish_on_signal(training.interrupt) as received:
            return _exit_code(training, training.run()["status"], received)
    print(f"run {directory.path}", file=sys.stderr)
    step_size = training.loader.batch_size * training.settings.accumulate
    progress = Progress(training.steps, done=training.step, step_size=step_size)
    status, exit_code = "failed", 1
    results: dict[str, Any] = {}
    try:
        with finish_on_signal(training.interrupt) as received:
            results = training.run(directory, progress)
            exit_code = _exit_code(training, results["status"], received)
        status = results["status"]
    finally:
        progress.close()
        if status != "done" and training.saved_step is not None:
            print(f"saved up to step {training.saved_step}; {directory.path} --resume goes on", file=sys.stderr)
        with suppress(OSError) if status == "failed" else nullcontext():  # what went wrong first is to be told
            directory.close(status, exit_code, best=training.best_so_far(), results=results)
    print(json_line({"run": str(directory.path), **results}))
    return exit_code


def _exit_code(training: Training, status: str, received: Sequence[int]) -> int:
    """Returns what the command says of a run that ended, where any rank may have received the signal that ended it."""
    numbers = training.ranks.allgather(received[0] if received else 0)
    return 128 + max(numbers) if status == "interrupted" else 0


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
    if isinstance(error, (ValueError, TrainingError, RankError, ModuleNotFoundError)):
        return f"error: {error}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: {error.filename}: {error.strerror}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"error: {place.filename}:{place.lineno}: {type(error).__name__}: {error} (--debug shows the traceback)"
