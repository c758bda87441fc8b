"""Errors for non-finite losses and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from minigrad.inputs import Inputs, parts
from minigrad.nn import Module
from minigrad.parallel import Ranks


class TrainingError(RuntimeError):
    """A training that cannot continue.

    The message says what happened, at which step, and what to try.
    """


class NonFiniteLossError(ArithmeticError):
    """A NaN or infinite loss of an evaluated batch.

    Attributes:
        loss: the value of the loss.
        inputs: the inputs of the batch.
    """

    def __init__(self, loss: float, inputs: Inputs) -> None:
        super().__init__(f"the loss is {loss}")
        self.loss = loss
        self.inputs = inputs


def symptom(losses: Sequence[float], ranks: Ranks, when: str) -> str:
    """Describe which ranks have a non-finite loss.

    If all losses are finite, a gradient is not.

    Args:
        losses: the losses of all ranks, in order.
        ranks: the ranks, for their names.
        when: the step, as in "at step 12 (epoch 2)".
    """
    for rank, loss in enumerate(losses):
        if not isfinite(loss):
            name = ranks.name(rank)
            return f"the training loss became {loss} {when}" + (f" on {name}" if name else "")
    return f"a gradient is not finite {when}"


def divergence(what: str, inputs: Sequence[Inputs], model: Module, remedies: list[str]) -> TrainingError:
    """Return the error for a non-finite loss or gradient.

    The message names the likely cause.

    Args:
        what: the symptom, and when it appeared.
        inputs: the inputs of the batches; non-finite inputs are the cause.
        model: the model with the weights used for the batches, and their gradients if there are any.
        remedies: settings that might help.
    """
    if not all(np.isfinite(array).all() for batch in inputs for _, array in parts(batch)):
        return TrainingError(f"{what}: its inputs hold NaN or infinity; correct the data")
    parameters = list(model.named_parameters())
    faults = [f"parameter {name!r} holds NaN or infinity" for name, p in parameters if not np.isfinite(p.data).all()]
    faults += [fault for name, p in parameters if p.grad is not None and (fault := _fault(name, p.grad))]
    return TrainingError("; ".join([what, *faults[:1], f"try {', or '.join(remedies)}"]))


def _fault(name: str, gradient: np.ndarray) -> str:
    """Describe non-finite gradients of a parameter; an empty text if they and their squares are finite."""
    if np.isfinite(np.vdot(gradient, gradient)):
        return ""
    finite = gradient[np.isfinite(gradient)]
    if not finite.size:
        return f"none of the {gradient.size:,} gradients of parameter {name!r} is finite"
    largest = np.abs(finite).max()
    if finite.size == gradient.size:
        return f"parameter {name!r} has gradients up to {largest:.3g}, whose squares overflow {gradient.dtype}"
    count = f"{gradient.size - finite.size:,} of the {gradient.size:,} gradients"
    return f"{count} of parameter {name!r} are not finite, the largest of the others is {largest:.3g}"
