"""Windows of time series, for forecasting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minigrad.data.dataset import Dataset
from minigrad.data.errors import DataError, Findings
from minigrad.data.examples import Examples
from minigrad.data.features import Scale, unscaled
from minigrad.data.files import find
from minigrad.data.folds import current, fold_bounds
from minigrad.data.frame import Frame
from minigrad.data.learned import WINDOWS
from minigrad.data.notation import Notation
from minigrad.data.series import SUFFIXES, Gaps, Reading, Series, read_series


class WindowExamples(Examples):
    """Windows of a series and what follows each.

    The inputs are a view of the series; a batch copies its windows.

    Args:
        series: float32 (n, columns).
        length: the rows of a window; inputs are (N, length, columns).
        horizon: the rows that follow; targets are (N, horizon * num_columns), row by row.
        num_columns: the number of columns to forecast, which come first.
    """

    def __init__(self, series: np.ndarray, length: int, horizon: int, num_columns: int) -> None:
        windows = sliding_window_view(series, length + horizon, axis=0).swapaxes(1, 2)
        super().__init__(windows[:, :length], windows[:, length:, :num_columns].reshape(len(windows), -1))

    def batch(self, indices: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs and targets at `indices`.

        They are copies for an integer array, and views for a slice.
        """
        return self.inputs[indices], self.targets[indices]  # take() would copy all windows first


class Windows(Dataset):
    """A time series to forecast, from a CSV or array.

    An input is a window of `length` rows, float32 (length, columns): the columns to forecast, then those of `inputs`,
    standardized with the mean and standard deviation of the training part. Its target is the `horizon` rows that
    follow, of the columns to forecast, in the same scale: float32 (horizon * columns,), row by row. `in_units` converts
    predictions back to the units of the file.

    The rows are in order of time. The first ones are for training, the next for validation, the last for the test, and
    no window extends from one part into another.

    Args:
        path: a UTF-8 CSV file, whose first line names the columns, or an .npy file (n,) or (n, columns); a relative
            path may also be in $MINIGRAD_DATA. In Python also an array or a data frame.
        column: the column to forecast, or several. The columns of an array are named "0", "1" and so on, and by default
            all are forecast.
        length: the number of rows of an input.
        horizon: the number of rows to forecast.
        inputs: further columns of the input.
        time: a column of numbers or dates, which must increase from row to row; it is checked, but is not an input.
        missing: whether missing numbers are refused ("error"), or filled with the previous number ("previous").
        delimiter: the character between cells.
        decimal: the decimal separator.
        thousands: the thousands separator; by default none.
        val_fraction: the fraction of the rows for validation.
        test_fraction: the fraction for the test part.

    Raises:
        DataError: for all problems at once, with line and column: missing values, numbers that are not finite, rows out
            of order, a missing column, a part too short for a window.
    """

    _learned = WINDOWS

    def __init__(
        self,
        path: str | np.ndarray | Frame,
        column: str | tuple[str, ...] = (),
        length: int = 24,
        horizon: int = 1,
        inputs: tuple[str, ...] = (),
        time: str | None = None,
        missing: Gaps = "error",
        delimiter: str = ",",
        decimal: str = ".",
        thousands: str = "",
        val_fraction: float = 0.2,
        test_fraction: float = 0.2,
    ) -> None:
        if length < 1 or horizon < 1:
            raise DataError(f"length and horizon count rows and are at least 1, got {length} and {horizon}")
        self._length, self._horizon = length, horizon
        self._reading = Reading(missing, delimiter, Notation(decimal, thousands), time)
        findings = Findings(path if isinstance(path, str) else "Windows")
        asked = (*((column,) if isinstance(column, str) else column), *inputs)
        for name in dict.fromkeys(asked):
            if asked.count(name) > 1 or name == time:
                findings.refuse(f"column {name!r} is asked for twice: name it in `column`, in `inputs` or in `time`")
        source = find(path) if isinstance(path, str) else path
        series = read_series(source, asked, self._reading, findings)
        self._columns, self._digest = series.names, series.digest
        self._num_columns = len(series.names) - len(inputs)
        cuts = self._cut(findings.path, len(series.values), val_fraction, test_fraction)
        self._scales = tuple(map(Scale.learn, series.values[: cuts[0]].T))
        for name, values in zip(series.names, series.values.T, strict=True):
            if not np.ptp(values[: cuts[0]]):
                findings.note(f"holds {values[0]:g} in the whole training part: there is nothing to learn", name)
        scaled = self._scale(series, findings)
        self.train, self.val, self.test = (
            WindowExamples(part, length, horizon, self._num_columns)
            for part in (scaled[: cuts[0]], scaled[cuts[0] : cuts[1]], scaled[cuts[2] :])
        )
        findings.warn()

    def _cut(self, path: str, rows: int, val_fraction: float, test_fraction: float) -> list[int]:
        """Return where the validation part begins and ends, and where the test part begins.

        Raises:
            DataError: if a part has no window.
        """
        test = rows - round(rows * test_fraction)
        val, end = test - round(rows * val_fraction), test
        if fold := current():
            val, end = fold_bounds(fold, np.ones(test, int), True, "rows")
        needed = self._length + self._horizon
        for part, found in (("training", val), ("validation", end - val), ("test", rows - test)):
            if found < needed:
                raise DataError(
                    f"{path}: of {rows:,} rows, {max(found, 0):,} are for {part}, and a window of length "
                    f"{self._length} with its horizon of {self._horizon} needs {needed}: take a longer series, a "
                    f"smaller length, or other fractions"
                )
        return [val, end, test]

    def _scale(self, series: Series, findings: Findings) -> np.ndarray:
        """Return a series in the scale of the model, float32.

        Raises:
            DataError: for numbers beyond the range of float32.
        """
        scaled = np.empty(series.values.shape, np.float32)
        for i, scale in enumerate(self._scales):
            with np.errstate(over="ignore"):
                scaled[:, i] = scale.apply(series.values[:, i])
            if not np.isfinite(scaled[:, i]).all():
                row = int(np.isfinite(scaled[:, i]).argmin())
                findings.refuse(
                    f"{series.values[row, i]:g} is too far from what the model learns from: standardized, it leaves "
                    f"the range of float32",
                    series.names[i],
                    int(series.lines[row]),
                )
        findings.check()
        return scaled

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input: (length, columns)."""
        return (self._length, len(self._columns))

    @property
    def num_columns(self) -> int:
        """The number of input columns.

        It is the input size of a recurrent layer.
        """
        return len(self._columns)

    @property
    def input_scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Each column's mean and standard deviation, (columns,).

        They are in the units of the file.
        """
        means, stds = (np.array([getattr(scale, part) for scale in self._scales]) for part in ("mean", "std"))
        return means, stds

    @property
    def num_targets(self) -> int:
        """The number of forecast values: horizon * columns."""
        return len(self.target_names)

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of forecast values, as `load+1`.

        A name is the column and the number of rows ahead.
        """
        ahead = range(1, self._horizon + 1)
        return tuple(f"{name}+{i}" for i in ahead for name in self._columns[: self._num_columns])

    def in_units(self, amounts: np.ndarray) -> np.ndarray:
        """Return targets or outputs in the file's units.

        They are (N, horizon * columns).
        """
        return unscaled(amounts, self._scales[: self._num_columns] * self._horizon)

    def original(self, inputs: np.ndarray) -> dict[str, list[str]]:
        """Return each window's last row, in the file's units.

        The windows are (n, length, columns).
        """
        last = inputs[:, -1].astype(np.float64)
        return {
            f"{name}, last": [f"{x:.6g}" for x in last[:, i] * scale.std + scale.mean]
            for i, (name, scale) in enumerate(zip(self._columns, self._scales, strict=True))
        }

    @property
    def horizon(self) -> int:
        """The number of rows to forecast."""
        return self._horizon

    def read_inputs(self, path: str | Path) -> np.ndarray:
        """Read the last window of a file, (1, length, columns).

        The file has the same columns. The model's forecast from it is for the rows that would follow.

        Raises:
            DataError: as the constructor, and if there are too few rows for a window.
        """
        if Path(path).suffix.lower() not in SUFFIXES:
            known = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
            raise DataError(f"{path}: the inputs of Windows are read from {known} files")
        findings = Findings(str(path))
        series = read_series(Path(path), self._columns, replace(self._reading, time=None), findings)
        if len(series.values) < self._length:
            raise DataError(
                f"{path}: expected at least {self._length} rows, which the model sees, found {len(series.values)}"
            )
        return self._scale(series, findings)[np.newaxis, -self._length :]

    @property
    def input_suffixes(self) -> tuple[str, ...]:
        """The suffixes of the files that `read_inputs` takes."""
        return SUFFIXES

    def state_dict(self) -> dict[str, Any]:
        """Return the columns, scales, sizes and notation.

        These are the names and scales of the columns, the sizes of a window, and the notation of the file.
        """
        return {
            "columns": self._columns,
            "num_columns": self._num_columns,
            "scales": [(scale.mean, scale.std) for scale in self._scales],
            "length": self._length,
            "horizon": self._horizon,
            "missing": self._reading.missing,
            "delimiter": self._reading.delimiter,
            "decimal": self._reading.notation.decimal,
            "thousands": self._reading.notation.thousands,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`, to scale in the same way."""
        self._columns = tuple(state_dict["columns"])
        self._num_columns = state_dict["num_columns"]
        self._scales = tuple(Scale(*scale) for scale in state_dict["scales"])
        self._length, self._horizon = state_dict["length"], state_dict["horizon"]
        notation = Notation(state_dict["decimal"], state_dict["thousands"])
        self._reading = Reading(state_dict["missing"], state_dict["delimiter"], notation)
