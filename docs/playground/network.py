"""A model as a chain of linear layers: what can be drawn as neurons and weights, and what each neuron answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import Tensor, no_grad
from minigrad.nn import Linear, Module


class Chain:
    """The linear layers of a model in the order in which an input runs through them.

    Attributes:
        layers: the linear layers; none if the model is no chain of them.
        sizes: the number of inputs, of neurons in each hidden layer, and of outputs.

    Args:
        model: any module.
        x: inputs (N, ...), of which the first is sent through the model to see which layers it meets.
    """

    def __init__(self, model: Module, x: np.ndarray) -> None:
        self.model = model
        with no_grad(), _calls(model) as calls:
            model.eval()(Tensor(x[:1]))
            model.train()
        self.layers = [layer for layer, _, _ in calls] if _is_chain(calls, model, x[0].size) else []
        self.sizes = [self.layers[0].in_features, *(layer.out_features for layer in self.layers)] if self.layers else []

    def answers(self, x: np.ndarray) -> list[np.ndarray]:
        """Returns what each hidden layer passes on, and what the model answers: one (N, neurons) per layer."""
        with no_grad(), np.errstate(all="ignore"), _calls(self.model) as calls:
            self.model.eval()
            outputs = self.model(Tensor(x)).data
            self.model.train()
        return [*(inputs for _, inputs, _ in calls[1:]), outputs.reshape(len(x), -1)]

    def sums(self, x: np.ndarray) -> list[np.ndarray]:
        """Returns the weighted sums of each layer, (N, neurons), before the activation."""
        with no_grad(), np.errstate(all="ignore"), _calls(self.model) as calls:
            self.model.eval()(Tensor(x))
            self.model.train()
        return [outputs for _, _, outputs in calls]


@contextmanager
def _calls(model: Module) -> Iterator[list[tuple[Linear, np.ndarray, np.ndarray]]]:
    """Within the block, collects each call of a linear layer: the layer, its inputs and its outputs."""
    calls: list[tuple[Linear, np.ndarray, np.ndarray]] = []

    def note(layer: Module, args: tuple[Any, ...], output: Any) -> None:
        calls.append((layer, args[0].data, output.data))

    handles = [m.register_forward_hook(note) for m in model.modules() if isinstance(m, Linear)]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _is_chain(calls: list[tuple[Linear, np.ndarray, np.ndarray]], model: Module, features: int) -> bool:
    """Whether each layer takes what the one before it gives, each has had one call, and nothing else has weights."""
    layers = [layer for layer, _, _ in calls]
    widths = [features, *(layer.out_features for layer in layers)]
    own = sum(parameter.size for layer in layers for parameter in layer.parameters())
    return (
        bool(layers)
        and len(set(map(id, layers))) == len(layers)
        and all(layer.in_features == width for layer, width in zip(layers, widths, strict=False))
        and all(inputs.ndim == 2 for _, inputs, _ in calls)
        and own == sum(parameter.size for parameter in model.parameters())
    )
