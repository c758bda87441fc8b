"""What a run remembers, as JSON and named arrays, from which it comes back as it was."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

PLAIN = (bool, int, float, str, type(None))


def flatten(value: Any, path: str, tensors: dict[str, np.ndarray]) -> Any:
    """Returns `value` as what JSON can hold; its arrays go to `tensors`, named by their paths as in `optimizer/lr`.

    What JSON has no word for is a dict of one entry, whose name begins with `$`: an array is `{"$tensor": path}`.

    Args:
        value: numbers, texts, None, arrays, NumPy scalars, and lists, tuples and dicts of them.
        path: where `value` stands; "" for the whole.

    Raises: TypeError with the path of what is none of these; ValueError if two arrays have one path.
    """
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.generic):
        return {"$scalar": [value.dtype.name, value.item()]}
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
    """Returns what `flatten` was given; arrays are taken out of `tensors`.

    Raises: KeyError, TypeError or ValueError for what `flatten` did not write.
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


def kept(thing: object) -> dict[str, Any]:
    """Returns the attributes of `thing`, without those that a config gives: the arguments of its constructor."""
    given = inspect.signature(type(thing)).parameters
    return {name: value for name, value in vars(thing).items() if name not in given}


def _join(path: str, word: object) -> str:
    return f"{path}/{word}" if path else str(word)
