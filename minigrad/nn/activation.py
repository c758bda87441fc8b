"""Activation functions, elementwise or along an axis."""

from __future__ import annotations

from typing import Literal

import numpy as np

from minigrad import ops
from minigrad.arguments import as_choice, as_integer, as_number
from minigrad.engine import Tensor
from minigrad.nn.init import constant_
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class Identity(Module):
    """The identity: x unchanged.

    Use it where a layer is required but nothing should happen.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x."""
        return x


class ReLU(Module):
    """ReLU: max(x, 0), with derivative 0 at 0."""

    def forward(self, x: Tensor) -> Tensor:
        """Return max(x, 0), of the shape of x."""
        return ops.relu(x)


class LeakyReLU(Module):
    """Leaky ReLU: negative_slope · x where x is negative.

    Args:
        negative_slope: the derivative left of 0, and at 0.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = as_number("negative_slope", negative_slope)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, of the shape of x."""
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """The logistic sigmoid: 1 / (1 + exp(-x))."""

    def forward(self, x: Tensor) -> Tensor:
        """Return values from 0 to 1, shaped as x."""
        return ops.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        """Return values from -1 to 1, shaped as x."""
        return ops.tanh(x)


class GELU(Module):
    """Gaussian error linear unit: x · Φ(x).

    Φ is the distribution function of the standard normal (Hendrycks & Gimpel, arXiv:1606.08415).

    Args:
        approximate: "none", or "tanh" for the paper's approximation of Φ, which GPT-2 uses.

    Raises:
        ValueError: for any other value.
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate = as_choice("approximate", approximate, ("none", "tanh"))

    def forward(self, x: Tensor) -> Tensor:
        """Return x · Φ(x), of the shape of x."""
        return ops.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """The approximation."""
        return f"approximate={self.approximate!r}"


class ELU(Module):
    """Exponential linear unit: alpha · (exp(x) - 1) below 0.

    It is x where x > 0 (Clevert et al., arXiv:1511.07289).

    Args:
        alpha: the limit at -∞ is -alpha, and the derivative at 0 is alpha.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = as_number("alpha", alpha)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, of the shape of x."""
        return ops.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The limit."""
        return f"alpha={self.alpha}"


class CELU(ELU):
    """ELU with derivative 1 at 0.

    It is x where x > 0, else alpha · (exp(x / alpha) - 1) (Barron, arXiv:1704.07483).

    Args:
        alpha: the limit at -∞ is -alpha.

    Raises:
        ValueError: if alpha is 0.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        if alpha == 0:
            raise ValueError("alpha must not be 0: CELU divides by it")
        super().__init__(alpha)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, of the shape of x."""
        return ops.multiply(ops.elu(ops.divide(x, self.alpha)), self.alpha)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., appendix A.1


class SELU(Module):
    """Scaled ELU, which normalizes activations from layer to layer.

    It is λ x where x > 0, else λ α (exp(x) - 1), with λ = 1.0507 and α = 1.6733 (Klambauer et al., arXiv:1706.02515).
    With weights of variance 1 / fan_in, these constants keep the mean at 0 and the variance at 1 from layer to layer.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, of the shape of x.

        The derivative at 0 is λ α.
        """
        return ops.multiply(ops.elu(x, _SELU_ALPHA), _SELU_SCALE)


class SiLU(Module):
    """SiLU or swish: x · σ(x).

    Elfwing et al., arXiv:1702.03118.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x · σ(x), of the shape of x."""
        return ops.silu(x)


class Mish(Module):
    """Mish: x · tanh(softplus(x)).

    Misra, arXiv:1908.08681.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x · tanh(softplus(x)), of the shape of x."""
        return ops.multiply(x, ops.tanh(ops.softplus(x)))


class Softplus(Module):
    """Softplus, a smooth ReLU.

    It is log(1 + exp(beta · x)) / beta.

    Args:
        beta: the sharpness of the bend.
        threshold: where beta · x is above this, the result is x.

    Raises:
        ValueError: if beta is 0.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        if beta == 0:
            raise ValueError("beta must not be 0: Softplus divides by it")
        self.beta = as_number("beta", beta)
        self.threshold = as_number("threshold", threshold, finite=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, of the shape of x."""
        scaled = ops.multiply(x, self.beta)
        return ops.where(ops.greater(scaled, self.threshold), x, ops.divide(ops.softplus(scaled), self.beta))

    def extra_repr(self) -> str:
        """The sharpness and the threshold."""
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    """The logarithm of the sigmoid: log σ(x).

    It is accurate even where σ(x) rounds to 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return values below 0, of the shape of x."""
        return ops.negative(ops.softplus(ops.negative(x)))


class Softsign(Module):
    """Softsign: x / (1 + |x|)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return values from -1 to 1, shaped as x."""
        return ops.divide(x, ops.add(ops.abs(x), 1.0))


class Hardtanh(Module):
    """x clipped to [min_val, max_val].

    The derivative is 0 outside, and at both bounds.

    Args:
        min_val: the lower bound.
        max_val: the upper bound.

    Raises:
        ValueError: if max_val is not above min_val.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = as_number("min_val", min_val, finite=False)
        self.max_val = as_number("max_val", max_val, finite=False)
        if not max_val > min_val:
            raise ValueError(f"max_val must be above min_val, {min_val}, got {max_val}")

    def forward(self, x: Tensor) -> Tensor:
        """Return values from min_val to max_val, shaped as x."""
        return ops.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class ReLU6(Module):
    """ReLU6: min(max(x, 0), 6).

    The derivative is 0 at 0 and at 6 (Krizhevsky, 2010).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return values from 0 to 6, shaped as x."""
        return ops.hardtanh(x, 0.0, 6.0)


def _hardsigmoid(x: Tensor) -> Tensor:
    return ops.divide(ops.hardtanh(ops.add(x, 3.0), 0.0, 6.0), 6.0)


class Hardsigmoid(Module):
    """Piecewise linear sigmoid: ReLU6(x + 3) / 6."""

    def forward(self, x: Tensor) -> Tensor:
        """Return values from 0 to 1, shaped as x."""
        return _hardsigmoid(x)


class Hardswish(Module):
    """Piecewise SiLU: x · ReLU6(x + 3) / 6.

    It is cheaper than SiLU (Howard et al., "MobileNetV3", arXiv:1905.02244).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, of the shape of x."""
        return ops.multiply(x, _hardsigmoid(x))


class PReLU(Module):
    """Parametric ReLU: a leaky ReLU with learned slopes.

    It is x where x > 0, else weight · x (He et al., arXiv:1502.01852). `weight` is (num_parameters,).

    Args:
        num_parameters: 1 for a single slope, or the number of channels (axis 1 of the input) for one slope each.
        init: the initial slope.

    Raises:
        ValueError: if `num_parameters` is below 1.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = as_integer("num_parameters", num_parameters, 1)
        self.weight = constant_(Parameter(np.empty(num_parameters, np.float32)), as_number("init", init))

    def forward(self, x: Tensor) -> Tensor:
        """Return the activations, of the shape of x.

        Raises:
            ValueError: if the number of channels of x is not the number of slopes.
        """
        channels = x.shape[1] if x.ndim > 1 else 1
        if self.num_parameters not in (1, channels):
            raise ValueError(f"expected {self.num_parameters} channels on axis 1, one for each slope, got {x.shape}")
        slopes = ops.reshape(self.weight, (-1, *[1] * (x.ndim - 2))) if x.ndim else ops.reshape(self.weight, ())
        return ops.where(ops.greater(x, 0), x, ops.multiply(x, slopes))

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class _AlongAxis(Module):
    """The base of activations along one axis.

    Args:
        dim: the axis.
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = as_integer("dim", dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class Softmax(_AlongAxis):
    """Softmax along one axis: exp(x) / sum(exp(x)).

    The results are positive and sum to 1.

    Args:
        dim: the axis.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities, of the shape of x.

        Raises:
            IndexError: if x has no axis `dim`.
        """
        return ops.softmax(x, self.dim)


class LogSoftmax(_AlongAxis):
    """Log-softmax along one axis, for `NLLLoss`.

    It is x - log(sum(exp(x))).

    Args:
        dim: the axis.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return log-probabilities, of the shape of x.

        Raises:
            IndexError: if x has no axis `dim`.
        """
        return ops.log_softmax(x, self.dim)


class GLU(_AlongAxis):
    """Gated linear unit: a · σ(b).

    a and b are the first and second half of x along one axis (Dauphin et al., arXiv:1612.08083).

    Args:
        dim: the axis, which becomes half as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return a · σ(b).

        Raises:
            ValueError: if the length of the axis is odd.
            IndexError: if x has no axis `dim`.
        """
        a, b = ops.split(x, 2, self.dim)
        return ops.multiply(a, ops.sigmoid(b))
