"""Errors of composed functions, with the called function's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from minigrad.unfit import no_array, unfit

Function = Callable[..., Any]

MISTAKES = (TypeError, ValueError, IndexError, AttributeError)
"""The errors of a function given wrong arguments (AttributeError for a list in place of an array)."""


def named_error(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> Exception:
    """Return an error that names the called function.

    Its message begins with the name, unless it contains it already, and says which argument is not an array of numbers.

    Args:
        name: the name of the function.
        args: the arguments of the call.
        kwargs: the keyword arguments of the call.
        error: the error that the call raised.
    """
    given = [*args, *kwargs.values()]
    text = str(error)
    has_name = re.search(rf"\b{re.escape(name.removeprefix('np.').removeprefix('linalg.'))}\b", text)
    wrong = next(filter(None, map(unfit, given)), None) or no_array(error, given)
    if wrong is not None:
        is_named = has_name and str(wrong) in text
        return error if is_named else type(wrong)(f"{name}: {wrong}").with_traceback(error.__traceback__)
    if not has_name and len(error.args) == 1 and not isinstance(error, AttributeError):
        error.args = (f"{name}: {text}",)
    return error


def with_name(function: Function) -> Function:
    """Return the function, with its name in its errors."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except MISTAKES as error:
            raise named_error(function.__name__, args, kwargs, error) from None

    return call
