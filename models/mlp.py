"""A multilayer perceptron, to copy for your own architectures.

A config names the class: `model: {MLP: {sizes: [64, 128, 10], activation: relu}}`. It may set the annotated arguments
of the constructor.
"""

from itertools import pairwise
from typing import Literal

from minigrad import Tensor
from minigrad.nn import GELU, Dropout, Flatten, Linear, Module, ModuleList, ReLU, Sigmoid, Tanh

ACTIVATIONS = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh, "gelu": GELU}


class MLP(Module):
    """A multilayer perceptron: (N, ...) to (N, sizes[-1]).

    Linear layers with an activation and optional dropout in between.

    Args:
        sizes: the number of inputs, of neurons in each hidden layer, and of outputs.
        activation: the activation after each hidden layer.
        dropout: the dropout probability of hidden neurons.

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
        """Return the outputs, without activation, as losses expect them."""
        x = self.flatten(x)
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)
