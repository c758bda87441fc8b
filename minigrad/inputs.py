"""Inputs of a model: one array, or several by name.

The names are the parameters of the model's `forward`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.devices import foreign, moved
from minigrad.engine import Tensor
from minigrad.places import defined_at
from minigrad.suggest import most_similar

Array = NDArray[Any]
Inputs = Array | Mapping[str, Array]
"""An array (N, ...), or several by name, with different shapes after the first axis."""


def parts(inputs: Inputs) -> list[tuple[str, Array]]:
    """Return each array with its name, or ""."""
    return list(inputs.items()) if isinstance(inputs, Mapping) else [("", inputs)]


def take(inputs: Inputs, rows: Array | slice) -> Inputs:
    """Return some of the examples.

    They are copies for an integer array, and views for a slice.
    """
    if isinstance(inputs, Mapping):
        return {name: array[rows] for name, array in inputs.items()}
    taken: Array = inputs[rows]
    return taken


def join(several: Sequence[Inputs]) -> Inputs:
    """Concatenate the examples of several inputs with equal names."""
    first = several[0]
    if isinstance(first, Mapping):
        return {name: np.concatenate([dict(parts(inputs))[name] for inputs in several]) for name in first}
    return np.concatenate([array for inputs in several for _, array in parts(inputs)])


def shapes(inputs: Inputs) -> Any:
    """Return the shape of an example, or one per name."""
    found = {name: array.shape[1:] for name, array in parts(inputs)}
    return found if isinstance(inputs, Mapping) else found[""]


def count(inputs: Inputs) -> int:
    """Return the number of examples."""
    return len(next(array for _, array in parts(inputs)))


def tensors(inputs: Inputs) -> Any:
    """Return a tensor, or several by name, sharing memory."""
    if isinstance(inputs, Mapping):
        return {name: Tensor(array) for name, array in inputs.items()}
    return Tensor(inputs)


def beside(model: Any, inputs: Inputs) -> Inputs:
    """Return inputs on the device of a model's parameters."""
    if not foreign or not hasattr(model, "parameters"):
        return inputs
    parameter = next(iter(model.parameters()), None)
    if parameter is None:
        return inputs
    if isinstance(inputs, Mapping):
        return {name: moved(array, parameter.device) for name, array in inputs.items()}
    return moved(inputs, parameter.device)


def call(model: Callable[..., Any], inputs: Inputs) -> Any:
    """Call a model with its inputs, positionally or by name.

    The inputs are moved to the device of its parameters.

    Raises:
        TypeError: if the model takes other inputs, with the names of both; and if it does not return a tensor.
        Exception: whatever the model raises.
    """
    inputs = beside(model, inputs)
    try:
        if isinstance(inputs, Mapping):
            result = model(**{name: Tensor(array) for name, array in inputs.items()})
        else:
            result = model(Tensor(inputs))
    except TypeError as error:
        if misfit := _misfit(model, inputs):
            raise TypeError(misfit) from error
        raise
    if not isinstance(result, Tensor):
        raise TypeError(_no_tensor(model, result))
    return result


def _no_tensor(model: Callable[..., Any], result: Any) -> str:
    title = _forward_of(model)
    if result is None:
        return f"{title} returned None: it ends with return and the outputs, a tensor"
    remedy = "return the one to train"
    if isinstance(result, tuple):
        remedy += ", as LastOutput does of a recurrent layer"
    return f"{title} returned a {type(result).__name__}, and outputs are one tensor: {remedy}"


def _forward_of(model: Callable[..., Any]) -> str:
    """Return the name of a model's forward, with its file and line if it is a user's."""
    return f"forward of {type(model).__name__}{defined_at(getattr(model, 'forward', model))}"


def _misfit(model: Callable[..., Any], inputs: Inputs) -> str:
    """Describe how a model's parameters differ from the given inputs; "" if they do not."""
    forward = getattr(model, "forward", model)
    if not callable(forward):
        return f"forward of {type(model).__name__} is a {type(forward).__name__}, and has to be a method"
    try:
        takes = inspect.signature(forward)
    except ValueError:  # it has no parameter for `self`
        return f"{_forward_of(model)} takes nothing: write def forward(self, x)"
    names = list(inputs) if isinstance(inputs, Mapping) else []
    try:
        takes.bind(**dict.fromkeys(names)) if names else takes.bind(inputs)
    except TypeError:
        given = f"the data has the inputs {_join_names(names)}" if names else "the data has one input without a name"
        wanted = list(takes.parameters)
        strays = [(name, most_similar(name, wanted)) for name in names if name not in wanted]
        near = "".join(f"; did you mean {match!r} by {name!r}?" for name, match in strays if match)
        return f"{_forward_of(model)} takes {_join_names(wanted)}, and {given}{near}"
    return ""


def _join_names(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(map(repr, names[:-1])), repr(names[-1])])) if names else "nothing"
