"""Dynamic axes, and inputs of other sizes and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.formats.onnx.errors import OnnxError

Arrays = dict[str, NDArray[Any]]
Free = Mapping[str, "int | Mapping[str, int]"]


@dataclass(frozen=True)
class FreeAxis:
    """A dynamic axis.

    Attributes:
        name: the name of the axis, such as `batch`.
        places: the position of the axis in each input that has it.
        lengths: the two recorded lengths; the first is that of the example if possible.
    """

    name: str
    places: Mapping[str, int]
    lengths: tuple[int, int]


def named_axes(example: Arrays, free: Free) -> list[FreeAxis]:
    """Return the dynamic axes that a user named.

    Raises:
        OnnxError: if an input lacks one.
    """
    found = []
    for name, places in free.items():
        each = places if isinstance(places, Mapping) else dict.fromkeys(example, places)
        for key, axis in each.items():
            if key not in example:
                known = ", ".join(map(repr, example))
                raise OnnxError(f"free axis {name!r}: there is no input {key!r}; the inputs are {known}")
            if not 0 <= axis < example[key].ndim:
                raise OnnxError(f"free axis {name!r}: input {key!r}, of shape {example[key].shape}, has no axis {axis}")
        lengths = {example[key].shape[axis] for key, axis in each.items()}
        if len(lengths) > 1:
            raise OnnxError(f"free axis {name!r}: its inputs have different lengths, {', '.join(map(str, lengths))}")
        found.append(_axis(name, each, lengths.pop()))
    return found


def likely_axes(example: Arrays) -> Iterator[list[FreeAxis]]:
    """Yield sets of axes that may be dynamic, largest first.

    They contain the axes of the batch and of time.
    """
    if not all(array.ndim for array in example.values()):
        raise OnnxError("an input without axes has no batch: name the dynamic axes, as in free={'batch': {'x': 0}}")
    count = len(next(iter(example.values())))
    batch = _axis("batch", {name: 0 for name, array in example.items() if len(array) == count}, count)
    times = {name: array.shape[1] for name, array in example.items() if _is_sequence(array)}
    if len(times) > 1:
        yield [batch, *(_axis(f"{name}_time", {name: 1}, length) for name, length in times.items())]
    for length in dict.fromkeys(times.values()):
        together = {name: 1 for name, array in example.items() if array.ndim > 1 and array.shape[1] == length}
        yield [batch, _axis("time", together, length)]
    yield [batch]


def _is_sequence(array: NDArray[Any]) -> bool:
    """Whether inputs are tokens (N, T) or vectors (N, T, E), for which the model may accept other T."""
    return array.ndim == (2 if array.dtype.kind in "iu" else 3)


def _axis(name: str, places: Mapping[str, int], length: int) -> FreeAxis:
    """Return a dynamic axis, never longer than in the example unless it is a batch: that may be the maximum."""
    if name == "batch":
        return FreeAxis(name, places, (3, 5))
    return FreeAxis(name, places, (length, max(2, 2 * length // 3)) if length > 2 else (2, 3))


def recorded_sizes(axes: list[FreeAxis]) -> list[tuple[int, ...]]:
    """Return the lengths of all axes for each recording.

    The first length of each axis is changed to its second, alone and together with all others.
    """
    first, second = ([axis.lengths[i] for axis in axes] for i in (0, 1))
    each = [tuple(second[i] if i == k else n for i, n in enumerate(first)) for k in range(len(axes))]
    return [tuple(first), *each, *([tuple(second)] if len(axes) > 1 else [])]


def fresh_sizes(axes: list[FreeAxis]) -> list[tuple[int, ...]]:
    """Return unrecorded lengths, including a batch of 1."""
    between = [tuple(sorted(axis.lengths)) for axis in axes]
    singles = [1 if axis.name == "batch" else low for axis, (low, _) in zip(axes, between, strict=True)]
    others = [7 if axis.name == "batch" else (low + high) // 2 for axis, (low, high) in zip(axes, between, strict=True)]
    return [tuple(singles), tuple(others)] if axes else [()]


def resample(example: Arrays, axes: list[FreeAxis], lengths: tuple[int, ...], rng: np.random.Generator) -> Arrays:
    """Return inputs of other lengths, resampled from the example.

    Numbers are drawn along the dynamic axes of the example, so that tokens and pixels remain valid. A
    floating-point input with a single example is scaled instead.
    """
    inputs = {}
    for name, array in example.items():
        along = {axis.places[name]: n for axis, n in zip(axes, lengths, strict=True) if name in axis.places}
        shape = tuple(along.get(i, n) for i, n in enumerate(array.shape))
        index = [np.arange(n).reshape([-1 if i == k else 1 for i in range(len(shape))]) for k, n in enumerate(shape)]
        for axis in along:
            index[axis] = rng.integers(0, array.shape[axis], shape)
        drawn = array[tuple(index)] if array.ndim else array.copy()
        if array.dtype.kind == "f" and all(array.shape[axis] == 1 for axis in along):
            drawn = (drawn * rng.uniform(0.5, 1, drawn.shape)).astype(array.dtype)
        inputs[name] = np.asarray(drawn)
    return inputs
