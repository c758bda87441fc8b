"""Operations on each element by itself, each with its derivative beside it.

What happens at kinks, ties and zeros is written in docs/autograd.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.dispatch import primitive
from minigrad.ops.erf import erf as _erf

Array = NDArray[Any]

# Comparisons: constants, with truth values for elements.

equal = primitive("equal", np.equal)
not_equal = primitive("not_equal", np.not_equal)
less = primitive("less", np.less)
less_equal = primitive("less_equal", np.less_equal)
greater = primitive("greater", np.greater)
greater_equal = primitive("greater_equal", np.greater_equal)
logical_and = primitive("logical_and", np.logical_and)
logical_or = primitive("logical_or", np.logical_or)
logical_not = primitive("logical_not", np.logical_not)
isnan = primitive("isnan", np.isnan)
isfinite = primitive("isfinite", np.isfinite)

# Arithmetic.

add = primitive("add", np.add, lambda g: g, lambda g: g)
subtract = primitive("subtract", np.subtract, lambda g: g, lambda g: -g)
multiply = primitive("multiply", np.multiply, lambda g, y: g * y, lambda g, x: g * x)
divide = primitive("divide", np.divide, lambda g, y: g / y, lambda g, y, out: -g * out / y)
negative = primitive("negative", np.negative, lambda g: -g)
square = primitive("square", np.square, lambda g, x: g * (2 * x))
reciprocal = primitive("reciprocal", np.reciprocal, lambda g, out: -g * (out * out))


def _power(x: Array, y: Array) -> Array:
    """x to the power y; through the operator, which knows quick ways for exponents such as 2 and 0.5."""
    return x**y


def _power_x(g: Any, x: Any, y: Any) -> Any:
    """d(x^y)/dx = y x^(y-1); zero where y is, also at x = 0."""
    if isinstance(y, (int, float)):
        return g * (y * x ** (y - 1)) if y else g * 0.0
    return g * (y * x ** where(equal(y, 0), 1.0, y - 1))


def _power_y(g: Any, x: Any, out: Any) -> Any:
    """d(x^y)/dy = x^y log x; zero at x = 0."""
    return g * (out * log(where(equal(x, 0), 1.0, x)))


power = primitive("power", _power, _power_x, _power_y, numpy=np.power)

# Exponentials, logarithms, roots.

exp = primitive("exp", np.exp, lambda g, out: g * out)
expm1 = primitive("expm1", np.expm1, lambda g, out: g * (out + 1))
log = primitive("log", np.log, lambda g, x: g / x)
log1p = primitive("log1p", np.log1p, lambda g, x: g / (1 + x))
logaddexp = primitive(
    "logaddexp", np.logaddexp, lambda g, x, y: g * sigmoid(x - y), lambda g, x, y: g * sigmoid(y - x)
)
sqrt = primitive("sqrt", np.sqrt, lambda g, out: g * 0.5 / out)

# Trigonometric and hyperbolic functions.

sin = primitive("sin", np.sin, lambda g, x: g * cos(x))
cos = primitive("cos", np.cos, lambda g, x: -g * sin(x))
tanh = primitive("tanh", np.tanh, lambda g, out: g * (1 - out * out))

# Steps, kinks and choices.

abs = primitive("abs", np.absolute, lambda g, x: g * sign(x), numpy=np.abs)
sign = primitive("sign", np.sign, lambda g: g * 0.0)


def _where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y."""
    return np.where(condition, x, y)


where = primitive(
    "where",
    _where,
    None,
    lambda g, condition: where(condition, g, 0.0),
    lambda g, condition: where(condition, 0.0, g),
    numpy=np.where,
)


def _share(g: Any, wins: Any, ties: Any) -> Any:
    """g to the winner, half of it where two tie."""
    return where(ties, g * 0.5, g * wins)


maximum = primitive(
    "maximum",
    np.maximum,
    lambda g, x, y: _share(g, greater(x, y), equal(x, y)),
    lambda g, x, y: _share(g, greater(y, x), equal(x, y)),
)
minimum = primitive(
    "minimum",
    np.minimum,
    lambda g, x, y: _share(g, less(x, y), equal(x, y)),
    lambda g, x, y: _share(g, less(y, x), equal(x, y)),
)


def _clip(x: Array, low: Any = None, high: Any = None) -> Array:
    """x, but low where it is less and high where it is more; a bound of None is none. The bounds are constants."""
    return np.clip(x, low, high)


clip = primitive("clip", _clip, lambda g, x, out: g * equal(x, out), numpy=np.clip)

# Activations of networks.


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
erf = primitive("erf", _erf, lambda g, x: g * (2 / np.pi**0.5 * exp(-(x * x))))
