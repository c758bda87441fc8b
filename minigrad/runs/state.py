"""The state of a run as JSON and named arrays."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.devices import on_cpu

PLAIN = (bool, int, float, str, type(None))


def flatten(value: Any, path: str, tensors: dict[str, np.ndarray]) -> Any:
    """Return `value` as JSON data; add its arrays to `tensors`.

    Arrays are named by path, such as `optimizer/lr`. A value that JSON cannot express becomes a dict of one entry whose
    key starts with `$`: an array is `{"$tensor": path}`.

    Args:
        value: numbers, texts, None, arrays, NumPy scalars, and lists, tuples and dicts of them.
        path: the path of `value`; "" for the root.
        tensors: receives the arrays.

    Raises:
        TypeError: for any other type, with its path.
        ValueError: if two arrays have the same path.
    """
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.generic):
        return {"$scalar": [value.dtype.name, value.item()]}
    value = on_cpu(value)
    if isinstance(value, np.ndarray):
        if path in tensors:
            raise ValueError(f"two arrays are named {path!r}")
        tensors[path] = value
        return {"$tensor": path}
    if isinstance(value, (list, tuple)):
        items = [flatten(item, _join(path, i), tensors) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: flatten(item, _join(path, key), tensors) for key, item in value.items()}
        return {"$dict": [[flatten(k, path, tensors), flatten(v, _join(path, k), tensors)] for k, v in value.items()]}
    raise TypeError(
        f"a checkpoint cannot hold {path!r}, a {type(value).__name__}: "
        "keep numbers, texts, arrays, and lists, tuples and dicts of them"
    )


def restore(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    """Return the original value of `flatten`.

    Its arrays are removed from `tensors`.

    Raises:
        KeyError, TypeError, ValueError: for data that `flatten` did not return.
    """
    if isinstance(value, list):
        return [restore(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$tensor": path}:
            return tensors.pop(path)
        case {"$scalar": [dtype, number]}:
            return np.dtype(dtype).type(number)
        case {"$tuple": items}:
            return tuple(restore(item, tensors) for item in items)
        case {"$dict": items}:
            return {restore(key, tensors): restore(item, tensors) for key, item in items}
    return {key: restore(item, tensors) for key, item in value.items()}


def check_like(found: Any, known: Any, path: str = "") -> None:
    """Check that a loaded state has the expected types.

    Args:
        found: the loaded state.
        known: the state of the same objects before loading. Parts that it lacks, such as an optimizer's moments before
            the first step, are not checked.
        path: the path of `found`.

    Raises:
        TypeError: for another type, with its path.
    """
    expected = _type_name(known)
    if known is None:
        return
    if _type_name(found) != expected:
        raise TypeError(f"{path!r} must be {expected}, found {_type_name(found)}")
    if isinstance(known, Mapping):
        for key in known.keys() & found.keys():
            check_like(found[key], known[key], _join(path, key))
    elif isinstance(known, list | tuple):
        for i, (item, like) in enumerate(zip(found, known, strict=False)):
            check_like(item, like, _join(path, i))


def _type_name(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true or false"
    if isinstance(value, int | float | np.number):
        return "a number"
    if isinstance(value, np.ndarray):
        return "an array"
    named: dict[type, str] = {str: "a text", list: "a list", tuple: "a tuple", dict: "names with values"}
    return next((words for kind, words in named.items() if isinstance(value, kind)), type(value).__name__)


def saved_attributes(thing: object) -> dict[str, Any]:
    """Return an object's attributes, except constructor arguments.

    Constructor arguments come from the config.
    """
    given = inspect.signature(type(thing)).parameters
    return {name: value for name, value in vars(thing).items() if name not in given}


def _join(path: str, word: object) -> str:
    return f"{path}/{word}" if path else str(word)
