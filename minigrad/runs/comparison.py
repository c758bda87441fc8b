"""Comparison of runs: differing settings and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from minigrad.runs.index import Summary
from minigrad.runs.settings import REPEATS, varying
from minigrad.runs.tables import Group, align, format_value, group_repeats, mean_and_deviation, spread


@dataclass
class Comparison:
    """Runs to compare.

    Args:
        runs: two or more runs.
    """

    runs: Sequence[Summary]

    @cached_property
    def keys(self) -> list[str]:
        """The settings that differ, except seed and fold."""
        return [key for key in varying([run.settings for run in self.runs]) if key not in REPEATS]

    @cached_property
    def same(self) -> dict[str, Any]:
        """The settings that all runs share."""
        other = {*self.keys, *REPEATS}
        first = self.runs[0].settings
        return {
            key: value
            for key, value in first.items()
            if key not in other and all(key in run.settings and run.settings[key] == value for run in self.runs)
        }

    @property
    def names(self) -> list[str]:
        """The names of the experiments."""
        return list(dict.fromkeys(str(run.settings.get("name", run.path)) for run in self.runs))

    @cached_property
    def results(self) -> list[str]:
        """The names of the validation and test results."""
        names = dict.fromkeys(name for run in self.runs for name in run.results)
        return sorted((name for name in names if not name.startswith("train/")), key=lambda n: n.startswith("test/"))

    @property
    def monitor(self) -> str:
        """The monitored result of the first run that has one."""
        return next((run.best["monitor"] for run in self.runs if run.best), "val/loss")

    @cached_property
    def ranked(self) -> list[Group]:
        """Groups of repeats, best mean first.

        Repeats differ only in seed or fold. Groups without a value are last.
        """
        sign = -1 if self._mode(self.monitor) == "max" else 1

        def place(group: Group) -> tuple[bool, float]:
            return (False, sign * mean_and_deviation(group.best)[0]) if group.best else (True, 0.0)

        return sorted(group_repeats(self.runs), key=place)

    def best_of(self, name: str) -> Group | None:
        """Return the group with the best mean of a result.

        The result is None if its better direction is unknown.
        """
        mode = self._mode(name)
        groups = [group for group in self.ranked if group.values(name)]
        if mode is None or len(groups) < 2:
            return None
        return (max if mode == "max" else min)(groups, key=lambda group: mean_and_deviation(group.values(name))[0])

    def table(self) -> str:
        """Return a table of the groups' settings and results."""
        rows = [[*self.keys, *self.results, "runs"]]
        for group in self.ranked:
            settings = [format_value(group.settings[key]) if key in group.settings else "-" for key in self.keys]
            rows.append([*settings, *(spread(group.values(name)) for name in self.results), _runs(group)])
        return align(rows)

    def _mode(self, name: str) -> str | None:
        measured = name.rpartition("/")[2]
        for run in self.runs:
            if run.best and str(run.best.get("monitor")).rpartition("/")[2] == measured:
                return str(run.best.get("mode"))
        return "min" if measured == "loss" else None


def _runs(group: Group) -> str:
    first = group.runs[0]
    other = [run.status for run in group.runs if run.status != "done"]
    note = f", {len(other)} {'/'.join(dict.fromkeys(other))}" if other else ""
    return f"{first.path}{note}" if len(group.runs) == 1 else f"{len(group.runs)} from {first.path}{note}"
