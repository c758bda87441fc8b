"""Drawings of computation graphs and networks as SVG."""

from __future__ import annotations

from typing import Any

from minigrad.engine import Tensor
from minigrad.nn import Module
from minigrad.scalar import Scalar

__all__ = ["Drawing", "draw"]


class Drawing(str):
    """SVG text that a notebook shows as a picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def draw(subject: Scalar | Tensor | Module, /, **names: Any) -> Drawing:
    """Draw a graph or a module as SVG text.

    It is read from top to bottom. A notebook shows the picture.

    A **Scalar** is drawn with the graph that computed it. A box shows an operation, its value and its gradient after
    `backward()`; leaves are tinted. An arrow shows the local derivative, or a sum of them if an operation takes an
    input several times. The gradient of a box is a sum over its outgoing arrows: each adds its derivative times the
    gradient of the box that it leads to.

    A **Tensor** is drawn with the operations that computed it from tensors that require gradients. A box shows the
    shape, and the values if there are few; a leaf also shows its gradient. The values of constants and results are
    known if they are given by name or saved by the graph for its derivatives, until `backward()` frees them.

    A **Module** is drawn with its layers and their parameters: shapes, numbers of elements, and the values if there are
    few. Consecutive layers that are alike share a box. Arrows are drawn in a `Sequential`, whose order is known.

    Args:
        subject: what to draw.
        names: titles of boxes, as in `draw(loss, x=x, w=w)`: Scalars for a Scalar; tensors, arrays, or modules for a
            Tensor. The parameters of a module get their paths as titles.

    Raises:
        TypeError: if `subject` has another type, or a name is given for something without a title.
        ValueError: for a name of something outside the graph, and for more than 300 boxes.
    """
    # imported here to keep `import minigrad` fast
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
