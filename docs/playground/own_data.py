"""The visitor's own data: drawn points and dropped tables, saved as CSV files next to the config."""

from __future__ import annotations

import csv
import io
import re
from math import isfinite
from pathlib import Path
from typing import Any

from playground import controls, session

from minigrad.data import DataError, Table

POINTS = "points.csv"
CLASSES = "ABCDEF"
MOST_POINTS = 2000
MOST_BYTES = 20_000_000
FEW = 12
"""A target column with at most this many distinct whole numbers has classes."""

CONFIG = """\
# {comment}
name: {name}

data:
  Table: {{{table}}}
loader: {{batch_size: {batch}}}

model:
  MLP: {{sizes: {sizes}, activation: {activation}}}

loss: {loss}
{metrics}
optimizer:
  Adam: {{lr: 0.01}}

trainer:
  max_epochs: 300
"""


def save_points(points: list[list[float]]) -> int:
    """Write points (x, y, class) to `POINTS`, and return the number of classes.

    Raises:
        ValueError: for invalid points, with a sentence for the visitor.
    """
    if len(points) > MOST_POINTS:
        raise ValueError(f"at most {MOST_POINTS:,} points fit in the plane, got {len(points):,}")
    rows = []
    for point in points:
        good = isinstance(point, list) and len(point) == 3 and all(isinstance(n, int | float) for n in point)
        if not good or not all(isfinite(n) and abs(n) < 1e6 for n in point) or point[2] not in range(len(CLASSES)):
            raise ValueError(f"a point is [x, y, class], with a class from 0 to {len(CLASSES) - 1}; got {point!r}")
        rows.append(f"{point[0]:.6g},{point[1]:.6g},{CLASSES[int(point[2])]}")
    Path(POINTS).write_text("\n".join(["x1,x2,class", *rows]) + "\n", encoding="utf-8")
    return len({row[-1] for row in rows})


def points_config(text: str, classes: int) -> str:
    """Return a config for drawn points, with the hidden layers and activation of the config in the editor."""
    hidden, activation = [8], "tanh"
    try:
        turned = controls.read(session.check(text))
    except session.RefusedError:
        turned = {}
    if turned.get("layers") is not None:
        hidden = [turned["width"] or 8] * turned["layers"]
        activation = turned["activation"]
    binary = classes <= 2
    return CONFIG.format(
        comment="Points drawn by hand, in points.csv.",
        name="drawn_points",
        table=f"path: {POINTS}, target: class" + (", targets: binary" if binary else ""),
        batch=10,
        sizes=[2, *hidden, 1 if binary else classes],
        activation=activation,
        loss="BCEWithLogitsLoss" if binary else "CrossEntropyLoss",
        metrics="metrics: [Accuracy]\n",
    )


def save_table(name: str, content: str) -> dict[str, Any]:
    """Write a dropped CSV file next to the config, and return its `path` and `columns`.

    Raises:
        ValueError: if it is too large or has no line of column names, with a sentence for the visitor.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"{name}: larger than {MOST_BYTES // 10**6} MB; train on it with train.py instead")
    path = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".-") or "table.csv"
    path = path if path.endswith(".csv") else f"{path}.csv"
    columns = next(csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(content)), [])
    if len(columns) < 2:
        raise ValueError(f"{name}: expected a first line that names at least two columns")
    Path(path).write_text(content, encoding="utf-8", newline="")
    return {"path": path, "columns": columns}


def table_config(path: str, target: str) -> str:
    """Return a config that learns a column of a saved table from the others.

    Raises:
        ValueError: if the table cannot be used, with minigrad's message.
    """
    options = {"path": path, "target": target}
    if (delimiter := _delimiter(Path(path).read_text(encoding="utf-8"))) != ",":
        options["delimiter"] = delimiter
    given, table = _readable(options)
    classes = len(table.class_names)
    return CONFIG.format(
        comment=f"The column {target!r} of {path}, learned from the others. The file stays in your browser.",
        name=re.sub(r"\W+", "_", Path(path).stem),
        table=", ".join(f"{key}: {_yaml(value)}" for key, value in given.items()),
        batch=min(16, len(table.train)),
        sizes=[table.num_features, 8, classes or 1],
        activation="tanh",
        loss="CrossEntropyLoss" if classes else "MSELoss",
        metrics="metrics: [Accuracy]\n" if classes else "",
    )


def _readable(options: dict[str, Any]) -> tuple[dict[str, Any], Table]:
    """Return options to read the table, and the table; an ambiguous column gets the most common interpretation."""
    target = options["target"]
    try:
        return options, Table(**options)
    except DataError as error:
        if "may be classes or amounts" not in str(error):
            raise
    with open(options["path"], encoding="utf-8", newline="") as file:
        few = len({row[target] for row in csv.DictReader(file, delimiter=options.get("delimiter", ","))}) <= FEW
    options = {**options, "categorical" if few else "numeric": [target]}
    return options, Table(**options)


def _delimiter(content: str) -> str:
    first = content.partition("\n")[0]
    return max(",;\t|", key=first.count)


def _yaml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    plain = re.fullmatch(r"[A-Za-z_][\w .-]*\w|[A-Za-z_]", value) and value.lower() not in ("true", "false", "null")
    return value if plain else "'" + value.replace("'", "''") + "'"
