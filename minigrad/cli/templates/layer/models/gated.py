"""A custom layer, which a config uses by class name."""

from minigrad import Tensor, ops
from minigrad.nn import Linear, Module


class Gated(Module):
    """A gated layer (highway network), (N, features) to (N, features).

    g * tanh(W x) + (1 - g) * x with the gate g = sigmoid(V x + c).

    Args:
        features: input and output size.
        bias: initial c; a higher bias opens the gates.
    """

    def __init__(self, features: int, bias: float = 0.0) -> None:
        self.change = Linear(features, features)
        self.gate = Linear(features, features)
        self.gate.bias.data[:] = bias

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs; their gradients are computed automatically."""
        gate = ops.sigmoid(self.gate(x))
        return gate * ops.tanh(self.change(x)) + (1 - gate) * x
