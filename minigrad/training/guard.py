"""What is said when numbers stop being numbers."""

from __future__ import annotations

import numpy as np

from minigrad.nn import Module


class TrainingError(RuntimeError):
    """A training that cannot go on: what happened, at which step, and what to try."""


def divergence(what: str, inputs: np.ndarray, model: Module, remedies: list[str]) -> TrainingError:
    """Returns the error for a loss or a gradient that is not finite.

    Args:
        what: what became of what, and when.
        inputs: of the batch, which may be the cause.
        model: in the state that the batch met, with the gradients that it gave, if it gave any.
        remedies: what the run does not do yet and might help.
    """
    if not np.isfinite(inputs).all():
        return TrainingError(f"{what}: the inputs of that batch hold NaN or infinity; correct the data")
    found = next(filter(None, (_fault(name, p.data, p.grad) for name, p in model.named_parameters())), "")
    return TrainingError("; ".join(filter(None, [what, found, f"try {', or '.join(remedies)}"])))


def _fault(name: str, values: np.ndarray, gradient: np.ndarray | None) -> str:
    """Says what is wrong with a parameter; nothing if all of its values and gradients are finite."""
    if not np.isfinite(values).all():
        return f"parameter {name!r} holds NaN or infinity"
    if gradient is None or np.isfinite(np.vdot(gradient, gradient)):
        return ""
    finite = np.isfinite(gradient)
    largest = np.abs(gradient[finite]).max(initial=0.0)
    if finite.all():
        return f"parameter {name!r} has gradients up to {largest:.3g}, whose squares are beyond {gradient.dtype}"
    count = f"{gradient.size - np.count_nonzero(finite):,} of the {gradient.size:,} gradients"
    return f"{count} of parameter {name!r} are not finite, the largest of the others is {largest:.3g}"
