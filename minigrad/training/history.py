"""The results and records of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.notebook import html_table
from minigrad.training.callback import Callback, TrainingView

_SHOWN = 12  # records in a notebook, evenly spaced


class History(dict[str, Any]):
    """The results of a training, and its records.

    Args:
        results: the results of `Training.run`.
        records: the records of the logged steps, as in `metrics.jsonl`.
        path: the directory of the run; None if nothing was written.
    """

    def __init__(self, results: Mapping[str, Any], records: Sequence[Mapping[str, Any]], path: Path | None) -> None:
        super().__init__(results)
        self.records = list(records)
        self.path = path

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for record in self.records for name in record))
        rows = [[record.get(name, "") for name in names] for record in self.records]
        if len(rows) > _SHOWN:
            rows = [rows[round(i)] for i in np.linspace(0, len(rows) - 1, _SHOWN)]
        tables = [html_table(["", ""], *self.items())]
        return "\n".join(tables + ([html_table(names, *rows)] if rows else []))

    def series(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the steps and values recorded under a name.

        Both are (n,). A name is, for example, `val/loss`.
        """
        return series(self.records, name)


def series(records: Sequence[Mapping[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps and values of records under a name.

    Both are (n,), from the records that have a number there.
    """
    points = [(record["step"], record[name]) for record in records if record.get(name) is not None]
    steps, values = np.array(points, dtype=float).reshape(-1, 2).T
    return steps, values


class Recorder(Callback):
    """Saves every record of a training."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, float]] = []

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Save the record."""
        self.records.append(record)
