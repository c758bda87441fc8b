"""`minigrad sweep`: train many runs of one config.

The runs are a grid, a hyperparameter search, repeats with other seeds, or cross-validation folds.
"""

from __future__ import annotations

import os
import sys
import warnings
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minigrad.cli.parser import add_classes, add_config, add_runs_dir, add_threads, positive
from minigrad.cli.prepare import classes, config_path, ready
from minigrad.config import Plan, load_plan
from minigrad.data import Dataset
from minigrad.parallel import available_cores
from minigrad.runs.locks import can_lock
from minigrad.training.experiment import Experiment, UsageError
from minigrad.training.search.folder import SweepFolder
from minigrad.training.search.grid import Refusals, overrides_of, read_grid, repeats_of
from minigrad.training.search.member import Member, Program, names_of
from minigrad.training.search.results import save_table, table
from minigrad.training.search.space import Space, read_space
from minigrad.training.search.sweep import Grid, Work, run_members

Load = Callable[[Mapping[str, Any]], Plan]
"""Returns the checked config with some values overridden."""

EXAMPLES = (
    "minigrad sweep configs/xor.yaml --grid 'optimizer.lr=[1e-3, 1e-2]' --seeds 3",
    "minigrad sweep digits.yaml --search 'optimizer.lr=log(1e-5,0.1)' --trials 40",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser, help=SUPPRESS)
    parser.add_argument(
        "--grid", action="append", default=[], metavar="'KEY=[...]'", help="values to try, in every combination"
    )
    parser.add_argument(
        "--search", action="append", default=[], metavar="'KEY=...'",
        help="log(1e-5, 1e-1), uniform(0, 1), int(8, 256) or [...]",
    )  # fmt: skip
    parser.add_argument("--trials", type=positive, metavar="N", help="number of trials of a search")
    parser.add_argument("--prune", action="store_true", help="stop trials worse than the median")
    parser.add_argument("--storage", metavar="URL", help="shared Optuna storage: a database or a file")
    parser.add_argument("--seeds", type=positive, default=1, metavar="N", help="repeat each run with N seeds")
    parser.add_argument("--folds", type=positive, default=0, metavar="N", help="N-fold cross-validation")
    parser.add_argument("--name", help="name of the sweep, in sweeps/; default: that of the runs")
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="runs to train in parallel; default: 1")
    add_runs_dir(parser)
    add_threads(parser)
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Train the runs of a sweep and print their table.

    All configs are checked before the first run starts. Each run is a process; the table is sorted, best first.
    """
    _check_options(arguments)
    config = config_path(arguments.config, arguments.words)
    registry = classes(arguments)

    def load(point: Mapping[str, Any]) -> Plan:
        return load_plan(config, Experiment, registry, [*arguments.overrides, *overrides_of(dict(point))])

    base = load({})
    repeats = repeats_of(base["seed"], arguments.seeds, arguments.folds)
    spec: dict[str, Any] = {"config": base.to_yaml(), "repeats": repeats}
    prepare = _search if arguments.search else _grid
    work, folder = prepare(arguments, load, base, spec, _program(arguments, config))
    signal = max(arguments.ranks.allgather(run_members(work, arguments.jobs)))
    members = work.members
    if arguments.ranks.rank == 0:
        if (lock := folder.claim("table")) is not None:  # or another process of this sweep is just writing it
            save_table(members, folder.path / "table.csv")
            os.close(lock)
        print(table(members))
        print(f"saved in {folder.path}", file=sys.stderr)
    return 128 + signal if signal else int(any(member.status not in ("done", "pruned") for member in members))


def _check_options(arguments: Namespace) -> None:
    """Check that the options go together."""
    if not (arguments.grid or arguments.search or arguments.seeds > 1 or arguments.folds):
        raise UsageError(f"minigrad sweep needs --grid, --search, --seeds or --folds, as in: {EXAMPLES[0]}")
    if arguments.grid and arguments.search:
        raise UsageError("--grid and --search exclude each other: --search also takes a list of values")
    if arguments.search and arguments.trials is None:
        raise UsageError("--search needs --trials N, the number of runs to try")
    for name in ("trials", "prune", "storage"):
        if getattr(arguments, name) and not arguments.search:
            raise UsageError(f"--{name} needs --search 'KEY=...'")
    if arguments.folds == 1:
        raise UsageError("--folds 1 leaves nothing to train on: use 2 or more")
    if arguments.prune and (arguments.seeds > 1 or arguments.folds):
        raise UsageError("--prune compares single runs, not the means of --seeds and --folds: leave one out")
    keys = {text.partition("=")[0].strip() for text in [*arguments.grid, *arguments.search, *arguments.overrides]}
    if arguments.seeds > 1 and "seed" in {text.partition("=")[0] for text in [*arguments.grid, *arguments.search]}:
        raise UsageError("--seeds and a list for seed set the same values: leave one out")
    if arguments.folds and "fold" in keys:
        raise UsageError("--folds and fold=[i, k] set the same value: leave one out")
    if arguments.name is not None and (Path(arguments.name).name != arguments.name or arguments.name.startswith(".")):
        raise UsageError(f"--name {arguments.name!r} cannot name a folder: use letters, digits, '_' and '-'")
    if arguments.ranks.size > 1 and not can_lock():
        raise UsageError("ranks share a sweep by file locks, which this system does not have: start it on one rank")


def _grid(
    arguments: Namespace, load: Load, base: Plan, spec: dict[str, Any], program: Program
) -> tuple[Work, SweepFolder]:
    """Returns the members of a grid, whose experiments can begin, and its folder."""
    points = read_grid(arguments.grid)
    repeats = spec["repeats"]
    check, refusals = _Check(load, repeats[0]), Refusals("--grid", arguments.grid)
    for point in points:
        refusals.try_member(point, check)
    refusals.check()
    folder = _folder(arguments, base, {**spec, "points": points})
    members = [
        Member(point, folder.stem(name), program, repeat)
        for number, point in enumerate(points, 1)
        for name, repeat in zip(names_of(number, len(repeats)), repeats, strict=True)
    ]
    return Grid(members, folder), folder


def _search(
    arguments: Namespace, load: Load, base: Plan, spec: dict[str, Any], program: Program
) -> tuple[Work, SweepFolder]:
    """Returns the trials of a search, whose experiments can begin at the ends of all ranges, and its folder."""
    try:
        from minigrad.training.search.searching import Search
        from minigrad.training.search.study import open_study, without_password
    except ModuleNotFoundError as error:
        raise UsageError(f"--search needs {error.name}: pip install {error.name}") from error

    repeats = spec["repeats"]
    check = _Check(load, repeats[0])
    space = Space(read_space(arguments.search), arguments.search, load, check)
    experiment = check({})
    settings = experiment.trainer.checkpoint
    mode = settings.mode or experiment.measured[settings.monitor]
    spec |= {"search": sorted(arguments.search), "prune": arguments.prune}
    if arguments.storage:
        storage, name = arguments.storage, arguments.name or base["name"]
        study = open_study(storage, name, spec, mode, arguments.prune)
        folder = _folder(arguments, base, {**spec, "storage": without_password(storage)})
    else:
        folder = _folder(arguments, base, {**spec, "storage": None})
        storage = str(folder.path / "search.journal")
        study = open_study(storage, folder.path.name, spec, mode, arguments.prune)
    prune = settings.monitor if arguments.prune else ""
    work = Search(study, storage, space, folder, program, repeats, arguments.trials, base["seed"], prune)
    return work, folder


class _Check:
    """Tries the first batch of a member, without an update, as its training would; data that is the same is read once.

    Args:
        load: returns the checked config of a point.
        repeat: the seed and fold with which it is tried.
    """

    def __init__(self, load: Load, repeat: Mapping[str, Any]) -> None:
        self._load, self._repeat = load, repeat
        self._data: dict[str, Dataset] = {}

    def __call__(self, point: Mapping[str, Any]) -> Experiment:
        """Returns the experiment of a member.

        Raises:
            ConfigError: if it cannot begin.
        """
        plan = self._load({**point, **self._repeat})
        text = plan.to_yaml()
        data = text[text.index("\ndata:") : text.index("\nmodel:")]
        key = text if "${" in data else data  # what refers to a part of the model is of that model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # each member says them in its log
            experiment, _, _ = ready(plan, data=self._data.get(key))
        self._data[key] = experiment.data
        return experiment


def _folder(arguments: Namespace, base: Plan, spec: Mapping[str, Any]) -> SweepFolder:
    """Return the folder of a sweep, next to the runs; the same on all ranks."""
    root = arguments.runs_dir.parent / "sweeps"
    folder = None
    if arguments.ranks.rank == 0:
        name = arguments.name or base["name"]
        is_named = arguments.name is not None or arguments.storage is not None
        folder = SweepFolder.open(root, name, spec, is_named)
        resumed = "" if folder.is_new else " (resumed)"
        print(f"sweep {folder.path}{resumed}", file=sys.stderr)
    path = arguments.ranks.broadcast(folder.path if folder else None)
    return folder or SweepFolder(path)


def _program(arguments: Namespace, config: Path) -> Program:
    """Return the command lines of the members."""
    threads = arguments.threads or max(1, available_cores() // arguments.jobs)
    options = [f"--threads={threads}", *(f"--import={package}" for package in arguments.packages)]
    start = [sys.executable, "-m", "minigrad.cli.member"]
    quiet = "trainer.blas_threads=1"  # BLAS threads of several processes would compete for cores
    train = [f"--runs-dir={arguments.runs_dir}", str(config), quiet, *arguments.overrides]
    return Program([*start, "train", *options, *train], [*start, "resume", *options])
