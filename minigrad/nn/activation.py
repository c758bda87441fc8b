"""Functions that bend: each element on its own, and softmax."""

from __future__ import annotations

from typing import Literal

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class ReLU(Module):
    """max(x, 0), with derivative 0 at 0."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns max(x, 0), of the shape of x."""
        return ops.relu(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope · x.

    Args:
        negative_slope: the derivative left of 0, and at 0.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bent x, of its shape."""
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns values between 0 and 1, of the shape of x."""
        return ops.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns values between -1 and 1, of the shape of x."""
        return ops.tanh(x)


class GELU(Module):
    """x · Φ(x), with Φ the distribution function of the standard normal (Hendrycks & Gimpel, arXiv:1606.08415).

    Args:
        approximate: "tanh" takes their approximation of Φ, which GPT-2 has.

    Raises: ValueError for any other word.
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """Returns x · Φ(x), of the shape of x."""
        return ops.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """The approximation."""
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """exp(x) / sum(exp(x)) along one axis: positive, with sum 1.

    Args:
        dim: the axis.
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Returns probabilities, of the shape of x. Raises: IndexError if x has no axis `dim`."""
        return ops.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"
