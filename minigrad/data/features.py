"""Features: columns of a table as inputs of a model.

A feature learns from the training part how to encode a column, and then encodes any rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from minigrad.data.columns import Column, Dates, Numbers, Texts
from minigrad.data.dates import year_and_month
from minigrad.data.errors import DataError
from minigrad.data.learned import FEATURES
from minigrad.data.notation import MISSING, DateFormat, Notation
from minigrad.data.options import Missing
from minigrad.facts import require


@dataclass(frozen=True)
class Scale:
    """Standardization: subtract `mean`, divide by `std`."""

    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def learn(cls, numbers: np.ndarray) -> Scale:
        """Learn the mean and standard deviation of numbers (N,).

        The variance is divided by N. Constant numbers are only centered.
        """
        width = float(np.ptp(numbers))
        if not width:
            return cls(float(numbers.mean()))
        # a power of two, so that scaling changes no bit unless squares would overflow or underflow float64
        exponent = int(np.frexp(width)[1])
        return cls(float(numbers.mean()), float(np.ldexp(np.ldexp(numbers, -exponent).std(), exponent)))

    def apply(self, numbers: Any) -> Any:
        """Return standardized numbers (N,), float64.

        They are an array or a tensor. Numbers out of range become infinite.
        """
        with np.errstate(over="ignore"):
            return (numbers - self.mean) / self.std


def unscaled(amounts: np.ndarray, scales: Sequence[Scale]) -> np.ndarray:
    """Return amounts (N, k) in the units of k scales."""
    stds, means = ([getattr(scale, part) for scale in scales] for part in ("std", "mean"))
    return (amounts.astype(np.float64) * stds + means).astype(amounts.dtype)


@dataclass(frozen=True)
class Feature(ABC):
    """A column as inputs, as learned from the training part.

    Args:
        name: the name of the column.
    """

    kind: ClassVar[str]
    name: str

    @property
    @abstractmethod
    def input_names(self) -> tuple[str, ...]:
        """The names of its inputs."""

    @abstractmethod
    def column(self, notation: Notation) -> Column:
        """Return an empty column of the same kind."""

    @abstractmethod
    def parts(self, values: Any) -> list[Any]:
        """Return the inputs of cells as numbers.

        The cells are float64 (N,), and so is each input: an array, or a tensor if the cells are one.
        """

    def encode(self, column: Column, rows: np.ndarray, inputs: np.ndarray) -> None:
        """Write rows of a column to `inputs`.

        The inputs are float32 (len(rows), len(input_names)), initially 0. Values beyond the range of float32 become
        infinite.
        """
        with np.errstate(over="ignore"):
            for i, part in enumerate(self.parts(column.values[rows])):
                inputs[:, i] = part

    @abstractmethod
    def decode(self, inputs: np.ndarray) -> list[str]:
        """Return the cells of input values, where recoverable.

        The values are (n, len(input_names)).
        """

    def state(self) -> dict[str, Any]:
        """Return its state, which can be stored as JSON."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class NumberFeature(Feature):
    """Standardized numbers, with missing ones filled.

    Args:
        mean: the mean of the training part, after filling.
        std: its standard deviation.
        fill: the number used for missing ones; None if missing numbers are refused.
        gap: whether there is a second input, which is 1 where the number is missing.
        sign: the percent or currency sign of every number.
    """

    kind = "number"
    mean: float = 0.0
    std: float = 1.0
    fill: float | None = None
    gap: bool = False
    sign: str = ""

    @classmethod
    def learn(cls, column: Numbers, train: np.ndarray, missing: Missing) -> NumberFeature:
        """Learn from the rows `train` of a column."""
        filled, fill = _fill(column, train, missing)
        scale = Scale.learn(filled)
        return cls(column.name, scale.mean, scale.std, fill, _has_gap(column, missing), column.notation.sign)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The column's name, and `name=missing` for the second input."""
        return (self.name, f"{self.name}=missing") if self.gap else (self.name,)

    def column(self, notation: Notation) -> Column:
        """Return an empty column of numbers with the same sign."""
        return Numbers(self.name, notation, sign=self.sign)

    def parts(self, values: Any) -> list[Any]:
        """Return the standardized numbers, and where they are missing."""
        numbers, missing = _without_gaps(values, self.fill)
        return [Scale(self.mean, self.std).apply(numbers), *([missing] if self.gap else [])]

    def decode(self, inputs: np.ndarray) -> list[str]:
        """Return the numbers, to six digits."""
        numbers = inputs[:, 0].astype(np.float64) * self.std + self.mean
        texts = [f"{x:.6g}" for x in (numbers * 100 if self.sign == "%" else numbers) + 0.0]
        return ["" if self.gap and row[-1] else text + self.sign for text, row in zip(texts, inputs, strict=True)]


@dataclass(frozen=True)
class CategoryFeature(Feature):
    """Categories, as one-hot inputs or embedding indices.

    One-hot inputs are 1 for the text of the cell and 0 for all others.

    Args:
        values: the texts, in ascending order; the empty one means a missing text.
        fill: the text used for missing ones; None if missing texts are refused.
        unseen: whether new texts are accepted, with all inputs 0.
        embed: whether the input is a single index for an embedding: 1 for the first of `values`, 0 for a new text.
    """

    kind = "category"
    values: tuple[str, ...] = ()
    fill: str | None = None
    unseen: bool = False
    embed: bool = False

    @classmethod
    def learn(cls, column: Texts, train: np.ndarray, missing: Missing, unseen: bool, embed: bool) -> CategoryFeature:
        """Learn from the rows `train` of a column."""
        codes = column.values[train]
        numbers = np.bincount(codes[codes >= 0], minlength=len(column.found)).tolist()
        counts = dict(zip(column.found, numbers, strict=True))
        values = tuple(text for text in column.categories() if counts[text] or not unseen)
        fill = None
        if missing in ("mean", "median", "most_frequent") and values:
            fill = max(values, key=lambda text: counts[text])
        elif _has_gap(column, missing):
            values, fill = ("", *values), ""
        return cls(column.name, values, fill, unseen, embed)

    @property
    def input_names(self) -> tuple[str, ...]:
        """`name=value` for each value, or the embedded column's name."""
        return (self.name,) if self.embed else tuple(f"{self.name}={value or 'missing'}" for value in self.values)

    def column(self, notation: Notation) -> Column:
        """Return an empty column of texts."""
        return Texts(self.name, notation, MISSING if self.fill is not None else {"", "nan"})

    def parts(self, values: Any) -> list[Any]:
        """Return the inputs of positions in `values`, (N,).

        The position of a new text is -1; its inputs are NaN if new texts are refused.
        """
        known = [values + 1.0] if self.embed else [1.0 * (values == i) for i in range(len(self.values))]
        return known if self.unseen else [np.where(values < 0, np.nan, part) for part in known]

    def encode(self, column: Column, rows: np.ndarray, inputs: np.ndarray) -> None:
        """Write one-hot inputs, or embedding indices."""
        assert isinstance(column, Texts)
        place = {value: i for i, value in enumerate(self.values)}
        known = np.array([place.get(text, -1) for text in column.found] + [place.get(self.fill or "", -1)])
        codes = known[column.values[rows]]  # a missing text has the code -1, the last index
        if self.embed:
            inputs[:, 0] = codes + 1
            return
        there = np.flatnonzero(codes >= 0)
        inputs[there, codes[there]] = 1

    def decode(self, inputs: np.ndarray) -> list[str]:
        """Return the texts, "?" for a new one."""
        codes = inputs[:, 0].astype(np.intp) - 1 if self.embed else inputs.argmax(axis=1)
        known: np.ndarray = inputs.max(axis=1) > 0
        return [self.values[i] if is_known else "?" for i, is_known in zip(codes.tolist(), known.tolist(), strict=True)]

    def strangers(self, column: Texts) -> list[str]:
        """Return the unknown texts of a column."""
        known = set(self.values)
        return [text for text in column.found if text not in known]


@dataclass(frozen=True)
class DateFeature(Feature):
    """Dates as calendar features.

    The inputs are the standardized year and days since 1970, and the sine and cosine of month, weekday and hour.

    Args:
        form: the date format.
        year: the scale of the years, learned from the training part.
        elapsed: the scale of the days since 1970.
        hours: whether any date of the training part has a time of day.
        fill: the date used for missing ones, in seconds since 1970; None if missing dates are refused.
        gap: whether there is an input that is 1 where the date is missing.
    """

    kind = "date"
    form: str = ""
    year: tuple[float, float] = (0.0, 1.0)
    elapsed: tuple[float, float] = (0.0, 1.0)
    hours: bool = False
    fill: float | None = None
    gap: bool = False

    @classmethod
    def learn(cls, column: Dates, train: np.ndarray, missing: Missing) -> DateFeature:
        """Learn from the rows `train` of a column."""
        filled, fill = _fill(column, train, missing)
        scales = [Scale.learn(numbers) for numbers in (year_and_month(np.floor(filled / 86_400))[0], filled / 86_400)]
        year, elapsed = ((scale.mean, scale.std) for scale in scales)
        has_hours = bool((filled % 86_400).any())
        return cls(column.name, column.form.form, year, elapsed, has_hours, fill, _has_gap(column, missing))

    @property
    def input_names(self) -> tuple[str, ...]:
        """`name.year`, `name.month.sin` and so on."""
        circles = ("month", "weekday", "hour") if self.hours else ("month", "weekday")
        around = [f"{circle}.{axis}" for circle in circles for axis in ("sin", "cos")]
        names = tuple(f"{self.name}.{part}" for part in ("year", *around, "elapsed"))
        return (*names, f"{self.name}=missing") if self.gap else names

    def column(self, notation: Notation) -> Column:
        """Return an empty column of dates in the same format."""
        return Dates(self.name, DateFormat(self.form))

    def parts(self, values: Any) -> list[Any]:
        """Return the inputs of dates, given in seconds since 1970."""
        seconds, missing = _without_gaps(values, self.fill)
        days = np.floor(seconds / 86_400)
        year, month = year_and_month(days)
        turns = [month / 12, (days + 3) % 7 / 7]  # 1970 began on a Thursday
        if self.hours:
            turns.append(seconds / 86_400 % 1)
        circles = [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
        parts = [Scale(*self.year).apply(year), *circles, Scale(*self.elapsed).apply(seconds / 86_400)]
        return [*parts, missing] if self.gap else parts

    def decode(self, inputs: np.ndarray) -> list[str]:
        """Return the dates in ISO 8601, to the minute."""
        parts = inputs.astype(np.float64)
        days = parts[:, 7 if self.hours else 5] * self.elapsed[1] + self.elapsed[0]
        turns = np.arctan2(parts[:, 5], parts[:, 6]) / (2 * np.pi) % 1 if self.hours else np.zeros(len(parts))
        minutes = np.rint(days - turns) * 1440 + np.rint(turns * 1440)
        texts = minutes.astype("datetime64[m]").astype(str)
        gaps = parts[:, -1] > 0 if self.gap else np.zeros(len(parts), bool)
        return ["" if gap else text if self.hours else text[:10] for text, gap in zip(texts, gaps, strict=True)]


def restored(state: Mapping[str, Any]) -> Feature:
    """Restore a feature from its `state`.

    Raises:
        DataError: if a part is missing or unknown.
    """
    kinds: dict[str, Callable[..., Feature]] = {cls.kind: cls for cls in (NumberFeature, CategoryFeature, DateFeature)}
    arguments: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in state.items()
    }
    try:
        kind = arguments.pop("kind")
        require(arguments, FEATURES[kind])
        return kinds[kind](**arguments)
    except (KeyError, TypeError) as error:
        raise DataError(f"what the run keeps of a column is from another version: {error}") from error


def _fill(column: Column, train: np.ndarray, missing: Missing) -> tuple[np.ndarray, float | None]:
    """Return training numbers without gaps, and the value used for gaps."""
    part = column.values[train]
    gaps = np.isnan(part)
    present = part[~gaps]
    if missing in ("error", "drop") or (missing == "category" and not column.gaps):
        return part, None
    if missing == "most_frequent":
        values, counts = np.unique(present, return_counts=True)
        fill = float(values[counts.argmax()])
    else:
        fill = float(np.median(present) if missing == "median" else present.mean())
    return np.where(gaps, fill, part), fill


def _has_gap(column: Column, missing: Missing) -> bool:
    return missing == "category" and column.gaps > 0


def _without_gaps(values: Any, fill: float | None) -> tuple[Any, Any]:
    """Return numbers with gaps filled, and which ones were missing."""
    missing = np.isnan(values)
    return (values if fill is None else np.where(missing, fill, values)), missing
