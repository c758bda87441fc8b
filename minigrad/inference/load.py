"""Trained runs as experiments."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from minigrad.config import ConfigError, Plan, Registry, load_plan
from minigrad.data import DataError, Dataset
from minigrad.data.files import noting
from minigrad.facts import ANYTHING, COUNT, MEASURED, NUMBER, TEXT, WHOLE, by_name, one_of, or_none, require
from minigrad.nn.lora import load_saved_state
from minigrad.runs.checkpoint import CheckpointError, read_checkpoint
from minigrad.runs.files import read_config
from minigrad.runs.state import flatten
from minigrad.targets import Kind, Target
from minigrad.training.experiment import IN_PYTHON, Experiment, UsageError, build, building, known_classes
from minigrad.training.fingerprint import changed_sources, data_digests
from minigrad.training.resume import differences, plain_data, resolve, short_json

DECISIVE = ("adapters", "data", "loss", "metrics", "model", "seed")
"""The config keys that determine the results of a finished run."""

ELSEWHERE = "if the data is elsewhere, name its place on the command line, as data.path=FILE"
"""The remedy for data that is not found."""

NOTATION = ("delimiter", "decimal", "thousands")
"""Options of data that describe how a file is written, but not what it means."""

BEST = {
    "step": COUNT,
    "values": by_name(MEASURED),
    "data": by_name(ANYTHING),
    "known": by_name(or_none(by_name(ANYTHING))),
    "config": TEXT,
    "data_digests": by_name(TEXT),
    "base": by_name(TEXT),
}
"""The contents of the state stored with the best weights; all but the first three exist since format 2 or 3."""

TARGET = {
    "kind": one_of(*get_args(Kind)),
    "axis": WHOLE,
    "ignore_index": WHOLE,
    "middle": NUMBER,
    "truth_middle": NUMBER,
}
"""The state's description of the targets."""


def load_run(
    path: str | Path, overrides: Sequence[str] = (), home: str | Path = ".", trust: bool = False
) -> Experiment:
    """Load a trained run: its model with the best weights.

    The model is in eval mode. The experiment preprocesses inputs and names classes as in the run. The data need not
    exist: it is opened when its examples are needed, as by `evaluate`. If it has changed since, a warning says so.

    Args:
        path: the run's directory, such as `runs/digits_mlp/0003`.
        overrides: changed config values, such as `["data.path=elsewhere.csv"]`.
        home: the folder whose `models/` has the classes in the config.
        trust: whether to run files in the run's `code/` that are not in any `models/`.

    Raises:
        UsageError: if there is no such run, it has no weights yet or not those of its model, or its config was edited
            in a way that changes results.
        ConfigError: if its config cannot be built.
        RunError: if one of its files is damaged.
    """
    experiment, _ = open_run(Path(path), known_classes(home, run=Path(path), trust=trust), overrides)
    return experiment


def open_run(
    path: Path, registry: Registry, overrides: Sequence[str] = (), measures: bool = False
) -> tuple[Experiment, int]:
    """Return a run's experiment and its best step.

    Args:
        path: the run's directory.
        registry: the classes that its config may name.
        overrides: config values that change.
        measures: whether results on the data are needed; changed data is then a UsageError.

    Raises:
        UsageError, ConfigError or RunError: as `load_run`.
    """
    file = path / "config.yaml"
    if not file.is_file():
        raise UsageError(f"{path} is not a run: it has no config.yaml")
    weights = path / "checkpoints" / "best.safetensors"
    if not weights.is_file():
        raise UsageError(f"{path} has no best weights yet: it ended before its first validation")
    tensors, state = read_checkpoint(weights)
    try:
        require({name: state.get(name) for name in ("step", "values", "data")} | state, BEST)
        require(state.get("known", {}).get("target") or {}, TARGET)
    except ValueError as error:
        raise CheckpointError(f"{weights}: {error}") from error
    if read_config(path).startswith(IN_PYTHON):
        remedy = "load its weights into your model: model.load_state_dict(minigrad.runs.read_checkpoint(PATH)[0])"
        raise UsageError(f"{path} was built in Python: its config has no model; {remedy}, with {weights}")
    plan = load_plan(file, Experiment, registry, overrides)
    _compare_configs(file, state, registry)
    # the user chose this data on the command line
    is_named = any(text.lstrip("-").startswith(("data", "seed=")) for text in overrides)
    data = _Data(path, plan, state, measures, is_named)
    try:
        restored = data.restored()
    except ValueError as error:
        raise CheckpointError(f"{weights}: what it says of the data does not fit it: {error}") from error
    except (LookupError, TypeError, AttributeError) as error:  # the state was not written by a run
        raise CheckpointError(f"{weights}: what it says of the data does not fit it: {error!r}") from error
    facts = None if restored is None else state.get("known", {}).get("facts")
    experiment = build(plan, restored, facts, reads_weights="base" in state)
    data.experiment = experiment
    try:
        load_saved_state(experiment.model, tensors, state.get("base"))
    except (KeyError, ValueError) as error:
        raise UsageError(f"{weights}: the weights do not fit the model: {error}") from error
    experiment.model.eval()
    return experiment, state["step"]


class _Data:
    """The data of a run, with or without its examples.

    Args:
        run: the directory.
        plan: its config, with the overrides.
        state: the state of the best weights.
        measures: whether changed data is refused, or else a warning.
        is_named: whether the user named other data.
    """

    def __init__(self, run: Path, plan: Plan, state: Mapping[str, Any], measures: bool, is_named: bool) -> None:
        self.run, self.plan, self.state, self.measures, self.is_named = run, plan, state, measures, is_named
        self.experiment: Experiment | None = None

    def restored(self) -> Dataset | None:
        """Return the data without examples; None if its class is not the run's."""
        cls = self.plan["data"]
        then = plain_data(self.state["config"])["data"] if "config" in self.state else cls.__name__
        if cls.__name__ not in (then if isinstance(then, dict) else [then]):
            return None
        known = self.state.get("known", {})
        target = Target(**known["target"]) if known.get("target") else None
        learned = {**self.state["data"], **self._notation(then)}
        restored: Dataset = cls.restore(learned, known.get("sizes"), target, self.opened)
        return restored

    def _notation(self, then: Any) -> dict[str, Any]:
        """Return the options of notation that the command line sets to other values than `then`."""
        named = then.get(self.plan["data"].__name__) if isinstance(then, dict) else None
        if not self.is_named or not isinstance(named, dict):
            return {}
        now = {key: self.plan[f"data.{key}"] for key in NOTATION if key in named and key in self.state["data"]}
        return {key: value for key, value in now.items() if value != named[key]}

    def opened(self) -> Dataset:
        """Return the data with its examples, prepared as in the run."""
        try:
            with building(self.plan), noting() as files:
                data: Dataset = self.plan.build("data")
                if self.state["data"]:
                    self._adapt(data)
        except ConfigError as error:
            if not isinstance(error.__cause__, DataError):
                raise
            raise UsageError(f"{error.__cause__}; {ELSEWHERE}") from error
        if self.experiment is not None:
            self.experiment.files = files
        if not self.is_named and "data_digests" in self.state:
            self._compare(changed_sources(self.state["data_digests"], data_digests(data, files)))
        return data

    def _adapt(self, data: Dataset) -> None:
        """Apply the run's preprocessing to data.

        If the data is not the run's, examples that are already encoded are not encoded again; a warning says so.

        Raises:
            UsageError: if the user named the data, and its classes differ.
        """
        own, names, examples = flatten(data.state_dict(), "", {}), data.class_names, data.train
        data.load_state_dict(self.state["data"])
        same = own == flatten(self.state["data"], "", {}) or data.train is not examples
        if same or not self.is_named:  # otherwise its digest is compared
            return
        if data.class_names != names:
            raise UsageError(
                f"the data has the classes {', '.join(names)}, but {self.run} was trained on "
                f"{', '.join(data.class_names)}: it cannot be evaluated on this data"
            )
        warnings.warn(
            f"{type(data).__name__} scaled and encoded the examples of this data by their own statistics, and "
            f"not as in {self.run}: its results are not comparable",
            stacklevel=2,
        )

    def _compare(self, others: Sequence[str]) -> None:
        """Warn about data that differs from the training data, or refuse it if results are needed."""
        if not others:
            return
        message = f"{', '.join(others)}: not the data that {self.run} was trained on, the SHA-256 differs"
        if self.measures:
            remedy = "restore it, or name the intended data on the command line, as data.path=FILE or seed=N"
            raise UsageError(f"{message}; {remedy}")
        warnings.warn(f"{message}; inputs are preprocessed as in the run", stacklevel=2)


def _compare_configs(path: Path, state: Mapping[str, Any], registry: Registry) -> None:
    """Refuse a config that was edited in a way that changes results."""
    config = read_config(path.parent)
    if config == state.get("config", config):  # format 1 has none
        return
    then = resolve(state["config"], f"{path.parent / 'checkpoints' / 'best.safetensors'}, its config", registry)
    found = list(differences(then, resolve(config, str(path), registry)))
    decisive = [change for change in found if change[0].partition(".")[0] in DECISIVE]
    if decisive:
        lines = (f"  {key} is {short_json(now)}, and was {short_json(before)}" for key, before, now in decisive)
        edits = "\n".join(lines)
        remedy = f"restore it, or give the change on the command line: {decisive[0][0]}=..."
        raise UsageError(f"{path} was edited after the weights were trained:\n{edits}\n{remedy}")
    for key, before, now in found:
        warnings.warn(f"{path} was edited: {key} is {short_json(now)}, and was {short_json(before)}", stacklevel=4)
