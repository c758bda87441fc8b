"""Rows and columns from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.dataset import (
    DataError,
    Dataset,
    Examples,
    Targets,
    amount_targets,
    class_targets,
    nearest,
    reading,
    split,
)

_MISSING = {"", "nan", "na", "n/a", "null", "?"}
_LARGEST = float(np.finfo(np.float32).max)
_MOST_VALUES = 100  # a column of more texts than this is rather a name or an address than a category


class Table(Dataset):
    """A CSV file whose first line names the columns: one is the target, the others are the inputs
    (num_features,), float32.

    A column of numbers is numeric, a column of texts categorical; of both, it must be said. Numeric inputs
    are standardised with the mean and the standard deviation of the training part. A categorical input
    becomes one column of zeros and ones for each of its values. A categorical target makes the task
    classification, a numeric one regression, whose targets are float32 (N, 1) in their own units. Values
    stand in ascending order: as numbers if all are numbers, else as texts.

    Args:
        path: the file, in UTF-8.
        target: the column to predict. One of whole numbers may be classes or amounts: name it below.
        categorical: columns that hold categories though they look like numbers.
        numeric: columns that hold numbers though they may look otherwise.
        ignore: columns to leave out.
        delimiter: the character between two cells.
        val_fraction: the share of the rows for validation, drawn by the seed.
        test_fraction: the share for the test.
        targets: the form of the classes (see `minigrad.data.Targets`).

    Raises: DataError, with line and column, for a value that is missing or no finite number and for a line of
        a wrong length; for a column that is not there or whose type is in doubt; for a file that cannot be
        read.
    """

    _class_names: tuple[str, ...] = ()

    def __init__(
        self,
        path: str,
        target: str,
        categorical: tuple[str, ...] = (),
        numeric: tuple[str, ...] = (),
        ignore: tuple[str, ...] = (),
        delimiter: str = ",",
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
        targets: Targets = "index",
    ) -> None:
        columns = _read(path, delimiter)
        is_numeric = _types(path, columns, target, categorical, numeric, ignore)
        classes = None
        if is_numeric.pop(target):
            encoded = amount_targets(columns[target].numbers(), targets)
        else:
            self._class_names = columns[target].categories()
            classes = columns[target].codes(self._class_names)
            self._num_classes = len(self._class_names)
            encoded = class_targets(classes, self._num_classes, targets)
        train, val, test = split(len(encoded), val_fraction, test_fraction, classes)

        self._delimiter = delimiter
        self._features = tuple(
            _Feature.learn(name, columns[name], numeric, train) for name, numeric in is_numeric.items()
        )
        if not self._features:
            raise DataError(f"{path}: no column is left for the inputs beside the target {target!r}")
        inputs = self._encode(columns)
        self.train, self.val, self.test = (Examples(inputs[rows], encoded[rows]) for rows in (train, val, test))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each input value is: the name of a numeric column, or `name=value` for a category."""
        return tuple(name for feature in self._features for name in feature.input_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The values of a categorical target, of which class `i` is the i-th; none for a numeric target."""
        return self._class_names

    def read_inputs(self, path: str | Path) -> np.ndarray:
        """Returns the rows of a CSV file with the same columns, standardised and coded as the training part was.

        The target may be missing, and other columns are left out.

        Raises: DataError, with line and column, as the constructor, and for a category that is new.
        """
        if Path(path).suffix != ".csv":
            raise DataError(f"{path}: the inputs of a Table are read from a .csv file that names the same columns")
        columns = _read(str(path), self._delimiter)
        for feature in self._features:
            if feature.name not in columns:
                raise DataError(f"{path}: no column {feature.name!r}; {nearest(feature.name, list(columns))}")
        return self._encode(columns)

    def state_dict(self) -> dict[str, Any]:
        """Returns mean and standard deviation, or the categories, of each column, and the names of the classes."""
        return {"features": [asdict(feature) for feature in self._features], "class_names": self._class_names}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Standardises and codes from now on as the table did whose `state_dict` this is."""
        features = state_dict["features"]
        self._features = tuple(_Feature(**{**feature, "values": tuple(feature["values"])}) for feature in features)
        self._class_names = tuple(state_dict["class_names"])

    def _encode(self, columns: dict[str, _Column]) -> np.ndarray:
        """Returns the inputs, float32 (N, num_features)."""
        values = [feature.encode(columns[feature.name]) for feature in self._features]
        return np.concatenate(values, axis=1, dtype=np.float32)


@dataclass(frozen=True)
class _Feature:
    """How a column becomes inputs: as (number - mean) / std or, where there are `values`, a 0 or 1 for each of them."""

    name: str
    mean: float = 0.0
    std: float = 1.0
    values: tuple[str, ...] = ()

    @classmethod
    def learn(cls, name: str, column: _Column, numeric: bool, train: np.ndarray) -> _Feature:
        """Takes the categories of a column or, over the rows `train`, its mean and std; what is constant is centred."""
        if not numeric:
            return cls(name, values=column.categories())
        part = column.numbers()[train]
        return cls(name, float(part.mean()), float(part.std()) if np.ptp(part) else 1.0)

    @property
    def input_names(self) -> tuple[str, ...]:
        """What each of its input values is."""
        return tuple(f"{self.name}={value}" for value in self.values) or (self.name,)

    def encode(self, column: _Column) -> np.ndarray:
        """Returns the input values (N, 1) of a numeric column, or (N, len(values))."""
        if self.values:
            return np.eye(len(self.values))[column.codes(self.values)]
        return ((column.numbers() - self.mean) / self.std)[:, np.newaxis]


@dataclass
class _Column:
    place: str  # for errors: which file and column
    cells: list[str]
    lines: list[int]

    def numbers(self) -> np.ndarray:
        """Returns the cells as float64 (N,)."""
        return np.array([self._number(row) for row in range(len(self.cells))])

    def categories(self) -> tuple[str, ...]:
        """Returns the different values in ascending order."""
        for row, cell in enumerate(self.cells):
            if cell.lower() in ("", "nan"):
                raise self._missing(row)
        numeric = all(_is_number(cell) for cell in self.cells)
        return tuple(sorted(set(self.cells), key=lambda cell: (float(cell) if numeric else 0.0, cell)))

    def codes(self, values: tuple[str, ...]) -> np.ndarray:
        """Returns which of `values` each cell holds, int64 (N,)."""
        code = {value: i for i, value in enumerate(values)}
        for cell, line in zip(self.cells, self.lines, strict=True):
            if cell not in code:
                raise DataError(
                    f"{self.place}, line {line}: {cell!r} is new to the model; {nearest(cell, list(values))}"
                )
        return np.array([code[cell] for cell in self.cells])

    def looks_numeric(self) -> bool:
        """Tells whether the cells are numbers or texts. Raises DataError if they are both."""
        present = [row for row, cell in enumerate(self.cells) if cell.lower() not in _MISSING]
        numbers = [row for row in present if _is_number(self.cells[row])]
        texts = sorted(set(present) - set(numbers))
        if numbers and texts:
            number, text = numbers[0], texts[0]
            raise DataError(
                f"{self.place} mixes numbers and texts: "
                f"{self.cells[number]!r} in line {self.lines[number]}, "
                f"{self.cells[text]!r} in line {self.lines[text]}; "
                f"name it in `categorical` or `ignore`, or mend the file"
            )
        return not texts

    def holds_whole_numbers(self) -> bool:
        """Tells whether every number that is there is whole."""
        return all(float(cell).is_integer() for cell in self.cells if _is_number(cell))

    def _number(self, row: int) -> float:
        cell = self.cells[row]
        if cell.lower() in _MISSING:
            raise self._missing(row)
        if not _is_number(cell) or not abs(float(cell)) <= _LARGEST:
            raise DataError(f"{self.place}, line {self.lines[row]}: expected a finite number, found {cell!r}")
        return float(cell)

    def _missing(self, row: int) -> DataError:
        return DataError(
            f"{self.place}, line {self.lines[row]}: the value is missing ({self.cells[row]!r}): "
            f"fill it in, leave out the line, or name the column in `ignore`"
        )


def _read(path: str, delimiter: str) -> dict[str, _Column]:
    if len(delimiter) != 1:
        raise DataError(f"delimiter is one character, got {delimiter!r}")
    rows, lines = [], []
    with reading(path), open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if row:
                    rows.append([cell.strip() for cell in row])
                    lines.append(reader.line_num)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: expected text in UTF-8: {error}") from error
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    if len(rows) < 2:
        found = "that line alone" if rows else "an empty file"
        raise DataError(f"{path}: expected a line of column names and at least one row, found {found}")
    names = rows.pop(0)
    lines.pop(0)
    other = next((character for character in ";\t|," if len(names) == 1 and character in names[0]), None)
    if other:
        raise DataError(f"{path}: the first line is one cell, {names[0]!r}; its delimiter may be {other!r}: name it")
    if all(_is_number(name) for name in names):
        raise DataError(f"{path}: expected the first line to name the columns, found numbers: {delimiter.join(names)}")
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}: two columns have the name {name!r}")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            raise DataError(f"{path}, line {line}: expected {len(names)} cells, as in the first line, found {len(row)}")
    return {
        name: _Column(f"{path}: column {name!r}", list(cells), lines)
        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    }


def _types(
    path: str,
    columns: dict[str, _Column],
    target: str,
    categorical: tuple[str, ...],
    numeric: tuple[str, ...],
    ignore: tuple[str, ...],
) -> dict[str, bool]:
    """Returns, for each column that is used, whether it is numeric: as said, or else as it looks."""
    said = [*categorical, *numeric, *ignore]
    for name in [*said, target]:
        if name not in columns:
            raise DataError(f"{path}: no column {name!r}; {nearest(name, list(columns))}")
        if said.count(name) > 1 or (name == target and name in ignore):
            raise DataError(f"{path}: column {name!r} is asked for in two ways that exclude each other")
    types = {}
    for name, column in columns.items():
        if name in said:
            types[name] = name in numeric
            continue
        types[name] = column.looks_numeric()
        if name == target and types[name] and column.holds_whole_numbers():
            raise DataError(
                f"{column.place} is the target and holds whole numbers, which may be classes or amounts: "
                f"name it in `categorical` or in `numeric`"
            )
        if name != target and not types[name] and len(set(column.cells)) > _MOST_VALUES:
            raise DataError(
                f"{column.place} holds {len(set(column.cells))} different texts: "
                f"name it in `ignore`, or in `categorical` for so many inputs"
            )
    return {name: numbers for name, numbers in types.items() if name not in ignore}


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python reads 1_000 as a number; nobody else does
