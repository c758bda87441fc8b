"""The layers of a model as a table: where each stands, what comes out of it, and how many parameters it has."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine import Tensor, no_grad
from minigrad.nn import Module


def summary(model: Module, inputs: np.ndarray) -> str:
    """Sends one batch through `model`, and returns a table of the layers it met.

    Nothing is learned, and the model is left as it was. A layer that the batch did not meet has no output.

    Raises: ValueError, TypeError or IndexError, with the path of the layer, if something does not fit.
    """
    shapes: dict[Module, str] = {}

    def note(module: Module, args: tuple[Any, ...], output: Any) -> None:
        shapes[module] = str(output.shape) if isinstance(output, Tensor) else type(output).__name__

    hooks = [module.register_forward_hook(note) for _, module in model.named_modules()]
    training = model.training
    model.eval()
    try:
        with no_grad(), np.errstate(all="ignore"):
            model(Tensor(inputs))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()

    rows = [("layer", "class", "output", "parameters"), ("input", "", str(inputs.shape), "")]
    for path, module in model.named_modules():
        own = sum(parameter.size for name, parameter in module.named_parameters() if "." not in name)
        if own or not any(module.children()):
            rows.append((path or "model", type(module).__name__, shapes.get(module, "-"), f"{own:,}"))
    total = sum(parameter.size for parameter in model.parameters())
    rows.append(("total", "", "", f"{total:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join([*(cell.ljust(w) for cell, w in zip(row[:3], widths[:3], strict=True)), row[3].rjust(widths[3])])
        for row in rows
    )
    return "\n".join(lines)
