"""The search space: a range or list for each key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite
from typing import Any

from minigrad.config import ConfigError, Plan
from minigrad.config.diagnostics import Diagnostics, Source, Span
from minigrad.config.reader import scalar
from minigrad.training.search.grid import Refusals, inline, read_list

_RANGE = re.compile(r"(?P<key>[\w.]+)=\s*(?P<kind>log|uniform|int)\((?P<inside>[^()]*)\)\s*")
_EXPECTED = "expected key=log(a, b), uniform(a, b), int(a, b), int(a, b, log) or [value, …]"
_EXAMPLE = "as in 'optimizer.lr=log(1e-5, 1e-1)' or 'model=[MLP, CNN]'"
MOST_COMBINATIONS = 256
"""Combinations of listed values whose configs are all checked before a search; of more, each value is checked once."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    On a logarithmic scale where `log`, integers where `whole`.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several values, by its text."""

    values: Mapping[str, Any]


class Space:
    """The search space.

    Args:
        parts: a range or a choice for each key.
        texts: from which they were read, for errors.
        load: returns the checked config with some values over it, or raises ConfigError.
        check: tries more of such a config, whether its classes accept the values, and raises ConfigError if not.

    Raises:
        ConfigError: with its places in the texts, if the config does not take keys or values: all combinations of
            listed values at both ends of all ranges, and all whole numbers of a range of few.
    """

    def __init__(
        self,
        parts: Mapping[str, Range | Choice],
        texts: Sequence[str],
        load: Callable[[Mapping[str, Any]], Plan],
        check: Callable[[Mapping[str, Any]], object],
    ) -> None:
        self.choices = {key: part for key, part in parts.items() if isinstance(part, Choice)}
        self.ranges = {key: part for key, part in parts.items() if isinstance(part, Range)}
        self._load = load
        self._known: dict[tuple[str, ...], dict[str, Range]] = {}
        refusals = Refusals("--search", texts)
        for point in self._points():
            refusals.try_member(point, check)
        refusals.check()

    def _points(self) -> list[dict[str, Any]]:
        """Return the points that test the space, each once. They show whether the config takes it."""
        found: list[dict[str, Any]] = []
        used: set[str] = set()
        combinations = self._combinations()
        for chosen in combinations:
            values = self.values(chosen)
            try:
                there = self.ranges_with(chosen)
            except ConfigError:  # which a check of the point says too
                there = {}
            used |= there.keys()
            lowest = {**values, **{key: part.low for key, part in there.items()}}
            found += [lowest, {**values, **{key: part.high for key, part in there.items()}}]
            for key, part in there.items():
                if part.whole and (part.high - part.low) * len(combinations) <= MOST_COMBINATIONS:
                    found += [{**lowest, key: each} for each in range(int(part.low) + 1, int(part.high))]
        found += [{key: self.ranges[key].low} for key in self.ranges if key not in used]  # says what is wrong with it
        return [point for i, point in enumerate(found) if point not in found[:i]]

    def values(self, chosen: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of chosen texts."""
        return {key: self.choices[key].values[text] for key, text in chosen.items()}

    def ranges_with(self, chosen: Mapping[str, str]) -> dict[str, Range]:
        """Return the ranges whose keys exist with these choices.

        Another model has other arguments.
        """
        texts = tuple(chosen.values())
        if texts not in self._known:
            plan = self._load(self.values(chosen))
            self._known[texts] = {key: part for key, part in self.ranges.items() if _has(plan, key)}
        return self._known[texts]

    def _combinations(self) -> list[dict[str, str]]:
        lists = [list(choice.values) for choice in self.choices.values()]
        count = 1
        for values in lists:
            count *= len(values)
        if count <= MOST_COMBINATIONS:
            found = list(product(*lists))
        else:
            first = [values[0] for values in lists]
            found = [(*first[:i], text, *first[i + 1 :]) for i, values in enumerate(lists) for text in values]
        return [dict(zip(self.choices, texts, strict=True)) for texts in found]


def read_space(texts: Sequence[str]) -> dict[str, Range | Choice]:
    """Return each key's range or choice, read from texts.

    As `optimizer.lr=log(1e-5, 1e-1)`.

    Raises:
        ConfigError: with its place, for what is none.
    """
    report = Diagnostics()
    parts: dict[str, Range | Choice] = {}
    for text in texts:
        source = Source("--search", text)
        place = Span(source, 1, 1, len(text))
        if found := _RANGE.fullmatch(text):
            key = found["key"]
            part: Range | Choice | None = _range(found, source, report)
        else:
            key, values = read_list(source, report)
            if values is None:
                report.add(place, _EXPECTED, _EXAMPLE)
                continue
            by_text = {value if isinstance(value, str) else inline(value): value for value in values}
            part = Choice(by_text)
            if len(by_text) < len(values):
                report.add(place, "a value is listed twice", "keep one of them")
        if key in parts:
            report.add(Span(source, 1, 1, len(key)), f"'{key}' is searched twice", "keep one of the two")
        elif part is not None:
            parts[key] = part
    report.check()
    return parts


def _range(found: re.Match[str], source: Source, report: Diagnostics) -> Range | None:
    """Return a range; None, with a diagnostic, if it is none."""
    kind = found["kind"]
    words = [word.strip() for word in found["inside"].split(",")]
    is_log = kind == "log"
    if kind == "int" and len(words) == 3 and words[2] == "log":
        is_log = True
        words.pop()
    place = Span(source, 1, found.start("kind") + 1, len(found[0].rstrip()) - found.start("kind"))
    try:
        ends = [scalar(word) for word in words]
    except OverflowError:
        ends = []
    if len(ends) != 2 or not all(_is_end(end, kind == "int") for end in ends):
        numbers = "whole numbers" if kind == "int" else "numbers"
        report.add(place, f"{kind}(a, b) takes two {numbers}", _EXAMPLE)
        return None
    low, high = ends
    if not low < high:  # type: ignore[operator]
        report.add(place, f"expected the smaller number first, got {words[0]} and {words[1]}", "")
        return None
    if is_log and low <= 0:  # type: ignore[operator]
        report.add(place, f"a logarithmic scale begins above 0, got {words[0]}", "uniform(a, b) has no such bound")
        return None
    return Range(low, high, is_log, kind == "int")  # type: ignore[arg-type]


def _is_end(value: Any, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return isfinite(value)


def _has(plan: Plan, key: str) -> bool:
    try:
        plan[key]
    except KeyError:
        return False
    return True
