"""Checks of arguments: integers, numbers, flags and choices.

Each check returns the argument as a Python value. A NumPy scalar would bring its own dtype, in which `4 * size` might
overflow, and with which `x * slope` might become float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def as_integer(name: str, value: Any, at_least: float = -math.inf) -> int:
    """Return an integer.

    Raises:
        TypeError: for any other value, including a bool.
        ValueError: for an integer below `at_least`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    return int(value)


def as_number(
    name: str,
    value: Any,
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
    finite: bool = True,
) -> Any:
    """Return a number within bounds.

    Args:
        name: the name of the argument, for error messages.
        value: the argument.
        at_least: the lower bound, inclusive.
        above: the lower bound, exclusive.
        at_most: the upper bound, inclusive.
        below: the upper bound, exclusive.
        finite: whether infinity is refused; NaN always is.

    Raises:
        TypeError: for anything but a number, including a bool.
        ValueError: for NaN, and for a number out of bounds.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    is_above = value > above or above == -math.inf
    is_below = value < below or below == math.inf
    if not (at_least <= value <= at_most and is_above and is_below):
        raise ValueError(f"{name} must be {_bounds(at_least, above, at_most, below)}, got {value}")
    if finite and math.isinf(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def _bounds(at_least: float, above: float, at_most: float, below: float) -> str:
    if at_least > -math.inf and at_most < math.inf:
        return f"from {at_least:g} to {at_most:g}"
    words = {"at least": at_least, "above": above, "at most": at_most, "below": below}
    return " and ".join(f"{word} {bound:g}" for word, bound in words.items() if math.isfinite(bound)) or "a number"


def as_flag(name: str, value: Any) -> bool:
    """Return a boolean.

    Raises:
        TypeError: for any other value, such as 0 or "False".
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def as_choice(name: str, value: Any, choices: Sequence[str]) -> Any:
    """Return one of the choices.

    Raises:
        ValueError: for any other value.
    """
    if not isinstance(value, str) or value not in choices:
        *words, last = map(repr, choices)
        raise ValueError(f"{name} must be {', '.join(words)} or {last}, got {value!r}")
    return value
