"""A run's files and its model's validation predictions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.config import ConfigError, Registry
from minigrad.data import DataError
from minigrad.engine import no_grad
from minigrad.inference.load import open_run
from minigrad.inference.predict import BATCH
from minigrad.inputs import call
from minigrad.plots.answers import Amounts, Classes, Labels, read_answers
from minigrad.runs.files import RunError, read_config, read_facts, read_records
from minigrad.training import Experiment, UsageError
from minigrad.training.experiment import known_classes
from minigrad.training.history import series


class Run:
    """A run: done, failed, interrupted, or still running.

    Attributes:
        trained: the experiment with the best weights so far; None if there are none, or it cannot be built.
        experiment: the same, if its examples are available and unchanged; else None.
        best_step: the step of the best weights.
        missing: which of these are None, and why.

    Args:
        path: the directory of the run.
        overrides: changed config values: `["data.root=elsewhere"]`.
        registry: the classes that its config may name; by default minigrad's own and those of `models/`.

    Raises:
        UsageError: if there is no run.
        RunError: if a file of the run cannot be read or is invalid.
    """

    def __init__(self, path: Path, overrides: Sequence[str] = (), registry: Registry | None = None) -> None:
        self.path = path
        if not (path / "config.yaml").is_file():
            raise UsageError(f"{path} is not a run, such as runs/digits_mlp/0001: it has no config.yaml")
        self.config = read_config(path)
        self.facts = read_facts(path)
        self.trained: Experiment | None = None
        self.experiment: Experiment | None = None
        self.best_step: int | None = None
        self.missing = ""
        try:
            self.trained, self.best_step = open_run(path, registry or known_classes(run=path), overrides, True)
        except (UsageError, ConfigError, RunError) as error:
            self.missing = f"no model: {error}"
            return
        try:
            if len(self.trained.data.val):  # opens the data
                self.experiment = self.trained
        except (UsageError, ConfigError, DataError) as error:
            self.missing = f"no validation examples: {error}"

    @property
    def name(self) -> str:
        """The run's name, such as `digits_mlp/0001`."""
        path = self.path.resolve()
        return f"{path.parent.name}/{path.name}"

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The records of `metrics.jsonl`, without an incomplete last line.

        Raises:
            RunError: if a line is not a record.
        """
        return read_records(self.path)

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps (n,) and values (n,) of a metric."""
        return series(self.records, name)

    @cached_property
    def answers(self) -> Classes | Labels | Amounts | None:
        """The validation predictions, or None.

        They are None without a model or data, or if the outputs are not predictions. The test set is not used, because
        it would no longer be a test set for a model that is changed in response.
        """
        if self.experiment is None:
            return None
        model, examples = self.experiment.model, self.experiment.data.val
        outputs: list[np.ndarray] = []
        with no_grad(), np.errstate(all="ignore"):
            for i in range(0, len(examples), BATCH):
                inputs, _ = examples.batch(slice(i, i + BATCH))
                outputs.append(call(model, inputs).data)
                if outputs[0].ndim > 2:  # such as the many outputs of a language model
                    return None
        return read_answers(self.experiment, np.concatenate(outputs))
