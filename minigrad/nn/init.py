"""Initialization of parameters, in place and by the seed.

Names, arguments and distributions are those of `torch.nn.init`. For a weight (out, in, *kernel), `fan_in` is in ·
kernel elements, the number of inputs summed in an output, and `fan_out` is out · kernel elements.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from math import prod, sqrt
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from minigrad.engine import Tensor, random
from minigrad.engine.block import Block

T = TypeVar("T", bound=Tensor)
Fan = Literal["fan_in", "fan_out"]
Nonlinearity = Literal["linear", "conv1d", "conv2d", "conv3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]

_is_skipped: ContextVar[bool] = ContextVar("minigrad init is skipped", default=False)

_GAINS = {"tanh": 5 / 3, "relu": sqrt(2), "selu": 3 / 4}


class skipped(Block):  # noqa: N801 - called like a function
    """Skip initialization within the block.

    Building a model of any size is then immediate, and takes address space but no memory.
    """

    variable = _is_skipped

    def value(self) -> bool:
        """Whether initialization is skipped."""
        return True


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0) -> T:
    """Fill with uniform random numbers from a to b."""
    return _fill(tensor, lambda: random.generator("init").uniform(a, b, tensor.shape))


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0) -> T:
    """Fill with normally distributed numbers."""
    return _fill(tensor, lambda: random.generator("init").normal(mean, std, tensor.shape))


def constant_(tensor: T, val: float) -> T:
    """Fill with one number."""
    return _fill(tensor, lambda: val)


def zeros_(tensor: T) -> T:
    """Fill with 0."""
    return _fill(tensor, lambda: 0.0)


def ones_(tensor: T) -> T:
    """Fill with 1."""
    return _fill(tensor, lambda: 1.0)


def calculate_gain(nonlinearity: Nonlinearity, param: float | None = None) -> float:
    """Return the gain for `nonlinearity`, as PyTorch tabulates it.

    The gain is the factor of the weights that preserves the variance through the nonlinearity.

    Args:
        nonlinearity: the name of the nonlinearity.
        param: the negative slope of "leaky_relu"; 0.01 if None.

    Raises:
        ValueError: for an unknown nonlinearity.
    """
    if nonlinearity == "leaky_relu":
        return sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity in ("linear", "sigmoid", "conv1d", "conv2d", "conv3d"):
        return 1.0
    if nonlinearity not in _GAINS:
        known = ", ".join(sorted(["linear", "sigmoid", "conv1d", "conv2d", "conv3d", "leaky_relu", *_GAINS]))
        raise ValueError(f"no gain is known for {nonlinearity!r}; there are: {known}")
    return _GAINS[nonlinearity]


def xavier_uniform_(tensor: T, gain: float = 1.0) -> T:
    """Fill uniformly, by Xavier initialization.

    The variance is gain² · 2 / (fan_in + fan_out) (Glorot & Bengio, AISTATS 2010).

    Raises:
        ValueError: if the tensor has fewer than two axes, and so no fans; as do all functions below.
    """
    bound = gain * sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: T, gain: float = 1.0) -> T:
    """Fill normally, by Xavier initialization.

    The variance is gain² · 2 / (fan_in + fan_out) (Glorot & Bengio, AISTATS 2010).
    """
    return normal_(tensor, 0.0, gain * sqrt(2 / sum(_fans(tensor))))


def kaiming_uniform_(tensor: T, a: float = 0.0, mode: Fan = "fan_in", nonlinearity: Nonlinearity = "leaky_relu") -> T:
    """Fill uniformly, by Kaiming initialization.

    The variance is gain² / fan (He et al., arXiv:1502.01852).

    Args:
        tensor: the weight.
        a: the negative slope, if `nonlinearity` is "leaky_relu".
        mode: "fan_in" preserves the variance in the forward pass, "fan_out" in the backward pass.
        nonlinearity: the nonlinearity that follows; see `calculate_gain`.
    """
    bound = sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor: T, a: float = 0.0, mode: Fan = "fan_in", nonlinearity: Nonlinearity = "leaky_relu") -> T:
    """Fill normally, by Kaiming initialization.

    The variance is gain² / fan (He et al., arXiv:1502.01852). The arguments are those of `kaiming_uniform_`.
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity))


def orthogonal_(tensor: T, gain: float = 1.0) -> T:
    """Fill with a (half-)orthogonal matrix times gain.

    Axes after the first are flattened (Saxe et al., arXiv:1312.6120).
    """
    _fans(tensor)
    rows, columns = tensor.shape[0], prod(tensor.shape[1:])

    def matrix() -> ArrayLike:
        normal = random.generator("init").standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q *= np.copysign(1, np.diagonal(r))  # a uniform distribution over orthogonal matrices
        return gain * (q.T if rows < columns else q).reshape(tensor.shape)

    return _fill(tensor, matrix)


def _fill(tensor: T, values: Callable[[], ArrayLike]) -> T:
    if not _is_skipped.get():
        tensor.data[...] = values()
        tensor.bump()
    return tensor


def _fans(tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise ValueError(f"fan_in and fan_out are of weights (out, in, ...), got shape {tensor.shape}")
    kernel = prod(tensor.shape[2:])
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


def _kaiming_std(tensor: Tensor, a: float, mode: Fan, nonlinearity: Nonlinearity) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) / sqrt(_fans(tensor)[mode == "fan_out"])
