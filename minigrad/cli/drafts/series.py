"""Draft configs for time series in CSV files and arrays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.cli.drafts.columns import Columns
from minigrad.cli.drafts.draft import Draft, batches, epochs, join_names, layers
from minigrad.data import DataError
from minigrad.data.columns import Column, Dates, Numbers

_FEWEST = 60  # minimum rows of a series; a shorter table may be in order by chance
_EVEN = 0.95  # minimum fraction of time steps of the usual length
_AMOUNTS = 20  # minimum distinct values of a forecast column; fewer may be classes
_TIME = re.compile(r"^(time|hours?|days?|dates?|months?|years?|weeks?|minutes?|seconds?|t|ds|timestamp)$", re.I)
_WINDOWS = (  # seconds per step, its name, input length, horizon
    (3600, "hour", 48, 12),
    (86400, "day", 28, 7),
    (7 * 86400, "week", 26, 4),
    (30.4 * 86400, "month", 24, 6),
)
_OTHER = (24, 3)
_SHARE = 0.2  # fraction for each of validation and test


def time_of(columns: Columns) -> str | None:
    """Return the time column of an evenly spaced series."""
    for name in even_times(columns):
        others = [other for each, other in columns.sheet.columns.items() if each != name]
        if others and all(isinstance(other, Numbers) for other in others):
            forecast = columns.sheet.columns[_forecast(columns, name)]
            return name if len(np.unique(forecast.values)) > _AMOUNTS else None
    return None


def even_times(columns: Columns) -> list[str]:
    """Return the columns of times that go up evenly."""
    if len(columns.sheet) < _FEWEST:
        return []
    return [
        name
        for name, column in columns.sheet.columns.items()
        if name not in columns.targets
        and (isinstance(column, Dates) or (isinstance(column, Numbers) and _TIME.search(name)))
        and _is_even(column)
    ]


def draft_series(columns: Columns, time: str | None) -> Draft:
    """Return a draft for a time series.

    Args:
        columns: the columns of the file.
        time: the time column, if any.

    Raises:
        DataError: if the column to forecast holds texts, or there is none.
    """
    target = _forecast(columns, time)
    inputs = [name for name in columns.inputs(Numbers) if name not in (target, time)]
    used = [columns.sheet.columns[name] for name in (target, *inputs)]
    options: dict[str, Any] = {"path": columns.path, "column": target}
    if inputs:
        options["inputs"] = inputs
    guess = "" if columns.targets else " (a guess: the last column; --target COLUMN names another)"
    assumed = [
        ("forecast", f"{target!r}{guess}"),
        *([("inputs", join_names(inputs))] if inputs else []),
    ]  # fmt: skip
    step, length, horizon = None, *_OTHER
    if time is not None:
        step, length, horizon = _step(columns.sheet.columns[time])
        said = f"each row is one {step} later by {time!r}" if step else f"{time!r} goes up evenly"
        assumed.insert(0, ("series", f"{said}: --from table takes rows one by one"))
        if not columns.dates.get(time):
            options["time"] = time
    length, horizon = _fitting(columns.path, len(columns.sheet), length, horizon)
    options |= {"length": length, "horizon": horizon}
    if any(column.gaps for column in used):
        options["missing"] = "previous"
        assumed.append(("missing", f"{join_names([c.name for c in used if c.gaps])}: filled with the previous value"))
    dropped = [name for name in columns.sheet.names if name not in (target, time, *inputs)]
    assumed += [("ignored", f"{name!r} {columns.reasons.get(name, 'holds no numbers')}") for name in dropped]
    return _draft(columns.path, options, len(columns.sheet), assumed, step or "row")


def draft_array(path: Path, shape: Sequence[int]) -> Draft:
    """Return a draft for an .npy time series.

    Args:
        path: the file.
        shape: (n,) or (n, columns), rows in order of time.

    Raises:
        DataError: if the series is too short.
    """
    length, horizon = _fitting(path, shape[0], *_OTHER)
    what = "one number" if len(shape) == 1 else f"{shape[1]} columns, all forecast"
    assumed = [("series", f"{shape[0]:,} rows in order of time, {what}")]
    return _draft(path, {"path": path, "length": length, "horizon": horizon}, shape[0], assumed, "row")


def _draft(path: Path, options: dict[str, Any], rows: int, assumed: list[tuple[str, str]], step: str) -> Draft:
    length, horizon = options["length"], options["horizon"]
    examples = max(1, int((1 - 2 * _SHARE) * rows) - length - horizon + 1)
    size = batches(examples, 64)
    return Draft(
        title=f"The next {horizon} {step}s of {path.name} from the {length} before them.",
        dataset="Windows",
        options=options,
        model=layers(
            'LSTM: {input_size: "${data.num_columns}", hidden_size: 32, batch_first: true}',
            "LastOutput",
            'Linear: [32, "${data.num_targets}"]',
        ),
        loss="MSELoss",
        metrics=["MeanAbsoluteError"],
        batch_size=size,
        trainer=[*epochs(examples, size, 600), "grad_clip: 1.0"],
        comments={
            "column": "the column to forecast, or several",
            "inputs": "further input columns",
            "time": "increases from row to row",
            "length": "input rows per window",
            "horizon": "rows to forecast",
            "missing": "empty cells take the previous value",
        },
        assumed=assumed,
        sample=path,
    )


def _forecast(columns: Columns, time: str | None) -> str:
    """Return the column to forecast: the target, or else the last numeric column."""
    numbers = [name for name, column in columns.sheet.columns.items() if isinstance(column, Numbers) and name != time]
    if columns.targets and columns.targets[0] not in numbers:
        raise DataError(f"{columns.path}: column {columns.targets[0]!r} is not numeric, as a series must be")
    if not numbers:
        raise DataError(f"{columns.path}: no numeric column, which a series needs")
    return columns.targets[0] if columns.targets else numbers[-1]


def _is_even(column: Column) -> bool:
    steps = np.diff(column.values)
    usual = np.median(steps)
    return bool((steps > 0).all() and (np.abs(steps - usual) <= 0.5 * usual).mean() >= _EVEN)


def _step(column: Column) -> tuple[str | None, int, int]:
    """Return the name of the time step, if it has one, the input length and the horizon."""
    usual = float(np.median(np.diff(column.values)))
    if isinstance(column, Dates):
        for seconds, name, length, horizon in _WINDOWS:
            if abs(usual - seconds) < 0.05 * seconds:
                return name, length, horizon
    return None, *_OTHER


def _fitting(path: Path, rows: int, length: int, horizon: int) -> tuple[int, int]:
    """Return a length and horizon for which the smallest split has some windows."""
    room = round(rows * _SHARE) - 2
    while length + horizon > room and length > 1:
        length, horizon = max(1, length // 2), max(1, horizon // 2)
    if length + horizon > room:
        raise DataError(f"{path}: {rows} rows are too few for a series: validation and test get a fifth of them each")
    return length, horizon
