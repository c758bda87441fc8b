"""Tables of a model's layers, output shapes and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine import Tensor, no_grad
from minigrad.inputs import Inputs, call, parts
from minigrad.nn.calls import evaluating
from minigrad.nn.module import Module
from minigrad.notebook import html_table


class Summary(str):
    """A table of layers, as text and for notebooks.

    Args:
        rows: the header, and the rows below it.
    """

    rows: Sequence[tuple[str, str, str, str]]

    def __new__(cls, rows: Sequence[tuple[str, str, str, str]]) -> Summary:
        """Return the table of the rows."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join([*(cell.ljust(w) for cell, w in zip(row[:3], widths[:3], strict=True)), row[3].rjust(widths[3])])
            for row in rows
        )
        table = super().__new__(cls, "\n".join(lines))
        table.rows = rows
        return table

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html_table(*self.rows)


def summary(model: Module, inputs: Inputs) -> Summary:
    """Return a table of a model's layers for one batch.

    The model is not changed. A layer that was not called has no output shape.

    Raises:
        ValueError, TypeError or IndexError: with the path of the layer, if shapes or types do not match.
    """
    shapes: dict[Module, str] = {}

    def note(module: Module, args: tuple[Any, ...], output: Any) -> None:
        shapes[module] = str(output.shape) if isinstance(output, Tensor) else type(output).__name__

    hooks = [module.register_forward_hook(note) for _, module in model.named_modules()]
    try:
        with evaluating(model), no_grad(), np.errstate(all="ignore"):
            call(model, inputs)
    finally:
        for hook in hooks:
            hook.remove()

    rows = [("layer", "class", "output", "parameters")]
    rows += [(f"input {name}".rstrip(), "", str(array.shape), "") for name, array in parts(inputs)]
    for path, module in model.named_modules():
        own = sum(parameter.size for name, parameter in module.named_parameters() if "." not in name)
        if own or not any(module.children()):
            rows.append((path or "model", type(module).__name__, shapes.get(module, "-"), f"{own:,}"))
    total = sum(parameter.size for parameter in model.parameters())
    rows.append(("total", "", "", f"{total:,}"))
    return Summary(rows)
