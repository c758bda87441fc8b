"""Elementwise operations, with their derivatives.

Derivatives at kinks, ties and zeros are described in docs/autograd.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.cores import LARGE
from minigrad.devices import foreign
from minigrad.engine.apply import primitive
from minigrad.engine.arrays import asarray_like
from minigrad.ops.blocks import in_blocks
from minigrad.ops.erf import erf as _erf

Array = NDArray[Any]

# Comparisons and tests, which return constant boolean arrays.

equal = primitive("equal", np.equal)
not_equal = primitive("not_equal", np.not_equal)
less = primitive("less", np.less)
less_equal = primitive("less_equal", np.less_equal)
greater = primitive("greater", np.greater)
greater_equal = primitive("greater_equal", np.greater_equal)
logical_and = primitive("logical_and", np.logical_and)
logical_or = primitive("logical_or", np.logical_or)
logical_xor = primitive("logical_xor", np.logical_xor)
logical_not = primitive("logical_not", np.logical_not)
bitwise_and = primitive("bitwise_and", np.bitwise_and)
bitwise_or = primitive("bitwise_or", np.bitwise_or)
bitwise_xor = primitive("bitwise_xor", np.bitwise_xor)
invert = primitive("invert", np.invert)
isnan = primitive("isnan", np.isnan)
isinf = primitive("isinf", np.isinf)
isfinite = primitive("isfinite", np.isfinite)

# Operations that rules use: selection, and two kinds of zeros.


def _where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y."""
    if (type(condition) is not np.ndarray or not condition.ndim) and type(condition) not in foreign:
        condition = asarray_like(np.asarray(condition), x if type(x) in foreign else y)  # one condition for all
    return np.where(condition, x, y)


where = primitive(
    "where",
    _where,
    None,
    lambda g, condition: where(condition, g, 0.0),
    lambda g, condition: where(condition, 0.0, g),
    numpy=np.where,
)


def _chain(x: Array, slope: Array) -> Array:
    """x times slope, but 0 where x is 0, even if the slope is infinite or NaN.

    The rules of functions with poles, or a limited domain, multiply g by the slope in this way. So a value outside the
    domain that is discarded afterwards, as in `where(x > 0, log(x), 0)`, does not turn the gradient into NaN.
    """
    if type(x) not in foreign and np.count_nonzero(x) == np.size(x):
        return x * slope
    with np.errstate(invalid="ignore"):
        return np.where(x, x * slope, x)


chain = primitive("chain", _chain, lambda g, slope: chain(g, slope), lambda g, x: g * x)


def _zero(g: Any) -> Any:
    """Zeros in the shape of g, even where g is infinite or NaN."""
    return where(False, g, 0.0)


# Arithmetic.

add = primitive("add", np.add, lambda g: g, lambda g: g)
subtract = primitive("subtract", np.subtract, lambda g: g, lambda g: -g)
multiply = primitive("multiply", np.multiply, lambda g, y: g * y, lambda g, x: g * x)
divide = primitive(
    "divide",
    np.divide,
    lambda g, y: g / y if isinstance(y, (int, float)) else chain(g, 1 / y),
    lambda g, y, out: chain(g, -out / y),
)
positive = primitive("positive", np.positive, lambda g: g)
negative = primitive("negative", np.negative, lambda g: -g)
square = primitive("square", np.square, lambda g, x: g * (2 * x))
reciprocal = primitive("reciprocal", np.reciprocal, lambda g, out: chain(g, -(out * out)))
floor_divide = primitive("floor_divide", np.floor_divide, _zero, _zero)
remainder = primitive("remainder", np.remainder, lambda g: g, lambda g, x, y: chain(g, -floor_divide(x, y)))
fmod = primitive("fmod", np.fmod, lambda g: g, lambda g, x, y: chain(g, -trunc(x / y)))


def _power(x: Array, y: Array) -> Array:
    """x to the power y, by the operator `**`, which has fast paths for exponents such as 2 and 0.5."""
    return x**y


def _power_x(g: Any, x: Any, y: Any) -> Any:
    """d(x^y)/dx = y x^(y-1); zero where y is 0, even at x = 0."""
    if not isinstance(y, (int, float)):
        return chain(g, chain(y, x ** (y - 1)))
    if y == 0:
        return _zero(g)
    slope = y * x ** (y - 1)
    return g * slope if y >= 1 and y == math.floor(y) else chain(g, slope)


def _power_y(g: Any, x: Any, out: Any) -> Any:
    """d(x^y)/dy = x^y log x; zero at x = 0."""
    if isinstance(x, (int, float)):
        return chain(g, out * float(np.log(x or 1.0)))
    return chain(g, out * log(where(equal(x, 0), 1.0, x)))


power = primitive("power", _power, _power_x, _power_y, numpy=np.power)

# Exponentials, logarithms, roots.

exp = primitive("exp", np.exp, lambda g, out: g * out)
exp2 = primitive("exp2", np.exp2, lambda g, out: g * (out * math.log(2)))
expm1 = primitive("expm1", np.expm1, lambda g, out: g * (out + 1))
log = primitive("log", np.log, lambda g, x: chain(g, 1 / x))
log2 = primitive("log2", np.log2, lambda g, x: chain(g, 1 / (math.log(2) * x)))
log10 = primitive("log10", np.log10, lambda g, x: chain(g, 1 / (math.log(10) * x)))
log1p = primitive("log1p", np.log1p, lambda g, x: chain(g, 1 / (1 + x)))
logaddexp = primitive(
    "logaddexp",
    np.logaddexp,
    lambda g, x, out: g * exp(x - where(greater(out, -np.inf), out, 0.0)),
    lambda g, y, out: g * exp(y - where(greater(out, -np.inf), out, 0.0)),
)
sqrt = primitive("sqrt", np.sqrt, lambda g, out: chain(g, 0.5 / out))
cbrt = primitive("cbrt", np.cbrt, lambda g, out: chain(g, 1 / (3 * out * out)))


def _over(g: Any, x: Any, length: Any) -> Any:
    """g x / length, and 0 where the length is 0, to every order of derivative."""
    zero = equal(length, 0)
    return g * where(zero, 0.0, x / where(zero, 1.0, length))


hypot = primitive("hypot", np.hypot, lambda g, x, out: _over(g, x, out), lambda g, y, out: _over(g, y, out))

# Trigonometric and hyperbolic functions, and their inverses.

sin = primitive("sin", np.sin, lambda g, x: g * cos(x))
cos = primitive("cos", np.cos, lambda g, x: -g * sin(x))
tan = primitive("tan", np.tan, lambda g, out: g * (1 + out * out))
arcsin = primitive("arcsin", np.arcsin, lambda g, x: chain(g, 1 / sqrt((1 - x) * (1 + x))))
arccos = primitive("arccos", np.arccos, lambda g, x: chain(g, -1 / sqrt((1 - x) * (1 + x))))
arctan = primitive("arctan", np.arctan, lambda g, x: g / (1 + x * x))
sinh = primitive("sinh", np.sinh, lambda g, x: g * cosh(x))
cosh = primitive("cosh", np.cosh, lambda g, x: g * sinh(x))


def _tanh_slope(g: Array, out: Array) -> Array:
    return g * (1 - out * out)


def _tanh_fused(g: Array, needs: Sequence[bool], out: Array) -> list[Array]:
    return [_tanh_slope(g, out) if g.size < LARGE or type(g) is not np.ndarray else in_blocks(_tanh_slope, g, out)]


tanh = primitive("tanh", np.tanh, lambda g, out: g * (1 - out * out), fused=_tanh_fused)
arcsinh = primitive("arcsinh", np.arcsinh, lambda g, x: g / hypot(x, 1.0))
arccosh = primitive("arccosh", np.arccosh, lambda g, x: chain(g, 1 / (sqrt(x - 1) * sqrt(x + 1))))
arctanh = primitive("arctanh", np.arctanh, lambda g, x: chain(g, 1 / ((1 - x) * (1 + x))))
arctan2 = primitive(
    "arctan2",
    np.arctan2,
    lambda g, x, y: _over(_over(g, y, hypot(x, y)), 1.0, hypot(x, y)),
    lambda g, x, y: _over(_over(g, -x, hypot(x, y)), 1.0, hypot(x, y)),
)


def _sinc(x: Array, order: int = 0) -> Array:
    """sin(πx)/(πx), which is 1 at 0, or its derivative of an order n.

    With u = πx, the derivatives f_n of sin(u)/u satisfy u f_n + n f_(n-1) = sin(u + nπ/2). For small |u| that formula
    loses digits by cancellation, and the power series Σ (-1)^k u^(2k-n) / ((2k+1) (2k-n)!) is used.
    """
    u = np.pi * x
    near = np.abs(u) < order + 1
    far = np.where(near, 1.0, u).astype(u.dtype)
    value = np.sin(far) / far
    for n in range(1, order + 1):
        value = (np.sin(far + n * (np.pi / 2)) - n * value) / far
    close, series = np.where(near, u, 0.0).astype(u.dtype), np.zeros_like(u)
    for k in range((order + 1) // 2, order + 14):
        series += (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - order)) * close ** (2 * k - order)
    return np.pi**order * np.where(near, series, value)


sinc = primitive("sinc", _sinc, lambda g, x, order: g * sinc(x, order + 1), numpy=np.sinc)
erf = primitive("erf", _erf, lambda g, x: g * (2 / np.pi**0.5 * exp(-(x * x))))

# Steps and kinks.

abs = primitive("abs", np.absolute, lambda g, x: g * sign(x), numpy=np.abs)
sign = primitive("sign", np.sign, _zero)
floor = primitive("floor", np.floor, _zero)
ceil = primitive("ceil", np.ceil, _zero)
trunc = primitive("trunc", np.trunc, _zero)


def _round(x: Array, decimals: int = 0) -> Array:
    """x rounded to a number of decimals, halves to even."""
    return np.round(x, decimals)


round = primitive("round", _round, _zero, numpy=np.round)


def _share(g: Any, wins: Any, ties: Any) -> Any:
    """Return g where an element wins, half of it where there is a tie, else 0."""
    return where(ties, g * 0.5, where(wins, g, 0.0))


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
    """x clipped to constant bounds; None means no bound."""
    return np.clip(x, low, high)


clip = primitive("clip", _clip, lambda g, x, out: where(equal(x, out), g, 0.0), numpy=np.clip)
