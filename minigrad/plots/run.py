"""What a run left in its directory, finished or not, and what its model does with the validation examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.config import ConfigError, Registry
from minigrad.engine import Tensor, no_grad
from minigrad.plots.answers import Amounts, Classes, read_answers
from minigrad.training import CheckpointError, Experiment, UsageError
from minigrad.training.experiment import known_classes
from minigrad.training.outcome import BATCH, open_run


class Run:
    """A run that is done, failed, interrupted, or still under way: all of it that is there.

    `experiment` has the model with the best weights so far, which are those after step `best_step`. Where there are no
    weights yet, or the model cannot be built any more, both are None, and `missing` says why.

    Args:
        path: its directory.
        overrides: go over its config: `["data.root=elsewhere"]`.
        registry: the classes that its config may name; left out, minigrad's own and those of `models/`.

    Raises: UsageError if there is no run; OSError if it cannot be read.
    """

    def __init__(self, path: Path, overrides: Sequence[str] = (), registry: Registry | None = None) -> None:
        self.path = path
        if not (path / "config.yaml").is_file():
            raise UsageError(f"{path} is no directory of a run, as runs/digits_mlp/0001: it has no config.yaml")
        self.config = (path / "config.yaml").read_text(encoding="utf-8")
        self.facts: dict[str, Any] = {}
        if (path / "run.json").is_file():
            self.facts = json.loads((path / "run.json").read_text(encoding="utf-8"))
        self.experiment: Experiment | None = None
        self.best_step: int | None = None
        self.missing = ""
        try:
            self.experiment, self.best_step = open_run(path, registry or known_classes(), overrides)
        except (UsageError, ConfigError, CheckpointError) as error:
            self.missing = str(error)

    @property
    def name(self) -> str:
        """What people call the run: `digits_mlp/0001`."""
        path = self.path.resolve()
        return f"{path.parent.name}/{path.name}"

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`, but for a last one that is half written."""
        file = self.path / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").split("\n") if file.is_file() else [""]
        return [json.loads(line) for line in lines[:-1]]

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the steps (n,) where a number was recorded under `name`, and the numbers (n,)."""
        points = [(record["step"], record[name]) for record in self.records if record.get(name) is not None]
        steps, values = np.array(points, dtype=float).reshape(-1, 2).T
        return steps, values

    @cached_property
    def answers(self) -> Classes | Amounts | None:
        """What the model says to the validation examples; None where that is neither classes nor amounts, or no model.

        The test examples are left alone: who looks at them and then changes the model has no test any more.
        """
        if self.experiment is None:
            return None
        model, examples = self.experiment.model, self.experiment.data.val
        outputs: list[np.ndarray] = []
        with no_grad(), np.errstate(all="ignore"):
            for i in range(0, len(examples), BATCH):
                inputs, _ = examples.batch(slice(i, i + BATCH))
                outputs.append(model(Tensor(inputs)).data)
                if outputs[0].ndim > 2:  # as those of a language model, which would be many
                    return None
        return read_answers(self.experiment, np.concatenate(outputs))
