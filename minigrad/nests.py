"""Nests of dicts, lists and tuples of arrays (pytrees).

As in JAX's pytrees, dicts, lists, tuples and named tuples are nested to any depth. A list of numbers, such as [1.0,
2.0] or [[1.0], [2.0]], is an array, as elsewhere in minigrad, but a tuple of numbers is a nest. None contains no array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np


def is_nest(value: Any) -> bool:
    """Whether a value is a container, not an array."""
    return value is None or isinstance(value, dict) or (isinstance(value, (list, tuple)) and not _is_numbers(value))


def _is_numbers(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) > 0 and all(map(_is_numbers, value))
    return isinstance(value, (bool, int, float, np.generic))


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each array with its path, such as "['w'][0]"."""
    if not is_nest(tree):
        yield path, tree
    elif isinstance(tree, dict):
        for key in tree:
            yield from leaves(tree[key], f"{path}[{key!r}]")
    elif tree is not None:
        for i, part in enumerate(tree):
            yield from leaves(part, f"{path}.{tree._fields[i]}" if hasattr(tree, "_fields") else f"{path}[{i}]")


def rebuild(tree: Any, values: Iterable[Any]) -> Any:
    """Return a nest like `tree` with other leaves.

    The values are in the order of `leaves`.
    """
    given = iter(values)

    def build(part: Any) -> Any:
        if not is_nest(part):
            return next(given)
        if isinstance(part, dict):
            return {key: build(part[key]) for key in part}
        if hasattr(part, "_fields"):
            return type(part)(*map(build, part))
        return None if part is None else type(part)(list(map(build, part)))

    return build(tree)


def change(tree: Any, function: Callable[[Any], Any], what: str = "") -> Any:
    """Map a function over the leaves of a nest.

    Raises:
        Exception: whatever the function raises for a leaf, with the leaf's path in `what` before the message.
    """
    changed = []
    for path, leaf in leaves(tree):
        try:
            changed.append(function(leaf))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{what}{path}: {error}" if what else str(error)) from None
    return rebuild(tree, changed)


def matching(tree: Any, other: Any, what: str) -> list[Any]:
    """Return the leaves of `other` that match those of `tree`.

    Raises:
        ValueError: with the first path at which the nests differ.
    """
    places, given = [path for path, _ in leaves(tree)], dict(leaves(other))
    for path in [*places, *given]:
        if path not in given or path not in places:
            side = "lacks" if path in places else "has"
            raise ValueError(
                f"{what} {side} {path or 'an array'}: expected the nest {describe(tree)}, got {describe(other)}"
            )
    return [given[path] for path in places]


def describe(tree: Any) -> str:
    """Return a nest with shapes for its arrays.

    For example {'w': (3, 4), 'b': (4,)}.
    """
    return str(change(tree, np.shape))
