"""Grids and repeats: the settings of a sweep's members."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import isfinite, isnan
from typing import Any

from minigrad.config import ConfigError, Diagnostic
from minigrad.config.diagnostics import Diagnostics, Source, Span
from minigrad.config.nodes import Node, SequenceNode, data
from minigrad.config.reader import read
from minigrad.config.sources import OVERRIDES


def read_grid(sweeps: Sequence[str]) -> list[dict[str, Any]]:
    """Return all combinations of the values of `key=[a, b]` texts.

    The last key changes fastest.

    Raises:
        ConfigError: with its place, for what is no such list.
    """
    report = Diagnostics()
    values: dict[str, list[Any]] = {}
    for text in sweeps:
        source = Source("--grid", text)
        key, found = read_list(source, report)
        if found is None:
            report.add(Span(source, 1, 1, len(text)), "expected key=[value, …]", "as in 'optimizer.lr=[1e-3, 3e-3]'")
        elif key in values:
            report.add(Span(source, 1, 1, len(key)), f"'{key}' is swept twice", "join the two lists")
        else:
            values[key] = found
    report.check()
    return [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]


def read_list(source: Source, report: Diagnostics) -> tuple[str, list[Any] | None]:
    """Return key and values of a `key=[a, b]` text.

    None if it is no list.
    """
    key, items = _items(source, report)
    return key, [data(item) for item in items] or None


def _items(source: Source, report: Diagnostics) -> tuple[str, list[Node]]:
    """Return key and values of a `key=[a, b]` text, with places. No values if it is no list."""
    key, sign, after = source.text.partition("=")
    try:
        node = read(source, " " * (len(key) + 1) + after, report) if sign else None
    except ConfigError:  # it is in the report, where others may follow
        return key, []
    return key, node.items if isinstance(node, SequenceNode) else []


def repeats_of(seed: int, seeds: int, folds: int) -> list[dict[str, Any]]:
    """Return the seeds and folds of a point's repeats.

    There are `repeats` seeds from `seed` on, each with all folds.
    """
    found: list[dict[str, Any]] = [{"seed": seed + i} for i in range(seeds)] if seeds > 1 else [{}]
    if folds:
        found = [{**each, "fold": [i, folds]} for each in found for i in range(1, folds + 1)]
    return found


def overrides_of(point: dict[str, Any]) -> list[str]:
    """Return a point of a grid as overrides."""
    return [f"{key}={inline(value)}" for key, value in point.items()]


def inline(value: Any) -> str:
    """Return plain data as YAML in one line.

    It is JSON, but for numbers that are not finite.
    """
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, float) and not isfinite(value):
        return ".nan" if isnan(value) else f"{'-' if value < 0 else ''}.inf"
    return json.dumps(value)


class Refusals:
    """Errors of a sweep's members, each once.

    They point to the command line.

    Args:
        option: of the command line whose texts have the values.
        texts: `key=[a, b]`, or a range, each with another key.
    """

    def __init__(self, option: str, texts: Sequence[str]) -> None:
        self._sources = {text.partition("=")[0]: Source(option, text) for text in texts}
        self._members = 0
        self._found: dict[tuple[str, str, str], tuple[Diagnostic, list[Mapping[str, Any]]]] = {}

    def try_member(self, point: Mapping[str, Any], check: Callable[[Mapping[str, Any]], object]) -> None:
        """Check a member, and collect its errors.

        Args:
            point: its values of the swept keys.
            check: is called with the values, and raises ConfigError if they do not fit.
        """
        self._members += 1
        try:
            check(point)
        except ConfigError as error:
            for problem in error.problems:
                placed = Diagnostic(self._place(problem.place, point), problem.message, problem.hint)
                key = str(placed.place), placed.message, placed.hint
                self._found.setdefault(key, (placed, []))[1].append(point)

    def check(self) -> None:
        """Raise ConfigError with all errors.

        An error in the config itself names the members that have it, unless all do.
        """
        names = {source.name for source in self._sources.values()}
        problems = []
        for problem, points in self._found.values():
            if problem.place.source.name not in names and len(points) < self._members:
                first = " ".join(f"{key}={inline(value)}" for key, value in points[0].items())
                more = f" and {len(points) - 1} more" if len(points) > 1 else ""
                told = f"with {first}{more}"
                problem = Diagnostic(problem.place, problem.message, "\n".join(filter(None, [told, problem.hint])))
            problems.append(problem)
        if problems:
            raise ConfigError(problems)

    def _place(self, place: Span, point: Mapping[str, Any]) -> Span:
        """Return the place of a value in its option. Any other place is returned as it is."""
        shown = place.source.lines[place.line - 1] if place.line else ""
        key = shown.partition("=")[0]
        if place.source.name != OVERRIDES or key not in self._sources or key not in point:
            return place
        source = self._sources[key]
        if place.column <= len(key):
            return Span(source, 1, place.column, place.width)
        for item in _items(source, Diagnostics())[1]:
            if data(item) == point[key]:
                return item.place
        return Span(source, 1, len(key) + 2, len(source.text) - len(key) - 1)
