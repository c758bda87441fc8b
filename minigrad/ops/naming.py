"""Errors of composed functions, with the called function's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from minigrad.unfit import no_array, unfit

Function = Callable[..., Any]

MISTAKES = (TypeError, ValueError, IndexError, AttributeError)
"""What a function raises for arguments that do not fit; an AttributeError for a list in the place of an array."""


def told(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> Exception:
    """Return an error that names the called function.

    `error` is one that a call of the function `name` met.

    It begins with the name, unless it has it already, and says which argument is no array of numbers.
    """
    given = [*args, *kwargs.values()]
    text = str(error)
    has_name = re.search(rf"\b{re.escape(name.removeprefix('np.').removeprefix('linalg.'))}\b", text)
    wrong = next(filter(None, map(unfit, given)), None) or no_array(error, given)
    if wrong is not None:
        is_told = has_name and str(wrong) in text
        return error if is_told else type(wrong)(f"{name}: {wrong}").with_traceback(error.__traceback__)
    if not has_name and len(error.args) == 1 and not isinstance(error, AttributeError):
        error.args = (f"{name}: {text}",)
    return error


def named(function: Function) -> Function:
    """A function whose errors have its name."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except MISTAKES as error:
            raise told(function.__name__, args, kwargs, error) from None

    return call
