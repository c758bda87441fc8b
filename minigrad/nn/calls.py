"""Calls of modules: errors with paths, and eval mode."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minigrad.engine import Tensor

_TITLED = (ValueError, TypeError, IndexError, MemoryError)
"""Errors whose message is extended by the layer they came from."""


def refuse(forward: Callable[..., Any], given: tuple[Any, ...] | None) -> None:
    """Raise TypeError for arguments that are not tensors.

    They are several results of a layer, or None, where `forward` is annotated to take a tensor.
    """
    parameters = list(inspect.signature(forward).parameters.values())
    if parameters and parameters[0].annotation in (Tensor, "Tensor"):
        if given is None:
            raise TypeError("expected a tensor, got None: does the forward of the layer before it end with return?")
        parts = ", ".join(type(part).__name__ for part in given)
        raise TypeError(
            f"expected a tensor, got a tuple ({parts}): a recurrent layer returns its outputs and its last state. "
            "In a Sequential put LastOutput between them; a Module of your own passes on what the next layer is to "
            "get: out, state = self.lstm(x), then self.head(out[:, -1])"
        )


def locate(called: Any, error: BaseException) -> None:
    """Prepend the layer's path to an error's message.

    The path leads from the module that was called to the innermost layer that raised the error.
    """
    origin = getattr(error, "_layer_id", id(called))  # not the layer itself: the error could not be pickled
    for path, module in called.named_modules():
        if id(module) == origin:
            if isinstance(error, _TITLED):
                message = str(error)
                if hasattr(error, "layer_path"):
                    message = message.removeprefix(_title(error.layer_path, module))
                error.args = (_title(path, module) + message,)
            vars(error).update(layer_path=path, _layer_id=origin)
            return


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Put a module into eval mode within the block."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def _title(path: str, layer: object) -> str:
    """Return the name of a layer in an error message. A module that is called directly has no path."""
    name = type(layer).__name__
    return f"layer {path!r} ({name}): " if path else f"{name}: "
