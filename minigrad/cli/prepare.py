"""Steps that commands share: find a config or run."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.config import ConfigError, Plan, Registry, load_plan
from minigrad.config.shipped import shipped_folder
from minigrad.data import DataError, Dataset
from minigrad.data.files import find
from minigrad.engine import CompileError, Tensor
from minigrad.inputs import call
from minigrad.nn.loss import BalanceError
from minigrad.nn.summary import summary
from minigrad.parallel import LaunchError, Ranks
from minigrad.paths import no_file
from minigrad.places import defined_at, described
from minigrad.suggest import nearest
from minigrad.training.experiment import Experiment, UsageError, build, known_classes, schedule_warning, settle
from minigrad.training.sharding import ShardingError
from minigrad.training.step import NOTHING_LEARNS, Part, loss_of, part_of
from minigrad.training.trainer import Training

if TYPE_CHECKING:
    from minigrad.inference.pretrained import Writer
    from minigrad.plots import Run

DEFAULT = Path("configs") / "digits_mlp.yaml"
"""The default config of a clone."""


_MISFITS = (ValueError, TypeError, IndexError, NotImplementedError)
"""Exceptions raised by parts that do not fit together."""


def classes(arguments: Namespace, run: Path | None = None) -> Registry:
    """Return the classes that a config may name.

    They come from `models/` in the current folder, the packages of `--import`, and, with `--trust`, the run's code.
    """
    return known_classes(Path(), arguments.packages, run, run is not None and arguments.trust)


def plan_of(arguments: Namespace) -> Plan:
    """Return the checked config of a command.

    Raises:
        UsageError: for a run or a missing file.
        ConfigError: for a config with errors.
    """
    return load_plan(
        config_path(arguments.config, arguments.words), Experiment, classes(arguments), arguments.overrides
    )


def config_path(path: Path | None, words: list[str]) -> Path:
    """Return the path of a config, perhaps a shipped one.

    Args:
        path: the user's path; None for the only config in this folder, or else the default config of the clone.
        words: the command line, for the remedy.

    Raises:
        UsageError: for a run, and for a file that does not exist, with the nearest one.
    """
    if path is None:
        path = _default()
        print(f"config {path}", file=sys.stderr)
        return path
    if path.is_file():
        return path
    command = words[0]
    if (path / "config.yaml").is_file():
        remedy = f"minigrad {command} {path / 'config.yaml'}"
        if command == "train":
            remedy = f"minigrad resume {path} continues it, {remedy} trains its config again"
        raise UsageError(f"{path} is a run, expected a config: {remedy}")
    ours = shipped_folder("configs").parent / path
    if not path.is_absolute() and ours.is_file():
        print(f"config {ours}", file=sys.stderr)
        return ours
    if found := no_file(path):
        near = _did_you_mean(path, _in(path)) if path.is_dir() else ""
        raise UsageError(f"{path} is {found}, expected a config{near}")
    there = [*_in(path.parent), *_in(Path()), *_in(Path("configs"))]
    names = [Path("configs") / each.name for each in _in(shipped_folder("configs"))]
    raise UsageError(f"there is no file {path}{_did_you_mean(path, [*there, *names])}")


def run_path(path: Path, words: list[str]) -> Path:
    """Return the folder of a run.

    Raises:
        UsageError: for anything else, with the nearest run.
    """
    if (path / "config.yaml").is_file():
        return path
    command = words[0]
    if path.name == "config.yaml" and path.is_file():
        raise UsageError(f"{path} is the config of a run, expected the run: minigrad {command} {path.parent}")
    if path.suffix in (".yaml", ".yml"):
        newest = _newest(Path("runs"))
        remedy = f", such as {newest}" if newest else f"; minigrad train {path} creates one"
        raise UsageError(f"{path} is a config, and minigrad {command} needs a run{remedy}")
    found = path if path.is_dir() else path.parent
    if newest := _newest(found) or _newest(Path("runs")):
        raise UsageError(f"{path} is not a run: it has no config.yaml; did you mean {newest}?")
    raise UsageError(f"{path} is not a run: it has no config.yaml; minigrad train creates runs in runs/<name>/<NNNN>")


def pretrained_path(arguments: Namespace) -> Path | None:
    """Return a pretrained model's path, or None for a run.

    A relative path is searched like data: also in `$MINIGRAD_DATA`.

    Raises:
        UsageError: for a file inside such a folder, or with `--trust`.
    """
    path: Path = arguments.model
    with suppress(DataError):  # a missing run is reported below
        path = find(path)
    if path.name in ("config.json", "model.safetensors", "tokenizer.json"):
        raise UsageError(f"{path} is part of a model: name its folder, {path.parent}")
    is_others = (path / "config.json").is_file() if path.is_dir() else path.is_file()
    if not is_others or (path / "config.yaml").exists() or path.suffix in (".yaml", ".yml"):
        return None
    if arguments.trust:
        raise UsageError(f"--trust is for runs: {path} has no code")
    return path


def open_pretrained_writer(path: Path, arguments: Namespace) -> Writer:
    """Open a pretrained model of another library.

    Raises:
        UsageError: for a file that does not exist, and as for `open_writer`.
    """
    from minigrad.inference.pretrained import open_writer  # training does not need it

    try:
        return open_writer(path, classes(arguments))
    except OSError as error:
        raise UsageError(f"{error.filename or path}: {error.strerror}") from error


def run_to_draw(arguments: Namespace) -> Run:
    """Return the run of a command, with its model's predictions.

    Missing parts are reported on standard error.
    """
    from minigrad.plots import Run  # needs matplotlib

    path = run_path(arguments.run, arguments.words)
    run = Run(path, arguments.overrides, classes(arguments, path))
    if run.missing:
        print(run.missing, file=sys.stderr)
    if not run.records:
        print("no metrics recorded yet: there are no curves", file=sys.stderr)
    return run


def build_and_try(
    plan: Plan,
    threads: int | None = None,
    ranks: Ranks | None = None,
    reads_weights: bool = True,
    data: Dataset | None = None,
) -> tuple[Experiment, Training, str]:
    """Build a plan and run a first batch.

    The batch shows early whether the parts fit together. Settings that depend on sizes are then written into the plan.

    Args:
        plan: the config.
        threads: number of shards computed in parallel.
        ranks: the processes that train together.
        reads_weights: as for `build`.
        data: as for `build`.

    Returns:
        The experiment, its training and the table of layers.

    Raises:
        ConfigError: if parts do not fit together, with the place.
    """
    experiment = build(plan, data, reads_weights=reads_weights)
    try:
        training = Training(experiment, threads, ranks)
        training.one_step.record(experiment.data.train, training.loader.batch_size)
        part = part_of(experiment.loss, next(training.batches())[0], slice(None))
        table = summary(experiment.model, part.inputs)
    except CompileError as error:
        raise plan.error("trainer.compile", str(error), "leave it out") from error
    except LaunchError as error:
        raise plan.error("trainer.shards", str(error)) from error
    except BalanceError as error:
        raise plan.error("loss", str(error), "leave out 'balanced'") from error
    except ShardingError as error:
        raise plan.error(error.path, str(error)) from error
    except BaseException as error:
        if located := of_layer(plan, error):
            raise located from error
        raise
    settle(plan, training)
    with np.errstate(all="ignore"):
        result = call(experiment.model.eval(), part.inputs)
        outputs = result.data
        if faults := training.preflight.faults(outputs.shape):
            raise plan.errors(faults)
        if part.counted:
            _check_loss(plan, experiment, result, part)
    for i, metric in enumerate(experiment.metrics):
        try:
            training.metrics.update(metric, outputs, part.targets)
        except BaseException as error:
            if found := described(error, _MISFITS):
                raise plan.error(f"metrics.{i}", f"{type(metric).__name__}: {found[0]}", found[1]) from error
            raise
    experiment.model.train()
    training.metrics.reset()
    return experiment, training, table


def of_layer(plan: Plan, error: BaseException) -> ConfigError | None:
    """Return a model's error as a ConfigError at its layer.

    The result is None for an error of another kind. For a user's class, the error names the line of the class.
    """
    found = described(error, _MISFITS)
    return plan.error(f"model.{getattr(error, 'layer_path', '')}", *found) if found else None


def _check_loss(plan: Plan, experiment: Experiment, result: Tensor, part: Part) -> None:
    """Check that the loss of a batch is one number that depends on a parameter."""
    try:
        weights = None if part.weights is None else Tensor(part.weights)
        loss: Any = loss_of(experiment.loss, result, Tensor(part.targets), weights)
    except BaseException as error:
        if found := described(error, _MISFITS):
            raise plan.error("loss", *found) from error
        raise
    if not isinstance(loss, Tensor):
        kind, forward = type(experiment.loss), type(experiment.loss).forward
        message = f"{kind.__name__}{defined_at(forward)} gave {loss!r:.60}: a loss is a tensor of one number"
        raise plan.error("loss", message)
    if loss.shape != ():
        name = type(experiment.loss).__name__
        raise plan.error("loss", f"{name} gave a loss of shape {loss.shape}: training needs one number")
    if not loss.requires_grad:
        raise plan.error("model", NOTHING_LEARNS)


def report_weights(experiment: Experiment) -> None:
    """Print which weights were loaded, and which are random."""
    if loaded := experiment.start.loaded:
        print(f"weights: {loaded}", file=sys.stderr)
        whole = [name for name, p in experiment.model.named_parameters() if name in loaded.anew and p.requires_grad]
        if whole and experiment.adapters is not None:
            print(f"trained without adapters, and saved with them: {', '.join(whole)}", file=sys.stderr)


def warn_of_schedule(training: Training) -> None:
    """Warn if the schedule's length does not match the run's."""
    if warning := schedule_warning(training):
        print(f"warning: {warning}", file=sys.stderr)


def _default() -> Path:
    """Return the default config: the only one in this folder, or the clone's."""
    here = [path for path in _in(Path()) if _is_config(path)]
    if len(here) == 1:
        return here[0]
    if here:
        raise UsageError(f"several configs are here, name one: {', '.join(map(str, here))}")
    if DEFAULT.is_file():
        return DEFAULT
    clone = shipped_folder("configs").parent
    if (clone / "train.py").is_file():
        return clone / DEFAULT
    raise UsageError("there is no config in this folder: minigrad new digits creates one")


def _is_config(path: Path) -> bool:
    """Whether a YAML file has a key that every config has: `model` or `base`."""
    try:
        return re.search("^(model|base):", path.read_text(encoding="utf-8"), re.MULTILINE) is not None
    except (OSError, ValueError):
        return False


def _in(folder: Path) -> list[Path]:
    """Return the YAML files in a folder."""
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def _did_you_mean(path: Path, found: list[Path]) -> str:
    """Return the end of the message for a missing file: the nearest file, or some that exist."""
    by_stem = {each.stem: each for each in reversed(found)}
    if near := by_stem.get(path.name) or by_stem.get(nearest(path.stem, by_stem) or ""):
        return f"; did you mean {near}?"
    if found:
        return f"; there are {', '.join(map(str, list(dict.fromkeys(found))[:6]))}"
    return "; minigrad new digits creates a config"


def _newest(folder: Path) -> Path | None:
    """Return the newest run in a folder or its subfolders, if any."""
    runs = [path.parent for pattern in ("*/config.yaml", "*/*/config.yaml") for path in folder.glob(pattern)]
    runs = [run for run in runs if (run / "run.json").is_file()]
    return max(runs, key=lambda run: (run / "run.json").stat().st_mtime, default=None)
