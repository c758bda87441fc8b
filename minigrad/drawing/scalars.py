"""Drawings of Scalar graphs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from operator import attrgetter
from typing import Any

from minigrad.drawing.box import Box
from minigrad.drawing.numbers import number
from minigrad.drawing.picture import picture
from minigrad.scalar import Scalar


def draw_scalar(result: Scalar, names: Mapping[str, Any]) -> str:
    """Draw the operations behind `result`.

    `names` are titles. Errors are those of `draw`.
    """
    found = {result}
    stack = [result]
    while stack:
        new = set(stack.pop().inputs) - found
        found |= new
        stack += new
    titles = {}
    for name, scalar in names.items():
        if not isinstance(scalar, Scalar):
            raise TypeError(f"draw of a Scalar takes Scalars by name, got {name}={scalar!r}")
        if scalar not in found:
            raise ValueError(f"{name!r} is not part of this graph: {scalar!r} was not used to compute the result")
        titles[scalar] = name
    boxes: dict[Hashable, Box] = {}
    inputs: dict[Hashable, dict[Hashable, str]] = {}
    for scalar in sorted(found, key=attrgetter("sequence"), reverse=True):
        title = " = ".join(filter(None, [titles.get(scalar), scalar.operation])) or "leaf"
        lines = (f"value {number(scalar.data)}", f"grad {number(scalar.grad)}")
        boxes[scalar] = Box("operation" if scalar.inputs else "leaf", title, lines)
        taken = list(zip(scalar.inputs, map(number, scalar.derivatives), strict=True))
        inputs[scalar] = {x: " + ".join(slope for other, slope in taken if other is x) for x in scalar.inputs}
    return picture(boxes, inputs)
