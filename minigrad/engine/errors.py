"""NumPy's errors, with the operation, its input shapes, and remedies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from reprlib import repr as shortened
from typing import Any, NoReturn

import numpy as np

from minigrad.devices import device_of
from minigrad.unfit import no_array, unfit

Shape = tuple[int, ...]


def explain(name: str, inputs: Mapping[str, Any], error: Exception, others: Iterable[Any] = ()) -> NoReturn:
    """Re-raise `error`, prefixed by the operation and its inputs."""
    shown = ", ".join(f"{parameter} {describe(value)}" for parameter, value in inputs.items())
    places = list(dict.fromkeys(device_of(value) for value in inputs.values() if getattr(value, "ndim", 0)))
    if len(places) > 1:
        where = f"they lie on different devices, {' and '.join(places)}; move one of them, as in x.to({places[0]!r})"
        raise TypeError(f"{name} of {shown}: {where}") from None
    wrong = next(filter(None, map(unfit, [*inputs.values(), *others])), None)
    error = wrong or no_array(error, others, inputs.values()) or error
    for kind in (np.linalg.LinAlgError, IndexError, MemoryError, TypeError, ValueError):
        if isinstance(error, kind):
            shapes = [getattr(value, "shape", ()) for value in inputs.values() if value is not None]
            raise kind(f"{name} of {shown}: {reason(error, shapes)}") from None
    raise error


def describe(value: Any) -> str:
    """Describe an array or tensor, as `float32 (3, 4)`.

    Anything else is described by its shortened repr.
    """
    return f"{value.dtype} {value.shape}" if hasattr(value, "dtype") else shortened(value)


def reason(error: Exception, shapes: Sequence[Shape]) -> str:
    """Reword a NumPy error about the shapes of inputs.

    Other errors keep their text.
    """
    text = str(error)
    if len(shapes) == 2 and ("core dimension" in text or "enough dimensions" in text or "remapped shapes" in text):
        return _of_product(*shapes)
    if "could not be broadcast" in text or "shape mismatch" in text:
        return _of_broadcast(shapes) or text
    return text


def _of_broadcast(shapes: Sequence[Shape], behind: int = 0) -> str:
    """Describe the axis, counted from the end, along which the shapes differ; "" if they do not."""
    for back, lengths in enumerate(zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1), 1):
        if len({*lengths} - {1}) > 1:
            different = " and ".join(map(str, sorted({*lengths} - {1}, key=lengths.index)))
            return (
                f"these shapes do not go together: axis {-back - behind} has lengths {different}, where they have to "
                "be equal or 1; reshape one of them, or give it an axis of length 1 with expand_dims"
            )
    return ""


def _of_product(x: Shape, y: Shape) -> str:
    if not x or not y:
        return "a matrix product takes vectors and matrices, and one of these is 0-d; use * for numbers"
    length, rows = x[-1], y[-2 if len(y) > 1 else -1]
    if length == rows:
        return _of_broadcast((x[:-2], y[:-2]), behind=2)
    place = "the last but one axis" if len(y) > 1 else "the only axis"
    hint = "; transpose the second, as in x @ y.mT" if len(y) > 1 and y[-1] == length else ""
    return f"the last axis of the first is {length} long and {place} of the second {rows}, not the same{hint}"
