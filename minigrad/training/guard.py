"""What is said when numbers stop being numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.nn import Module


class TrainingError(RuntimeError):
    """A training that cannot go on: what happened, at which step, and what to try."""


def divergence(what: str, inputs: Sequence[np.ndarray], model: Module, remedies: list[str]) -> TrainingError:
    """Returns the error for a loss or a gradient that is not finite.

    Args:
        what: what became of what, and when.
        inputs: of the batches, which may be the cause.
        model: in the state that the batch met, with the gradients that it gave, if it gave any.
        remedies: what the run does not do yet and might help.
    """
    if not all(np.isfinite(array).all() for array in inputs):
        return TrainingError(f"{what}: its inputs hold NaN or infinity; correct the data")
    parameters = list(model.named_parameters())
    faults = [f"parameter {name!r} holds NaN or infinity" for name, p in parameters if not np.isfinite(p.data).all()]
    faults += [fault for name, p in parameters if p.grad is not None and (fault := _fault(name, p.grad))]
    return TrainingError("; ".join([what, *faults[:1], f"try {', or '.join(remedies)}"]))


def _fault(name: str, gradient: np.ndarray) -> str:
    """Says what is wrong with the gradients of a parameter; nothing if they, and their squares, are finite."""
    if np.isfinite(np.vdot(gradient, gradient)):
        return ""
    finite = gradient[np.isfinite(gradient)]
    if not finite.size:
        return f"none of the {gradient.size:,} gradients of parameter {name!r} is finite"
    largest = np.abs(finite).max()
    if finite.size == gradient.size:
        return f"parameter {name!r} has gradients up to {largest:.3g}, whose squares are beyond {gradient.dtype}"
    count = f"{gradient.size - finite.size:,} of the {gradient.size:,} gradients"
    return f"{count} of parameter {name!r} are not finite, the largest of the others is {largest:.3g}"
