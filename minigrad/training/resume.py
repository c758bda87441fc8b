"""Going on with a run where its last checkpoint stands, as if it had never been away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.config import ConfigError, Plan
from minigrad.config.nodes import data
from minigrad.config.problems import Report, Source
from minigrad.config.reader import read
from minigrad.training.run_directory import RunDirectory
from minigrad.training.trainer import Training

LENGTHS = ("trainer.max_epochs", "trainer.max_steps")
"""What may change without being asked, as long as the run does not get shorter."""

LONGEST = 60
"""How many characters of a value are shown."""


def resume(training: Training, directory: RunDirectory, plan: Plan, allow_changes: bool = False) -> None:
    """Brings a training that was just made, and all files of its run, to where the last checkpoint of the run stands.

    A run that was killed before its first checkpoint begins anew. Rank 0 reads and writes the files, for all.

    Args:
        training: of the experiment that `plan` built.
        directory: of the run.
        plan: the config to go on with.
        allow_changes: go on also if it is not the one that the run was trained with.

    Raises: ConfigError that shows how the config differs; CheckpointError if the checkpoint is damaged; ValueError if
        it does not fit the model; OSError if a file cannot be read or written.
    """
    saved = training.ranks.broadcast(directory.read("last") if training.ranks.rank == 0 else None)
    config = plan.to_yaml()
    metrics = np.zeros(0, np.uint8)
    if saved is not None:
        weights, state = saved
        changes = list(differences(_data(state["run"]["config"]), _data(config)))
        if training.steps >= state["steps"]:
            changes = [change for change in changes if change[0] not in LENGTHS]
        if changes and not allow_changes:
            raise _refusal(changes, plan)
        training.load_state(weights, state)
        metrics = state["run"]["metrics"]
    if training.ranks.rank:
        return
    directory.rewind(metrics)
    if config != directory.config:
        directory.set_config(config)
    training.save(directory)


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields the dotted path of each difference between two configs, the highest where classes differ, and both values.

    What is the same number or text in both is no difference; 1 and 1.0 are one.
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


def _refusal(changes: list[tuple[str, Any, Any]], plan: Plan) -> ConfigError:
    """Returns the error that points to each change."""
    hint = "--allow-changes goes on with it; the result is then that of no single config"
    problems = []
    for path, before, after in changes:
        message = f"{path} is {_shown(after)}, and this run was trained with {_shown(before)}"
        problems += plan.error(path, message, hint).problems
    return ConfigError(problems)


def _data(config: str) -> Any:
    """Returns a resolved config as plain data."""
    return data(read(Source("config.yaml", config), config, Report()))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"
