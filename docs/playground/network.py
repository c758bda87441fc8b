"""A model as a chain of linear layers, to draw its neurons, weights and activations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import Tensor, no_grad
from minigrad.nn import Linear, Module


class Chain:
    """The linear layers of a model in the order of the forward pass.

    Attributes:
        layers: the linear layers; empty if the model is not a chain of them.
        sizes: the number of inputs, of neurons in each hidden layer, and of outputs.

    Args:
        model: any module.
        x: inputs (N, ...); the first one is passed through the model to find the order of the layers.
    """

    def __init__(self, model: Module, x: np.ndarray) -> None:
        self.model = model
        with no_grad(), _calls(model) as calls:
            model.eval()(Tensor(x[:1]))
            model.train()
        self.layers = [layer for layer, _, _ in calls] if _is_chain(calls, model, x[0].size) else []
        self.sizes = [self.layers[0].in_features, *(layer.out_features for layer in self.layers)] if self.layers else []

    def answers(self, x: np.ndarray) -> list[np.ndarray]:
        """Return the activations of each hidden layer and the outputs of the model, one (N, neurons) per layer."""
        with no_grad(), np.errstate(all="ignore"), _calls(self.model) as calls:
            self.model.eval()
            outputs = self.model(Tensor(x)).data
            self.model.train()
        return [*(inputs for _, inputs, _ in calls[1:]), outputs.reshape(len(x), -1)]

    def sums(self, x: np.ndarray) -> list[np.ndarray]:
        """Return the weighted sums of each layer, (N, neurons), before the activation."""
        with no_grad(), np.errstate(all="ignore"), _calls(self.model) as calls:
            self.model.eval()(Tensor(x))
            self.model.train()
        return [outputs for _, _, outputs in calls]


@contextmanager
def _calls(model: Module) -> Iterator[list[tuple[Linear, np.ndarray, np.ndarray]]]:
    """Within the block, collect the layer, inputs and outputs of each call of a linear layer."""
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
    """Whether each layer gets the previous one's output, each is called once, and nothing else has weights."""
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
