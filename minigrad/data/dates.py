"""Fast parsing of many dates with fields of equal width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_ISO = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def seconds_of(cells: Sequence[str], form: str) -> np.ndarray | None:
    """Return dates as seconds since 1970 (UTC), or None.

    The result is float64 (N,), or None if the dates must be parsed one by one.

    Args:
        cells: the dates, none of them missing.
        form: the format, as `datetime.strptime` takes it; ISO 8601 if empty.
    """
    try:
        [width] = set(map(len, cells))
        letters = np.frombuffer("".join(cells).encode("ascii"), np.uint8).reshape(len(cells), width)
    except ValueError:  # cells of different lengths, or with characters beyond ASCII
        return None
    for each in (form,) if form else _ISO:
        if (parts := _parts(letters, each)) is not None:
            return _seconds(parts)
    return None


def _parts(letters: np.ndarray, form: str) -> dict[str, np.ndarray] | None:
    """Return the numbers in dates (N, width), by format letter.

    The result is None if not all dates have that form.
    """
    parts: dict[str, np.ndarray] = {}
    at = 0
    for letter, mark in re.findall(r"%(.)|(.)", form, re.DOTALL):
        width = _WIDTHS.get(letter, 0) if letter else 1
        part = letters[:, at : at + width]
        if not width or part.shape[1] < width or letter in parts:
            return None
        if mark:
            if not (part == ord(mark)).all():
                return None
        else:
            digits = part - np.uint8(ord("0"))  # characters below "0" wrap around
            if digits.max() > 9:
                return None
            parts[letter] = digits @ 10 ** np.arange(width)[::-1]
        at += width
    return parts if at == letters.shape[1] and {"Y", "m", "d"} <= parts.keys() else None


def _seconds(parts: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the seconds of dates, or None for invalid ones."""
    year, month, day = (parts[letter] for letter in "Ymd")
    hour, minute, second = (parts.get(letter, np.zeros(len(year), np.int64)) for letter in "HMS")
    if year.min() < 1 or month.min() < 1 or month.max() > 12 or hour.max() > 23 or max(minute.max(), second.max()) > 59:
        return None
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    if day.min() < 1 or (days.astype("datetime64[M]") != months).any():
        return None
    seconds: np.ndarray = days.astype(np.int64) * 86_400.0 + (hour * 3600 + minute * 60 + second)
    return seconds


def year_and_month(days: Any) -> tuple[Any, Any]:
    """Return the years and months of days since 1970.

    The days are float64 (N,), an array or a tensor; months are from 0 to 11. The proleptic Gregorian calendar repeats
    every 400 years. Years are counted from March, so that the leap day is the last day of a year (H. Hinnant,
    "chrono-compatible low-level date algorithms", civil_from_days).
    """
    days = days + 719_468  # since March 1 of the year 0
    cycle = np.floor(days / 146_097)
    day = days - cycle * 146_097
    year = np.floor((day - np.floor(day / 1460) + np.floor(day / 36_524) - np.floor(day / 146_096)) / 365)
    day = day - (365 * year + np.floor(year / 4) - np.floor(year / 100))
    month = np.floor((5 * day + 2) / 153)  # 0 is March
    return year + 400 * cycle + np.floor(month / 10), (month + 2) % 12
