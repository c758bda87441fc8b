"""Rules for values read from files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class Rule:
    """A rule for a value of a file.

    Args:
        words: the expected value as an error names it, such as "a text".
        holds: returns whether a value is as expected; must accept any value.
    """

    words: str
    holds: Callable[[Any], bool]


def is_whole(value: Any) -> bool:
    """Whether a value is a 64-bit integer."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def is_time(value: Any) -> bool:
    """Whether a value is a time with a UTC offset."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


ANYTHING = Rule("a value", lambda value: True)
TEXT = Rule("a text", lambda value: isinstance(value, str))
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
WHOLE = Rule("a whole number", is_whole)
COUNT = Rule("a whole number from 0", lambda value: is_whole(value) and value >= 0)
SIZE = Rule("a whole number from 1", lambda value: is_whole(value) and value >= 1)
NUMBER = Rule("a finite number", lambda value: is_whole(value) or (isinstance(value, float) and isfinite(value)))
MEASURED = Rule("a number", lambda value: is_whole(value) or isinstance(value, float))
"""A measured number, which may be infinite or NaN."""
TIME = Rule("a time, as 2026-01-02T03:04:05+00:00", is_time)


def one_of(*choices: Any) -> Rule:
    """A choice of values."""
    return Rule(f"one of {', '.join(map(repr, choices))}", lambda value: isinstance(value, str) and value in choices)


def or_none(rule: Rule) -> Rule:
    """The same, or None."""
    return Rule(f"{rule.words}, or null", lambda value: value is None or rule.holds(value))


def list_of(rule: Rule, length: int | None = None) -> Rule:
    """A list or tuple, of one length if given."""
    count = "" if length is None else f" of {length}"
    return Rule(
        f"a list{count}, each item {rule.words}",
        lambda value: isinstance(value, list | tuple) and length in (None, len(value)) and all(map(rule.holds, value)),
    )


def by_name(rule: Rule) -> Rule:
    """Values by name."""
    return Rule(
        f"names, each with {rule.words}",
        lambda value: (
            isinstance(value, Mapping)
            and all(isinstance(name, str) for name in value)
            and all(map(rule.holds, value.values()))
        ),
    )


def require(found: Any, rules: Mapping[str, Rule], of: str = "") -> None:
    """Check values by name.

    Values without a rule may be anything, and missing values are accepted.

    Args:
        found: the values.
        rules: the rule of each.
        of: where they were found, as the beginning of an error, such as "run.json: ".

    Raises:
        ValueError: naming the value, what was expected, and what it is.
    """
    if not by_name(ANYTHING).holds(found):
        raise ValueError(f"{of}expected names with values, found {shown(found)}")
    for name, value in found.items():
        if name in rules and not rules[name].holds(value):
            raise ValueError(f"{of}{name!r} must be {rules[name].words}, found {shown(value)}")


def shown(value: Any) -> str:
    """Return a value as shown in errors."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else f"{text[:58]} …"
