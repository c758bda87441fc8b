"""The activations of networks.

What happens at kinks is written in docs/autograd.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.dispatch import primitive
from minigrad.ops.elementwise import greater, where

Array = NDArray[Any]




def _relu(x: Array) -> Array:
    """The larger of x and 0 (Nair and Hinton, 2010); the slope at 0 is 0."""
    return np.maximum(x, 0)


def _leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    """x where it is positive, else negative_slope * x (Maas et al., 2013)."""
    return np.where(x > 0, x, x * negative_slope)


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); where exp(-x) would overflow it is cut, and the result is 0 to rounding."""
    t = np.negative(x, out=np.empty(x.shape, x.dtype if x.dtype.kind == "f" else np.float64))
    np.minimum(t, 88.0 if t.dtype == np.float32 else 709.0, out=t)
    np.exp(t, out=t)
    t += 1
    return np.reciprocal(t, out=t)


def _softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    return np.logaddexp(x, x.dtype.type(0))


relu = primitive("relu", _relu, lambda g, out: g * greater(out, 0))
leaky_relu = primitive(
    "leaky_relu",
    _leaky_relu,
    lambda g, x, negative_slope: where(greater(x, 0), g, g * negative_slope),
)
sigmoid = primitive("sigmoid", _sigmoid, lambda g, out: g * (out - out * out))
softplus = primitive("softplus", _softplus, lambda g, x: g * sigmoid(x))
