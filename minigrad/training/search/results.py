"""The results table of a sweep, best first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigrad.formats.atomic import write_durably
from minigrad.runs.tables import align, format_value, spread
from minigrad.training.search.member import Member, number


def table(members: Sequence[Member]) -> str:
    """Return the members as a table, best first.

    They are sorted by the monitored value. Members without a value are last. Repeats of one point with different seeds
    and folds share a line with their mean and standard deviation.
    """
    if not members:
        return "no run was started"
    keys = list(dict.fromkeys(key for member in members for key in member.point))
    monitor, groups = _rank(members)
    repeated = any(len(group) > 1 for group in groups)
    rows = [[*keys, monitor, *(["runs"] if repeated else ["step", "run"]), "status"]]
    for group in groups:
        first = group[0]
        settings = [format_value(first.point[key]) if key in first.point else "-" for key in keys]
        if repeated:
            values = [member.value for member in group if member.value is not None]
            rows.append([*settings, spread(values), f"{len(values)} of {len(group)}", _status(group)])
        else:
            step = str(first.best["step"]) if first.best else "-"
            rows.append([*settings, number(first.value), step, first.run or "-", _short(first.status)])
    return align(rows)


def save_table(members: Sequence[Member], path: Path) -> None:
    """Write a line of CSV for each member.

    Raises:
        OSError: if that fails.
    """
    keys = list(dict.fromkeys(key for member in members for key in member.overrides))
    monitor, groups = _rank(members)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, monitor, "step", "run", "status"])
    for member in (member for group in groups for member in group):
        changes = member.overrides
        settings = [_cell(changes[key]) if key in changes else "" for key in keys]
        step = member.best["step"] if member.best else ""
        value = "" if member.value is None else member.value
        writer.writerow([*settings, value, step, member.run, member.status])
    write_durably(path, text.getvalue().encode())


def _rank(members: Sequence[Member]) -> tuple[str, list[list[Member]]]:
    """Return the monitored name, and groups of repeats, best first."""
    best = [member.best for member in members if member.best is not None]
    monitor, sign = (best[0]["monitor"], -1 if best[0]["mode"] == "max" else 1) if best else ("value", 1)
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(member.group, []).append(member)

    def place(group: Sequence[Member]) -> tuple[bool, float]:
        values = [member.value for member in group if member.value is not None]
        return (False, sign * sum(values) / len(values)) if values else (True, 0.0)

    return monitor, sorted(groups.values(), key=place)


def _status(group: Sequence[Member]) -> str:
    """Return the status of a group, which names the first member that is not done."""
    other = [member for member in group if member.status != "done"]
    if not other:
        return "done"
    which = " ".join(f"{key}={format_value(value)}" for key, value in other[0].repeat.items())
    more = f", and {len(other) - 1} more" if len(other) > 1 else ""
    return f"{which} {_short(other[0].status)}{more}".strip()


def _short(status: str) -> str:
    """Return a status without the remedies for a failure, which are in the member's log and the CSV file."""
    return status.partition(";")[0]


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else json.dumps(value)
