"""Options of a table's columns in a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from minigrad.data.columns import Column, Dates, Kind, Numbers, Texts, Unknown
from minigrad.data.errors import DataError, Findings, nearest
from minigrad.data.notation import MISSING, DateFormat, Notation

Missing = Literal["error", "mean", "median", "most_frequent", "category", "drop"]
"""The treatment of missing cells: `error` refuses them; `mean`, `median` and `most_frequent` fill in that value of the
training part (for texts always the most frequent); `category` makes them a category of their own or, for numbers, fills
in the mean and adds an input that marks them; `drop` leaves out the row."""


@dataclass(frozen=True)
class TableOptions:
    """Options of a table's columns: roles and notations.

    See `Table` for each of them.
    """

    targets: tuple[str, ...]
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    embed: tuple[str, ...] = ()
    dates: Mapping[str, str] = field(default_factory=dict)
    missing: Missing | Mapping[str, Missing] = "error"
    notation: Notation = field(default_factory=Notation)
    weight: str | None = None
    group: str | None = None
    time: str | None = None

    def __post_init__(self) -> None:
        decimal, thousands = self.notation.decimal, self.notation.thousands
        if decimal not in (".", ","):
            raise DataError(f"decimal is '.' or ',', got {decimal!r}")
        if len(thousands) > 1 or thousands == decimal or thousands.isalnum() or thousands in tuple('+-"'):
            raise DataError(
                f"thousands is the character between groups of three digits, such as ',', '.', ' ' or \"'\", "
                f"and not the decimal {decimal!r}; got {thousands!r}"
            )
        if self.group is not None and self.time is not None:
            raise DataError("group and time split the rows in two ways: give one of them")

    @property
    def declared(self) -> set[str]:
        """The columns whose type the config declares."""
        return {*self.categorical, *self.numeric, *self.embed, *self.dates}

    @property
    def helpers(self) -> set[str]:
        """The columns that weigh, group or order rows.

        They are inputs only if the config also declares their type.
        """
        return {name for name in (self.weight, self.group, self.time) if name is not None}

    def strategy(self, name: str) -> Missing:
        """Return what to do with a column's missing cells."""
        if isinstance(self.missing, str):
            # targets and helpers are never filled in
            return self.missing if self.missing == "drop" or name not in {*self.targets, *self.helpers} else "error"
        return self.missing.get(name, self.missing.get("*", "error") if name not in self.targets else "error")

    def is_input(self, name: str) -> bool:
        """Whether a column is an input."""
        return name not in {*self.targets, *self.ignore} and (name not in self.helpers or name in self.declared)

    def column(self, name: str) -> Column | None:
        """Return an empty column, or None if it is ignored.

        Its type is the one that the config declares, or is still open.
        """
        missing = {"", "nan"} if self.strategy(name) == "error" else MISSING
        kinds: dict[Kind, bool] = {
            "number": name in self.numeric or name == self.weight,
            "text": name in {*self.categorical, *self.embed} or name == self.group,
            "date": name in self.dates,
        }
        if name in self.ignore:
            return None
        if kinds["date"]:
            return Dates(name, DateFormat(self.dates[name]))
        if kinds["number"]:
            return Numbers(name, self.notation)
        if kinds["text"]:
            return Texts(name, self.notation, missing)
        return Unknown(name, self.notation, missing, DateFormat() if name == self.time else None)

    def check(self, names: Sequence[str], findings: Findings) -> None:
        """Report unknown columns, and options that exclude each other."""
        kinds = [*self.categorical, *self.numeric, *self.embed, *self.dates, *self.ignore]
        mapped = [] if isinstance(self.missing, str) else [name for name in self.missing if name != "*"]
        helpers = [name for name in (self.weight, self.group, self.time) if name is not None]
        for name in dict.fromkeys([*kinds, *self.targets, *helpers, *mapped]):
            if name not in names:
                findings.refuse(f"no column {name!r}; {nearest(name, list(names))}")
                continue
            excluded = [*self.targets, *helpers, *self.ignore].count(name) > 1 or kinds.count(name) > 1
            if name in self.targets and (name in self.embed or name in self.dates):
                excluded = True
            if name == self.weight and name in self.declared:
                excluded = True
            if excluded:
                findings.refuse(f"column {name!r} is asked for in two ways that exclude each other")
