"""What a run left in its directory, finished or not, and what its model does with the validation examples."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.config import ConfigError, Registry, load_plan
from minigrad.data import DataLoader
from minigrad.engine import Tensor, no_grad
from minigrad.plots.answers import Amounts, Classes, read_answers
from minigrad.training import Experiment
from minigrad.training.checkpoint import CheckpointError, read_checkpoint
from minigrad.training.experiment import build, known_classes


@dataclass
class Run:
    """A run that is done, failed, interrupted, or still under way: all of it that is there.

    Args:
        path: its directory.
        registry: the classes that its config may name; left out, minigrad's own and those of `models/`.

    Raises: ValueError if there is no run; OSError if it cannot be read.
    """

    path: Path
    registry: Registry = field(default_factory=known_classes, repr=False)
    missing: str = field(default="", init=False)
    """Why there is no model to look into, if there is none."""

    def __post_init__(self) -> None:
        if not (self.path / "config.yaml").is_file():
            raise ValueError(f"{self.path}: no run there: expected a directory as runs/digits_mlp/0001")
        self.config = (self.path / "config.yaml").read_text(encoding="utf-8")
        self.facts: dict[str, Any] = {}
        if (self.path / "run.json").is_file():
            self.facts = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        self.weights, self.step = "", 0
        self.experiment: Experiment | None = None
        try:
            self.experiment = self._load()
        except (ConfigError, CheckpointError) as error:
            self.missing = str(error)

    def _load(self) -> Experiment | None:
        """Returns the experiment with its best weights, or else its last; None before either was saved."""
        for name in ("best", "last"):
            checkpoint = self.path / "checkpoints" / f"{name}.safetensors"
            if checkpoint.is_file():
                break
        else:
            self.missing = "no weights were saved: the run did not come to its first validation"
            return None
        tensors, state = read_checkpoint(checkpoint)
        experiment = build(load_plan(self.path / "config.yaml", Experiment, self.registry))
        experiment.model.load_state_dict({name: tensors[name] for name in experiment.model.state_dict()})
        experiment.model.eval()
        self.weights, self.step = name, state["step"]
        return experiment

    @property
    def name(self) -> str:
        """What people call the run: `digits_mlp/0001`."""
        path = self.path.resolve()
        return f"{path.parent.name}/{path.name}"

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`; the last one may be half written, and is left out then."""
        file = self.path / "metrics.jsonl"
        records = []
        for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else []:
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return records

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the steps (n,) where a number was recorded under `name`, and the numbers (n,)."""
        points = [
            (record["step"], record[name]) for record in self.records if isinstance(record.get(name), (int, float))
        ]
        steps, values = np.array(points, dtype=float).reshape(-1, 2).T
        return steps, values

    @cached_property
    def answers(self) -> Classes | Amounts | None:
        """What the model says to the validation examples; None where that is neither classes nor amounts, or no model.

        The test examples are left alone: who looks at them and then changes the model has no test any more.
        """
        if self.experiment is None:
            return None
        val = self.experiment.data.val
        batch_size = min(len(val), self.experiment.loader(self.experiment.data.train).batch_size)
        with no_grad(), np.errstate(all="ignore"):
            batches = DataLoader(val, batch_size, shuffle=False).epoch(0)
            outputs = [self.experiment.model(Tensor(inputs)).data for inputs, _ in batches]
        return read_answers(self.experiment, np.concatenate(outputs))
