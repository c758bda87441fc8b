"""Notations of numbers and dates in tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from minigrad.data.dates import seconds_of

MISSING = {"", "nan", "na", "n/a", "null", "?"}
"""The texts of missing numbers, in lower case."""

_GAPS = MISSING | {word.upper() for word in MISSING} | {word.capitalize() for word in MISSING}
"""The same in the usual capitalizations."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SPACES = {" ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}  # variants of thousands separators
_WITH_UNIT = re.compile(r"[-+]?\d[\d.,]*\s*([^\W\d_]+)")
_TESTED = 1000  # distinct texts of a column that suffice to infer its notation


@dataclass(frozen=True)
class Notation:
    """The notation of a column's numbers.

    Args:
        decimal: the decimal separator.
        thousands: the thousands separator; "" for none.
        sign: the percent or currency sign before or after every number; numbers with a percent sign are divided by 100.
    """

    decimal: str = "."
    thousands: str = ""
    sign: str = ""

    def __post_init__(self) -> None:
        for name in ("decimal", "thousands", "sign"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} is a character, got {getattr(self, name)!r}")

    def number(self, cell: str) -> float:
        """Return the number in a cell, NaN for missing ones.

        Raises:
            ValueError: if it is not a number in this notation.
        """
        text = cell.strip()
        if text.lower() in MISSING:
            return np.nan
        if self.sign:
            text = _without_sign(text, self.sign)
        if self.thousands:
            mark = _SPACES.get(self.thousands, re.escape(self.thousands))
            if re.match(rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?!\d)", text):
                whole, decimal, fraction = text.partition(self.decimal)
                text = re.sub(mark, "", whole) + decimal + fraction
        if self.decimal != ".":
            if "." in text:
                raise ValueError(cell)
            text = text.replace(self.decimal, ".", 1)
        if "_" in text:  # `float` would accept 1_000
            raise ValueError(cell)
        return float(text) / (100 if self.sign == "%" else 1)

    def numbers(self, cells: Sequence[str]) -> np.ndarray:
        """Return the numbers of cells, float64 (N,).

        They are NaN where one is missing.

        Raises:
            ValueError: as `number`.
        """
        if not self.thousands and not self.sign and (numbers := self._at_once(cells)) is not None:
            return numbers
        return np.fromiter(map(self.number, cells), np.float64, len(cells))

    def _at_once(self, cells: Sequence[str]) -> np.ndarray | None:
        """Return the numbers of cells, in a fifth of the time; None if they must be parsed one by one."""
        together = "\n".join(cells)
        if "_" in together:
            return None
        if self.decimal != ".":
            if "." in together:
                return None
            count = len(cells)
            cells = together.replace(self.decimal, ".").split("\n")
            if len(cells) != count:  # a cell contains a line break
                return None
        try:
            return np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass
        try:
            present = ["nan" if cell in _GAPS else cell for cell in cells]
            return np.fromiter(map(float, present), np.float64, len(cells))
        except ValueError:
            return None

    def reads(self, cell: str) -> bool:
        """Whether a cell contains a number, not a missing value."""
        try:
            return not np.isnan(self.number(cell))
        except ValueError:
            return False


def sign_of(cell: str) -> str:
    """Return the percent or currency sign at a cell's end.

    It may be at either end; "" if there is none.
    """
    text = cell.strip().lstrip("+-").lstrip()
    ends = (text[:1], text[-1:])
    return next((end for end in ends if end and (end == "%" or unicodedata.category(end) == "Sc")), "")


def other_notations(values: Sequence[str], notation: Notation) -> list[Notation]:
    """Return other notations in which all texts are numbers.

    There are two if all look like 1,234.
    """
    present = [value for value in values[:_TESTED] if value.lower() not in MISSING]
    if not present:
        return []
    sign = sign_of(present[0])
    reading = lambda decimal, thousands: all(map(Notation(decimal, thousands, sign).reads, present))
    decimals = (notation.decimal, "," if notation.decimal == "." else ".")
    found = [Notation(decimal, "", sign) for decimal in decimals if reading(decimal, "")][:1]
    for decimal in decimals:
        marks = [mark for mark in (notation.thousands, *",. '") if mark not in ("", decimal)]
        grouped = [Notation(decimal, mark, sign) for mark in marks if reading(decimal, mark)]
        if grouped and not reading(decimal, "") and (decimal == notation.decimal or not found):
            found.append(grouped[0])
    return [other for other in found if other != notation]


@dataclass(frozen=True)
class DateFormat:
    """The format of a column's dates.

    It is a format of `datetime.strptime`; ISO 8601 if empty.
    """

    form: str = ""

    def seconds(self, cell: str) -> float:
        """Return the seconds of a date since 1970.

        A date without a time zone is in UTC; a missing one is NaN.

        Raises:
            ValueError: if it is not a date in this format.
        """
        text = cell.strip()
        if text.lower() in MISSING:
            return np.nan
        moment = datetime.strptime(text, self.form) if self.form else datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return (moment - _EPOCH).total_seconds()

    def all_seconds(self, cells: Sequence[str]) -> np.ndarray:
        """Return the seconds of dates, float64 (N,).

        They are NaN where one is missing.

        Raises:
            ValueError: as `seconds`.
        """
        present = [cell for cell in cells if cell not in _GAPS]
        found = seconds_of(present, self.form) if present else None
        if found is None:
            return np.fromiter(map(self.seconds, cells), np.float64, len(cells))
        if len(present) == len(cells):
            return found
        seconds = np.full(len(cells), np.nan)
        seconds[[cell not in _GAPS for cell in cells]] = found
        return seconds

    def reads(self, cell: str) -> bool:
        """Whether a cell contains a date."""
        try:
            return not np.isnan(self.seconds(cell))
        except ValueError:
            return False


_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d")
_FORMS = ("", *_DAYS, *(f"{day} {time}" for day in _DAYS for time in ("%H:%M", "%H:%M:%S")))


def date_formats(values: Sequence[str]) -> list[DateFormat]:
    """Return the date formats that fit all texts.

    There are several if the order of day and month is ambiguous.
    """
    present = [value for value in values[:_TESTED] if value.lower() not in MISSING]
    if not present or not all(re.search(r"\d[-./]\d", value) for value in present):
        return []
    return [form for form in map(DateFormat, _FORMS) if all(map(form.reads, present))]


def other_date(values: Sequence[str]) -> str | None:
    """Return the first date in another format than those before.

    It is None if there is none, or if not all texts are dates.
    """
    present = [value for value in values[:_TESTED] if value.lower() not in MISSING]
    if not all(re.search(r"\d[-./]\d", value) for value in present):
        return None
    forms = list(map(DateFormat, _FORMS))
    common = forms
    other: str | None = None
    for value in present:
        fitting = [form for form in forms if form.reads(value)]
        if not fitting:
            return None
        common = [form for form in common if form in fitting]
        if not common and other is None:
            other = value
    return other


def unit_of(values: Sequence[str]) -> str:
    """Return the unit that follows the number in each text.

    It is "" if there is none, or several.
    """
    found = [_WITH_UNIT.fullmatch(value) for value in values[:_TESTED] if value.lower() not in MISSING]
    units = {match[1] if match else "" for match in found}
    return units.pop() if len(units) == 1 else ""


def _without_sign(text: str, sign: str) -> str:
    """Return a number without its percent or currency sign.

    Raises:
        ValueError: if it does not have that sign.
    """
    minus = text[:1] if text[:1] in "+-" else ""
    rest = text[len(minus) :].strip()
    if rest.startswith(sign):
        return minus + rest[len(sign) :].strip()
    if rest.endswith(sign):
        return minus + rest[: -len(sign)].strip()
    raise ValueError(text)
