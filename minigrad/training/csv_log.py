"""CSV log of metrics, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from minigrad.formats.atomic import errors_naming, write_durably
from minigrad.runs.files import read_records
from minigrad.training.callback import Callback, TrainingView


class CSVLog(Callback):
    """Writes every logged value to `metrics.csv`.

    The file is in the run's directory, with a row for each record and an empty cell for each value that was not
    measured at that step. A resumed run appends to it. A training without a directory writes nothing.
    """

    def __init__(self) -> None:
        self._names: list[str] = []

    def on_train_start(self, training: TrainingView) -> None:
        """Write the rows of the records so far.

        There are none in a new run.
        """
        if training.directory is not None:
            self._write_all(training.directory.path)

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Write one row."""
        if training.directory is None:
            return
        path = training.directory.path / "metrics.csv"
        if record.keys() <= set(self._names):
            with errors_naming(path), open(path, "ab") as file:
                file.write(_rows([[_cell(record.get(name)) for name in self._names]]))
        else:
            self._write_all(training.directory.path)  # the record is in metrics.jsonl already

    def _write_all(self, run: Path) -> None:
        records = read_records(run)
        self._names = list(dict.fromkeys(name for record in records for name in record))
        rows = [[_cell(record.get(name)) for name in self._names] for record in records]
        write_durably(run / "metrics.csv", _rows([self._names, *rows] if records else []))

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: its state is in the files."""
        return {}


def _cell(value: float | None) -> float | str:
    """Return a cell's value, empty also for NaN and infinity, which are null in metrics.jsonl."""
    return value if value is not None and isfinite(value) else ""


def _rows(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
