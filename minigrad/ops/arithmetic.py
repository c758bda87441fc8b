"""NumPy's arithmetic as compositions of elementwise operations and products."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from minigrad.engine.apply import primitive
from minigrad.engine.arrays import asarray, asarray_like, filled
from minigrad.engine.broadcast import astype
from minigrad.engine.errors import describe
from minigrad.ops import elementwise
from minigrad.ops.compositions import constant, implements, np, operands, values
from minigrad.ops.elementwise import equal, floor_divide, greater, isnan, less, logical_or, maximum, minimum, where
from minigrad.ops.indexing import as_operand

Array = NDArray[Any]

# Elementwise functions of one array.


@implements("conjugate", "conj", "real", "real_if_close")
def positive(x: Any) -> Any:
    """x itself."""
    return elementwise.positive(x)


@implements("absolute", "fabs")
def absolute(x: Any) -> Any:
    """|x|."""
    return elementwise.abs(x)


@implements("around", "round")
def around(a: Any, decimals: int = 0) -> Any:
    """a rounded to a number of decimals."""
    return elementwise.round(a, decimals)


@implements("rint")
def rint(x: Any) -> Any:
    """x to the nearest integer."""
    return elementwise.round(x)


@implements("fix")
def fix(x: Any) -> Any:
    """x rounded to the next integer towards zero."""
    return elementwise.trunc(x)


@implements("deg2rad", "radians")
def deg2rad(x: Any) -> Any:
    """Degrees as radians."""
    return x * (math.pi / 180)


@implements("rad2deg", "degrees")
def rad2deg(x: Any) -> Any:
    """Radians as degrees."""
    return x * (180 / math.pi)


@implements("nan_to_num")
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replace NaN and infinities, by zero and the largest numbers.

    By default NaN becomes zero, and infinities the largest and smallest number of the dtype. The result is a new array.
    """
    x = as_operand(x)
    if x.dtype.kind != "f":
        return +x if x.dtype != bool else x
    most = float(np.finfo(x.dtype).max)
    x = where(isnan(x), nan, x)
    x = where(equal(x, np.inf), most if posinf is None else posinf, x)
    return where(equal(x, -np.inf), -most if neginf is None else neginf, x)


@implements("modf")
def modf(x: Any) -> tuple[Any, Any]:
    """The fractional and integral parts, with the sign of x."""
    whole = elementwise.trunc(x)
    return copysign(where(np.isinf(x), 0.0, x - whole), x), whole


@implements("frexp")
def frexp(x: Any) -> tuple[Any, Any]:
    """Mantissa and exponent of x.

    x is mantissa · 2^exponent, with |mantissa| in [0.5, 1). The exponent is a constant.
    """
    exponent = np.frexp(values(x))[1]
    return ldexp(x, -exponent), exponent


@implements("ldexp")
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 times two to the integer power x2."""
    power = constant(x2, "ldexp in x2")
    power = asarray_like(asarray(power), x1)
    half = np.floor_divide(power, 2)  # in two halves, as 2^x2 may overflow where the product does not
    dtype = np.result_type(x1.dtype if hasattr(x1, "dtype") else x1, 0.0)
    return x1 * np.ldexp(filled((), 1, x1, dtype), half) * np.ldexp(filled((), 1, x1, dtype), power - half)


def _i0(x: Array, order: int = 0) -> Array:
    """The modified Bessel function of the first kind.

    I_n(x) = 1/π ∫ exp(x cos θ) cos(nθ) dθ over [0, π] for an integer order n, by the trapezoidal rule, whose error
    falls exponentially here.
    """
    if not order:
        return asarray(np.i0(x), x.dtype)
    theta = np.linspace(0, np.pi, 257)
    weights = np.cos(order * theta) * np.where((theta == 0) | (theta == np.pi), 0.5, 1.0) / 256
    x64 = x.astype(np.float64)[..., None]
    cosines, weights = asarray_like(np.cos(theta), x), asarray_like(weights, x)
    return (np.exp(x64 * cosines) @ weights).astype(x.dtype)


i0 = primitive("i0", _i0, lambda g, x, order: g * 0.5 * (i0(x, order + 1) + i0(x, abs(order - 1))), numpy=np.i0)

# Elementwise functions of two arrays.


@implements("fmax")
def fmax(x1: Any, x2: Any) -> Any:
    """The elementwise maximum, ignoring NaN.

    Equal elements share the gradient equally.
    """
    return maximum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@implements("fmin")
def fmin(x1: Any, x2: Any) -> Any:
    """The elementwise minimum, ignoring NaN.

    Equal elements share the gradient equally.
    """
    return minimum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@implements("float_power")
def float_power(x1: Any, x2: Any) -> Any:
    """x1 to the power x2, in float64."""
    return elementwise.power(*(astype(x, np.float64) if hasattr(x, "dtype") else np.float64(x) for x in (x1, x2)))


copysign = primitive(
    "copysign",
    np.copysign,
    lambda g, x, y: where(equal(copysign(1.0, x), copysign(copysign(1.0, x), y)), g, -g),
    lambda g: where(False, g, 0.0),
)
heaviside = primitive(
    "heaviside", np.heaviside, lambda g: where(False, g, 0.0), lambda g, x: where(equal(x, 0), g, 0.0)
)


@implements("logaddexp2")
def logaddexp2(x1: Any, x2: Any) -> Any:
    """log2(2**x1 + 2**x2), without overflow."""
    return elementwise.logaddexp(x1 * math.log(2), x2 * math.log(2)) / math.log(2)


@implements("divmod")
def divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    """The quotient, rounded down, and the remainder."""
    return floor_divide(x1, x2), elementwise.remainder(x1, x2)


@implements("clip")
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Clip the elements to bounds.

    An element within the bounds, or equal to one, receives its gradient; where it is beyond a bound, the bound does.
    """
    low, high = a_min if min is None else min, a_max if max is None else max
    if not any(getattr(bound, "requires_grad", False) for bound in (low, high)):
        return elementwise.clip(a, values(low), values(high))
    low, high = (None if bound is None else operands(a, bound)[1] for bound in (low, high))
    if low is not None:
        a = where(logical_or(less(a, low), isnan(low)), low, a)
    return a if high is None else where(logical_or(greater(a, high), isnan(high)), high, a)


# Products.


@implements("vdot")
def vdot(a: Any, b: Any, /) -> Any:
    """The dot product of two flattened arrays."""
    return np.dot(*(x.reshape(-1) for x in operands(a, b)))


@implements("vecdot", "linalg.vecdot")
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The dot products along an axis."""
    x1, x2 = (np.moveaxis(x, axis, -1) for x in operands(x1, x2))
    return np.matmul(x1[..., None, :], x2[..., None])[..., 0, 0]


@implements("matvec")
def matvec(x1: Any, x2: Any, /) -> Any:
    """The products of matrices and vectors."""
    return np.matmul(x1, as_operand(x2)[..., None])[..., 0]


@implements("vecmat")
def vecmat(x1: Any, x2: Any, /) -> Any:
    """The products of vectors and matrices."""
    return np.matmul(as_operand(x1)[..., None, :], x2)[..., 0, :]


@implements("cross")
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross products along an axis of length 3.

    If the axis has length 2, the third component is taken as zero.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    vectors = [np.moveaxis(x, i, -1) for x, i in zip(operands(a, b), (axisa, axisb), strict=True)]
    if any(x.shape[-1] not in (2, 3) for x in vectors):
        raise ValueError(f"cross of {describe(a)} and {describe(b)}: the axis has to have length 3, or 2")
    (x1, x2, *x3), (y1, y2, *y3) = ([x[..., i] for i in range(x.shape[-1])] for x in vectors)
    last = x1 * y2 - x2 * y1
    if not x3 and not y3:
        return last
    first = x2 * y3[0] - x3[0] * y2 if x3 and y3 else x2 * y3[0] if y3 else -x3[0] * y2
    second = x3[0] * y1 - x1 * y3[0] if x3 and y3 else -x1 * y3[0] if y3 else x3[0] * y1
    return np.moveaxis(np.stack([first, second, last], -1), -1, axisc)


@implements("linalg.cross")
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The cross products along an axis of length 3."""
    if any(np.shape(x)[axis] != 3 for x in (x1, x2)):
        raise ValueError(f"linalg.cross of {describe(x1)} and {describe(x2)}: the axis has to have length 3")
    return cross(x1, x2, axis=axis)


@implements("kron")
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product of two arrays.

    It consists of blocks, each the product of an element of a and the whole of b.
    """
    a, b = operands(a, b)
    ndim = max(a.ndim, b.ndim)
    of_a, of_b = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    left = a.reshape([n for length in of_a for n in (length, 1)])
    right = b.reshape([n for length in of_b for n in (1, length)])
    return (left * right).reshape([m * n for m, n in zip(of_a, of_b, strict=True)])
