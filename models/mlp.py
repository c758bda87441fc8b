"""A multilayer perceptron, to copy for architectures of your own.

A config finds the class by its name: `model: {MLP: {sizes: [64, 128, 10], activation: relu}}`. The constructor's
annotated arguments are what the config may say.
"""

from itertools import pairwise
from typing import Literal

from minigrad import Tensor
from minigrad.nn import GELU, Dropout, Flatten, Linear, Module, ModuleList, ReLU, Sigmoid, Tanh

ACTIVATIONS = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh, "gelu": GELU}


class MLP(Module):
    """A multilayer perceptron: (N, ...) to (N, sizes[-1]).

    Linear layers with an activation, and optionally dropout, between them.

    Args:
        sizes: the number of inputs, of neurons in each hidden layer, and of outputs.
        activation: what stands between two layers.
        dropout: the share of hidden neurons that are silenced in a training step.

    Raises:
        ValueError: if there are fewer than two sizes.
    """

    def __init__(
        self,
        sizes: list[int],
        activation: Literal["relu", "sigmoid", "tanh", "gelu"] = "relu",
        dropout: float = 0.0,
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"sizes must name at least the inputs and the outputs, got {sizes}")
        self.flatten = Flatten()
        self.layers = ModuleList([Linear(n, m) for n, m in pairwise(sizes)])
        self.activation = ACTIVATIONS[activation]()
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last layer's outputs, without activation.

        Losses take them as they are.
        """
        x = self.flatten(x)
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)
