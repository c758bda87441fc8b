"""Runs as rows of a text table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from minigrad.runs.index import Summary
from minigrad.runs.settings import REPEATS, varying


@dataclass
class Group:
    """Repeats: runs that differ only in seed or fold.

    Attributes:
        settings: the settings, by key, that differ from those of other groups.
        runs: the runs of the group.
    """

    settings: dict[str, Any]
    runs: list[Summary] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The settings, such as `optimizer.lr=0.01`, or the experiment's name."""
        text = ", ".join(f"{key}={format_value(value)}" for key, value in self.settings.items())
        return text or str(self.runs[0].settings.get("name", self.runs[0].path))

    def values(self, name: str) -> list[float]:
        """Return the runs' values of a result."""
        return [run.results[name] for run in self.runs if name in run.results]

    @property
    def best(self) -> list[float]:
        """The best values of the runs that have one."""
        return [run.value for run in self.runs if run.value is not None]


def group_repeats(runs: Sequence[Summary]) -> list[Group]:
    """Return runs in groups of repeats, in order."""
    keys = [key for key in varying([run.settings for run in runs]) if key not in REPEATS]
    groups: dict[str, Group] = {}
    for run in runs:
        settings = {key: run.settings[key] for key in keys if key in run.settings}
        groups.setdefault(json.dumps(settings, sort_keys=True), Group(settings)).runs.append(run)
    return list(groups.values())


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the sample standard deviation.

    The deviation of a single value is None.
    """
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def spread(values: Sequence[float]) -> str:
    """Format values as mean ± deviation, or `-`."""
    if not values:
        return "-"
    mean, deviation = mean_and_deviation(values)
    return f"{mean:.4g}" if deviation is None else f"{mean:.4g} ± {deviation:.2g}"


def format_value(value: Any) -> str:
    """Format a setting as on the command line.

    Long numbers have four significant digits.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and len(text) > 8:
        return f"{value:.4g}"
    return text if len(text) <= 40 else f"{text[:39]}…"


def align(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of texts as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
