"""Drawings of computation graphs and networks as SVG."""

from __future__ import annotations

from typing import Any

from minigrad.engine import Tensor
from minigrad.nn import Module
from minigrad.scalar import Scalar

__all__ = ["Drawing", "draw"]


class Drawing(str):
    """SVG text, which a notebook shows as a picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def draw(subject: Scalar | Tensor | Module, /, **names: Any) -> Drawing:
    """Draw a graph or a module as SVG text.

    It is read from top to bottom.

    A notebook shows the picture itself.

    A **Scalar** is shown with the graph that computed it. A box shows an operation, its value and its gradient as
    `backward()` left it; leaves are tinted. An arrow shows the local derivative (a sum of them, where an operation
    takes one input several times). The gradient of a box is the sum over the arrows that leave it of that derivative
    times the gradient of the box at the arrow's end.

    A **Tensor** is shown with the operations behind it: what was computed from tensors that require gradients. A box
    shows a shape, and the values where these are few; a leaf also its gradient. Of values and constants those are known
    that were given by name, and those that the graph keeps for its derivatives, until `backward()` lets go of them.

    A **Module** is shown with its layers, and their parameters with shapes, numbers of elements, and few values; layers
    that follow each other and are alike are one box. Arrows are in a `Sequential`, whose order is known.

    Args:
        subject: what to draw.
        names: titles for boxes, as in `draw(loss, x=x, w=w)`: Scalars for a Scalar; tensors and arrays for a Tensor,
            and modules, whose parameters get their paths as titles.

    Raises:
        TypeError: for what is none of the three, or cannot have a title.
        ValueError: for a name of what is not in the graph, and for a picture of more than 300 boxes.
    """
    # imported here, so that `import minigrad` is fast
    if isinstance(subject, Scalar):
        from minigrad.drawing.scalars import draw_scalar

        return Drawing(draw_scalar(subject, names))
    if isinstance(subject, Tensor):
        from minigrad.drawing.tensors import draw_tensor

        return Drawing(draw_tensor(subject, names))
    if not isinstance(subject, Module):
        raise TypeError(f"draw takes a Scalar, a Tensor or a Module, got {type(subject).__name__}")
    if names:
        raise TypeError(f"layers have their own names, so draw(module) takes no {next(iter(names))!r}")
    from minigrad.drawing.modules import draw_module

    return Drawing(draw_module(subject))
