"""Functions that bend: each element on its own, or, as softmax, along an axis; and one that bends nothing."""

from __future__ import annotations

from typing import Literal

import numpy as np

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.init import constant_
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import require_sizes


class Identity(Module):
    """x itself: the layer that does nothing, to stand where one is asked for."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns x."""
        return x


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


class ELU(Module):
    """x where x > 0, else alpha · (exp(x) - 1) (Clevert et al., arXiv:1511.07289).

    Args:
        alpha: minus the limit far left, and the derivative at 0.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bent x, of its shape."""
        return ops.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The limit."""
        return f"alpha={self.alpha}"


class CELU(ELU):
    """x where x > 0, else alpha · (exp(x / alpha) - 1): an ELU whose derivative is 1 at 0 (Barron, arXiv:1704.07483).

    Args:
        alpha: minus the limit far left.

    Raises: ValueError if alpha is 0.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        if alpha == 0:
            raise ValueError("alpha must not be 0: CELU divides by it")
        super().__init__(alpha)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bent x, of its shape."""
        return ops.multiply(ops.elu(ops.divide(x, self.alpha)), self.alpha)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., appendix A.1


class SELU(Module):
    """λ x where x > 0, else λ α (exp(x) - 1), with λ = 1.0507 and α = 1.6733 (Klambauer et al., arXiv:1706.02515).

    These two keep the mean 0 and the variance 1 from layer to layer, of weights with variance 1 / fan_in.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bent x, of its shape; the derivative at 0 is λ α."""
        return ops.multiply(ops.elu(x, _SELU_ALPHA), _SELU_SCALE)


class SiLU(Module):
    """x · σ(x), also known as swish (Elfwing et al., arXiv:1702.03118)."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns x · σ(x), of the shape of x."""
        return ops.silu(x)


class Mish(Module):
    """x · tanh(softplus(x)) (Misra, arXiv:1908.08681)."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns x · tanh(softplus(x)), of the shape of x."""
        return ops.multiply(x, ops.tanh(ops.softplus(x)))


class Softplus(Module):
    """log(1 + exp(beta · x)) / beta, a smooth ReLU.

    Args:
        beta: how sharp the bend is.
        threshold: where beta · x is larger, the result is x.

    Raises: ValueError if beta is 0.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        if beta == 0:
            raise ValueError("beta must not be 0: Softplus divides by it")
        self.beta = beta
        self.threshold = threshold

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bent x, of its shape."""
        scaled = ops.multiply(x, self.beta)
        return ops.where(ops.greater(scaled, self.threshold), x, ops.divide(ops.softplus(scaled), self.beta))

    def extra_repr(self) -> str:
        """The sharpness and where it ends."""
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    """log σ(x), exact also where σ(x) is 0 to rounding."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns values below 0, of the shape of x."""
        return ops.negative(ops.softplus(ops.negative(x)))


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns values between -1 and 1, of the shape of x."""
        return ops.divide(x, ops.add(ops.abs(x), 1.0))


class Hardtanh(Module):
    """x, but min_val where it is less and max_val where it is more; the derivative is 0 there and at both bends.

    Args:
        min_val: the least result.
        max_val: the largest result.

    Raises: ValueError if max_val is not above min_val.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        if not max_val > min_val:
            raise ValueError(f"max_val must be above min_val, {min_val}, got {max_val}")
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, x: Tensor) -> Tensor:
        """Returns values from min_val to max_val, of the shape of x."""
        return ops.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class ReLU6(Module):
    """min(max(x, 0), 6), with derivative 0 at 0 and at 6 (Krizhevsky, 2010)."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns values from 0 to 6, of the shape of x."""
        return ops.hardtanh(x, 0.0, 6.0)


def _hardsigmoid(x: Tensor) -> Tensor:
    return ops.divide(ops.hardtanh(ops.add(x, 3.0), 0.0, 6.0), 6.0)


class Hardsigmoid(Module):
    """ReLU6(x + 3) / 6: a sigmoid of straight lines."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns values from 0 to 1, of the shape of x."""
        return _hardsigmoid(x)


class Hardswish(Module):
    """x · ReLU6(x + 3) / 6: a SiLU of few operations (Howard et al., "MobileNetV3", arXiv:1905.02244)."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bent x, of its shape."""
        return ops.multiply(x, _hardsigmoid(x))


class PReLU(Module):
    """x where x > 0, else weight · x, with learned slopes (He et al., arXiv:1502.01852).

    `weight` is (num_parameters,).

    Args:
        num_parameters: 1, or the length of axis 1 of the input, the channels: each has a slope of its own.
        init: the slope at first.

    Raises: ValueError if `num_parameters` is below 1.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        require_sizes(num_parameters=num_parameters)
        self.num_parameters = num_parameters
        self.weight = constant_(Parameter(np.empty(num_parameters, np.float32)), init)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bent x, of its shape. Raises: ValueError if x has not as many channels as there are slopes."""
        channels = x.shape[1] if x.ndim > 1 else 1
        if self.num_parameters not in (1, channels):
            raise ValueError(f"expected {self.num_parameters} channels on axis 1, one for each slope, got {x.shape}")
        slopes = ops.reshape(self.weight, (-1, *[1] * (x.ndim - 2))) if x.ndim else ops.reshape(self.weight, ())
        return ops.where(ops.greater(x, 0), x, ops.multiply(x, slopes))

    def extra_repr(self) -> str:
        """How many slopes there are."""
        return f"num_parameters={self.num_parameters}"


class _AlongAxis(Module):
    """The base of what is done along one axis.

    Args:
        dim: the axis.
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class Softmax(_AlongAxis):
    """exp(x) / sum(exp(x)) along one axis: positive, with sum 1.

    Args:
        dim: the axis.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns probabilities, of the shape of x. Raises: IndexError if x has no axis `dim`."""
        return ops.softmax(x, self.dim)


class LogSoftmax(_AlongAxis):
    """x - log(sum(exp(x))) along one axis: the logarithms of a softmax, for `NLLLoss`.

    Args:
        dim: the axis.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns logarithms of probabilities, of the shape of x. Raises: IndexError if x has no axis `dim`."""
        return ops.log_softmax(x, self.dim)


class GLU(_AlongAxis):
    """a · σ(b), with a and b the first and the second half of x along one axis (Dauphin et al., arXiv:1612.08083).

    Args:
        dim: the axis, which becomes half as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns a · σ(b). Raises: ValueError if the axis cannot be halved, IndexError if x has no axis `dim`."""
        a, b = ops.split(x, 2, self.dim)
        return ops.multiply(a, ops.sigmoid(b))
