"""A perceptron: one neuron with a decision threshold."""

from typing import Literal

import numpy as np

from minigrad import Tensor, ops
from minigrad.nn import Linear, Module

ACTIVATIONS = {"identity": lambda z: z, "relu": ops.relu, "sigmoid": ops.sigmoid, "tanh": ops.tanh}


class Perceptron(Module):
    """One neuron: activation(w · x + b), and a threshold.

    The decision is yes if the score is above the threshold.

    Args:
        in_features: the number of inputs.
        activation: the activation applied to the weighted sum.
        threshold: the threshold of the decision.
        weights: the in_features initial weights; by default random, as in `Linear`.
        bias: the initial bias; by default random, as in `Linear`.

    Raises:
        ValueError: if there is not one weight for each input.
    """

    def __init__(
        self,
        in_features: int,
        activation: Literal["identity", "relu", "sigmoid", "tanh"] = "sigmoid",
        threshold: float = 0.5,
        weights: list[float] | None = None,
        bias: float | None = None,
    ) -> None:
        self.sum = Linear(in_features, 1)
        self.activation = activation
        self.threshold = threshold
        if weights is not None:
            if len(weights) != in_features:
                raise ValueError(f"expected one weight for each of {in_features} inputs, got {len(weights)}")
            self.sum.weight.data[:] = weights
        if bias is not None and self.sum.bias is not None:
            self.sum.bias.data[:] = bias

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (N, 1) of inputs (N, in_features)."""
        return ACTIVATIONS[self.activation](self.sum(x))

    def decide(self, x: Tensor) -> np.ndarray:
        """Return the decisions (N,) for inputs (N, in_features)."""
        return self.forward(x).data[:, 0] > self.threshold
