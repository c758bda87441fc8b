"""What is wrong with shapes that do not fit, in words: NumPy says it in the terms of its inner loops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

Shape = tuple[int, ...]


def reason(error: Exception, shapes: Sequence[Shape]) -> str:
    """The text of an error that NumPy raised for inputs of these shapes, said anew if it is about the shapes."""
    text = str(error)
    if len(shapes) == 2 and ("core dimension" in text or "enough dimensions" in text or "remapped shapes" in text):
        return _of_product(*shapes)
    if "could not be broadcast" in text or "shape mismatch" in text:
        return _of_broadcast(shapes) or text
    return text


def _of_broadcast(shapes: Sequence[Shape], behind: int = 0) -> str:
    """The axis, with so many more behind it, along which the shapes differ; an empty text if they do not."""
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
