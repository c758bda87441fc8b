"""Conversion of weights between a model and a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.data.mapped import file_of, give_back
from minigrad.formats.errors import FormatError
from minigrad.formats.stored import Stored
from minigrad.nn import Module

Array = NDArray[Any]


class Part(NamedTuple):
    """The location of a model's weight in a file.

    Attributes:
        names: the arrays of the file that contain the weight.
        join: combines these arrays into the weight.
        split: splits the weight into these arrays.
    """

    names: Sequence[str]
    join: Callable[[Sequence[Array]], Array] = lambda arrays: arrays[0]
    split: Callable[[Array], Sequence[Array]] = lambda array: [array]


Parts = Callable[[str], Part]
"""A function from the key of a weight in a model's `state_dict` to its location in a file."""


def fill(model: Module, stored: Mapping[str, Stored], parts: Parts) -> None:
    """Read the weights of a new model, the largest first.

    It needs memory for the model and one weight.

    Args:
        model: its weights are overwritten.
        stored: the arrays of a file.
        parts: returns where each weight is among them.

    Raises:
        FormatError: for all arrays that are missing, unexpected, or of another shape; or for one that is not floating
            point.
    """
    own = {name: parameter.data for name, parameter in model.named_parameters()}  # shared ones once
    required = {name: parts(name) for name in own}
    expected: dict[str, tuple[int, ...]] = {}
    for name, array in model.state_dict().items():
        part = parts(name)
        expected |= {theirs: split.shape for theirs, split in zip(part.names, part.split(_like(array)), strict=True)}
    missing = [theirs for part in required.values() for theirs in part.names if theirs not in stored]
    problems = [f"missing: {theirs}" for theirs in missing]
    for theirs, (shape, _) in stored.items():
        if theirs not in expected:
            problems.append(f"unexpected: {theirs}")
        elif shape != expected[theirs]:
            problems.append(f"{theirs}: expected shape {expected[theirs]}, got {shape}")
    if problems:
        raise FormatError("\n  ".join(["the weights do not fit the described model:", *problems]))
    for name in sorted(own, key=lambda name: -own[name].size):
        _copy(own[name], required[name], stored)


def by_names(model: Module, stored: Mapping[str, Stored], parts: Parts) -> dict[str, Stored]:
    """Return the arrays of a file under a model's names.

    Arrays without a place in the model keep their names.

    Args:
        model: the model.
        stored: the arrays of a file.
        parts: returns where each weight is among them.
    """
    found: dict[str, Stored] = {}
    used: set[str] = set()
    for name in model.state_dict():
        part = parts(name)
        if all(theirs in stored for theirs in part.names):
            used.update(part.names)
            shape = part.join([_like(stored[theirs]) for theirs in part.names]).shape
            found[name] = Stored(shape, partial(_join, part, stored))
    return {**found, **{theirs: array for theirs, array in stored.items() if theirs not in used}}


def _join(part: Part, stored: Mapping[str, Stored]) -> Array:
    return part.join([stored[theirs].read() for theirs in part.names])


def _like(array: Array | Stored) -> Array:
    """Return an array of the same shape that takes no memory."""
    return np.broadcast_to(np.float32(0), array.shape)


def _copy(into: Array, part: Part, stored: Mapping[str, Stored]) -> None:
    arrays = [stored[name].read() for name in part.names]
    for name, array in zip(part.names, arrays, strict=True):
        if array.dtype.kind != "f":
            raise FormatError(f"{name}: expected floating-point numbers, got {array.dtype}")
    into[...] = part.join(arrays)
    for array in arrays:
        give_back(file_of(array))
