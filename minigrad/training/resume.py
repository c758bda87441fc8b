"""Resuming a run from its last checkpoint, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.config import ConfigError, Plan, Registry, parse_plan
from minigrad.config.code import code_of
from minigrad.config.diagnostics import Diagnostics, Source
from minigrad.config.nodes import data
from minigrad.config.reader import read
from minigrad.facts import ANYTHING, COUNT, MEASURED, TEXT, by_name, or_none, require
from minigrad.paths import real
from minigrad.runs.checkpoint import CheckpointError
from minigrad.runs.directory import RunDirectory
from minigrad.runs.state import check_like
from minigrad.training.experiment import Experiment
from minigrad.training.fingerprint import changed_sources
from minigrad.training.trainer import Training

LENGTHS = ("trainer.max_epochs", "trainer.max_steps")
"""Settings that may change without `allow_changes`, unless the run gets shorter."""

COUNTS = dict.fromkeys(("step", "steps", "skipped"), COUNT) | {"lr": MEASURED}
MONITORED = {
    "monitor": TEXT,
    "mode": TEXT,
    "value": or_none(MEASURED),
    "step": COUNT,
    "since": COUNT,
    "values": by_name(MEASURED),
    "data": by_name(ANYTHING),
    "known": by_name(ANYTHING),
}
"""The keys in the states of best weights and early stopping."""

LONGEST = 60
"""Characters of a value that are shown in an error."""


def resume(
    training: Training,
    directory: RunDirectory,
    plan: Plan,
    registry: Registry,
    digests: Mapping[str, str],
    allow_changes: bool = False,
    files: Collection[Path] = (),
) -> None:
    """Restore a training and its run from the last checkpoint.

    The files of the run are restored, too. A run that was killed before its first checkpoint starts from the beginning.
    Rank 0 reads and writes the files for all ranks.

    Args:
        training: the training of the experiment that `plan` built.
        directory: the directory of the run.
        plan: the config to continue with.
        registry: the classes that it names.
        digests: the digests of the data, by name.
        allow_changes: continue even if the config or the data has changed.
        files: the files that the data was read from; a setting that only locates them is not compared.

    Raises:
        ConfigError: with all differences of the config and the data.
        RunError: if the checkpoint or `metrics.jsonl` is damaged, or the checkpoint does not fit the model.
        OSError: if a file cannot be read or written.
    """
    saved = training.ranks.broadcast(directory.read("last") if training.ranks.rank == 0 else None)
    config = plan.to_yaml()
    metrics: Any = (0, 0)
    if saved is not None:
        weights, state = saved
        name = f"{directory.path / 'checkpoints' / 'last.safetensors'}"
        try:
            try:
                _check(state, training)
            except ValueError as error:
                raise CheckpointError(f"{name}: {error}") from error
            before, steps, metrics = state["run"]["config"], state["steps"], state["run"]["metrics"]
            changes = list(differences(resolve(before, f"{name}, its config", registry), plain_data(config)))
            if training.steps >= steps:
                changes = [change for change in changes if change[0] not in LENGTHS]
            others = changed_sources(state["run"].get("data_digests", digests), digests)  # format 1 has none
            if not others:  # the data is the same, although it may have moved
                changes = [change for change in changes if not _is_location(change, files)]
            if (changes or others) and not allow_changes:
                raise _refusal(changes, others, plan)
            try:
                training.load_state(weights, state)
            except ValueError as error:
                raise CheckpointError(f"{name}: {error}") from error
        except (LookupError, TypeError, AttributeError) as error:  # not a state that a run has written
            raise CheckpointError(f"{name}: its state is not one of a training: {error!r}") from error
    if training.ranks.rank:
        return
    directory.digests = dict(digests)
    directory.rewind(metrics, verify=not allow_changes)
    directory.set_code(code_of(plan.classes()))
    if config != directory.config and not is_over(training, directory):
        directory.set_config(config)
    training.checkpoints.write(training, directory)


def _is_location(change: tuple[str, Any, Any], files: Collection[Path]) -> bool:
    """Whether a changed data setting only locates files."""
    path, before, after = change
    if not path.startswith("data.") or not isinstance(before, str) or not isinstance(after, str):
        return False
    return any(real(Path(after)) in (file, *file.parents) for file in files)


def is_over(training: Training, directory: RunDirectory) -> bool:
    """Return whether a restored training has no steps left.

    Its run then keeps its settings.
    """
    return directory.facts.get("status") == "done" and (training.ended or training.step >= training.steps)


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the differences between two configs.

    A difference is the dotted path and both values. If classes differ, the path is that of the class, and its arguments
    are not compared. 1 and 1.0 are equal.
    """
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        pairs = [(key, before[key], after[key]) for key in after]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(str(i), *pair) for i, pair in enumerate(zip(before, after, strict=True))]
    else:
        if before != after:
            yield path, before, after
        return
    for word, one, other in pairs:
        yield from differences(one, other, f"{path}.{word}" if path else word)


def _check(state: Mapping[str, Any], training: Training) -> None:
    """Raise TypeError or ValueError if a checkpoint has invalid contents."""
    optional = {name: None for name in ("schedule", "early_stopping") if state.get(name) is None}
    best = {"weights": dict.fromkeys(state["best"]["weights"], np.zeros(0))}
    check_like(state, {**training.state(), **optional, "best": best, "run": {"config": ""}})
    require(state, COUNTS)
    require(state["best"], MONITORED, "best: ")
    require(state["early_stopping"] or {}, MONITORED, "early_stopping: ")
    require(state["run"], {"data_digests": by_name(TEXT)}, "run: ")


def _refusal(changes: list[tuple[str, Any, Any]], others: list[str], plan: Plan) -> ConfigError:
    """Return the error for changed settings and data, each with its place."""
    hint = "--allow-changes goes on with it; the result is then that of no single config"
    problems = []
    for path, before, after in changes:
        message = f"{path} is {short_json(after)}, and this run was trained with {short_json(before)}"
        problems += plan.error(path, message, hint).problems
    for name in others:
        message = f"{name} is not what this run was trained with: its SHA-256 differs"
        problems += plan.error("data", message, f"bring it back, or {hint}").problems
    return ConfigError(problems)


def resolve(config: str, name: str, registry: Registry) -> Any:
    """Return a config as plain data, with current defaults.

    The defaults fill in missing keys.

    Args:
        config: the text of a config that this or an older version of minigrad has resolved.
        name: the name of the file, for errors.
        registry: the classes that it may name.

    Raises:
        ConfigError: for a key that no longer exists.
    """
    return plain_data(parse_plan(config, name, Experiment, registry).to_yaml())


def plain_data(config: str) -> Any:
    """Return a resolved config as plain data."""
    return data(read(Source("config.yaml", config), config, Diagnostics()))


def short_json(value: Any) -> str:
    """Return a config value for an error message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"
