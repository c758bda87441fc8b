"""ONNX converters of elementwise operations."""

from __future__ import annotations

import math

import numpy as np

from minigrad.formats.onnx.call import Call, Converter


def arithmetic(kind: str) -> Converter:
    """Return the converter of an elementwise operator.

    Its inputs are cast to the dtype of the result.
    """
    return lambda c: c.op(kind, *(c.cast(i, c.dtype) for i in range(len(c.steps[0].arguments))))


def comparison(kind: str) -> Converter:
    """Return the converter of a comparison of elements."""

    def convert(c: Call) -> str:
        dtype = np.result_type(*[c.dtype_of(i) for i in (0, 1)])
        if dtype.kind in "bui" and kind != "Equal":
            dtype = np.promote_types(dtype, np.int32)
        return c.op(kind, c.cast(0, dtype), c.cast(1, dtype))

    return convert


def logical(kind: str) -> Converter:
    """Return the converter of a logical operator."""
    return lambda c: c.op(kind, *(c.cast(i, np.bool_) for i in range(len(c.steps[0].arguments))))


def bitwise(of_truth: str, of_integers: str) -> Converter:
    """Return the converter of a bitwise operator.

    Integers need opset 18.
    """

    def convert(c: Call) -> str:
        if c.dtype == np.bool_:
            return logical(of_truth)(c)
        if c.opset < 18:
            c.refuse("integers need opset 18")
        return arithmetic(of_integers)(c)

    return convert


def _not_equal(c: Call) -> str:
    return c.op("Not", comparison("Equal")(c))


def _test(kind: str) -> Converter:
    def convert(c: Call) -> str:
        x = c[0] if c.dtype_of(0).kind == "f" else c.cast(0, np.float32)
        if kind == "finite":
            return c.op("Not", c.op("Or", c.op("IsNaN", x), c.op("IsInf", x)))
        return c.op(kind, x)

    return convert


def _where(c: Call) -> str:
    return c.op("Where", c.cast(0, np.bool_), c.cast(1, c.dtype), c.cast(2, c.dtype))


def _chain(c: Call) -> str:
    x, slope = c.cast(0, c.dtype), c.cast(1, c.dtype)
    return c.op("Where", c.op("Equal", x, c.number(0)), x, c.op("Mul", x, slope))


def _square(c: Call) -> str:
    return c.op("Mul", c[0], c[0])


def _modulo(c: Call) -> str:
    """x modulo y with the sign of y, as in Python."""
    x, y = c.cast(0, c.dtype), c.cast(1, c.dtype)
    if c.dtype.kind != "f":
        return c.op("Mod", x, y)
    rest = c.op("Mod", x, y, fmod=1)
    zero = c.number(0)
    strays = c.op("Xor", c.op("Less", rest, zero), c.op("Less", y, zero))
    moved = c.op("And", strays, c.op("Not", c.op("Equal", rest, zero)))
    return c.op("Where", moved, c.op("Add", rest, y), rest)


def _floor_divide(c: Call) -> str:
    quotient = c.op("Div", c.op("Sub", c.cast(0, c.dtype), _modulo(c)), c.cast(1, c.dtype))
    return c.op("Round", quotient) if c.dtype.kind == "f" else quotient


def _fmod(c: Call) -> str:
    return c.op("Mod", c.cast(0, c.dtype), c.cast(1, c.dtype), fmod=1)


def _expm1(c: Call) -> str:
    """tanh(x/2) (exp(x) + 1), which is accurate for small x."""
    x = c.cast(0, c.dtype)
    half = c.op("Tanh", c.op("Mul", x, c.number(0.5)))
    small = c.op("Less", c.op("Abs", x), c.number(1))
    e = c.op("Exp", x)
    return c.op("Where", small, c.op("Mul", half, c.op("Add", e, c.number(1))), c.op("Sub", e, c.number(1)))


def _logarithm(base: float) -> Converter:
    return lambda c: c.op("Div", c.op("Log", c.cast(0, c.dtype)), c.number(math.log(base)))


def _log1p(c: Call) -> str:
    """log(u) x / (u - 1) with u = 1 + x, which is accurate for small x; x itself where u is 1."""
    x, one = c.cast(0, c.dtype), c.number(1)
    u = c.op("Add", x, one)
    log, less = c.op("Log", u), c.op("Sub", u, one)
    close = c.op("Where", c.op("Equal", less, c.number(0)), x, c.op("Mul", log, c.op("Div", x, less)))
    return c.op("Where", c.op("Less", c.op("Abs", x), one), close, log)


def _logaddexp(c: Call) -> str:
    """max(x, y) + log(1 + exp(-|x - y|)), where equal numbers, even infinite ones, have distance 0."""
    x, y = c.cast(0, c.dtype), c.cast(1, c.dtype)
    apart = c.op("Where", c.op("Equal", x, y), c.number(0), c.op("Abs", c.op("Sub", x, y)))
    return c.op("Add", c.op("Max", x, y), c.op("Softplus", c.op("Neg", apart)))


def _cbrt(c: Call) -> str:
    x = c.cast(0, c.dtype)
    return c.op("Mul", c.op("Sign", x), c.op("Pow", c.op("Abs", x), c.number(1 / 3)))


def _hypot(c: Call) -> str:
    x, y = c.cast(0, c.dtype), c.cast(1, c.dtype)
    return c.op("Sqrt", c.op("Add", c.op("Mul", x, x), c.op("Mul", y, y)))


def _arctan2(c: Call) -> str:
    """arctan(x / y), plus or minus π where y is negative: the angle of the point (y, x)."""
    x, y, zero = c.cast(0, c.dtype), c.cast(1, c.dtype), c.number(0)
    half_turn = c.op("Where", c.op("Less", x, zero), c.number(-math.pi), c.number(math.pi))
    angle = c.op("Atan", c.op("Div", x, y))
    turned = c.op("Where", c.op("Less", y, zero), c.op("Add", angle, half_turn), angle)
    upright = c.op("Mul", c.op("Sign", x), c.number(math.pi / 2))
    return c.op("Where", c.op("Equal", y, zero), upright, turned)


def _sinc(c: Call) -> str:
    if c.attribute(1):
        c.refuse("it is the derivative of sinc, which only gradients need")
    u = c.op("Mul", c.cast(0, c.dtype), c.number(math.pi))
    is_zero = c.op("Equal", u, c.number(0))
    return c.op("Where", is_zero, c.number(1), c.op("Div", c.op("Sin", u), u))


def _trunc(c: Call) -> str:
    if c.dtype.kind != "f":
        return c.cast(0, c.dtype)
    x = c.cast(0, c.dtype)
    return c.op("Mul", c.op("Sign", x), c.op("Floor", c.op("Abs", x)))


def _to_whole(kind: str) -> Converter:
    return lambda c: c.op(kind, c[0]) if c.dtype.kind == "f" else c.cast(0, c.dtype)


def _round(c: Call) -> str:
    decimals = c.attribute(1)
    if c.dtype.kind != "f" and decimals >= 0:
        return c.cast(0, c.dtype)
    unit = c.number(10.0 ** abs(decimals))
    into, back = ("Mul", "Div") if decimals >= 0 else ("Div", "Mul")
    return c.op(back, c.op("Round", c.op(into, c[0], unit)), unit)


def _clip(c: Call) -> str:
    x = c.cast(0, c.dtype)
    if c.given(1):
        x = c.op("Max", x, c.cast(1, c.dtype))
    return c.op("Min", x, c.cast(2, c.dtype)) if c.given(2) else x


def _copysign(c: Call) -> str:
    x, y = c.op("Abs", c.cast(0, c.dtype)), c.cast(1, c.dtype)
    return c.op("Where", c.op("Less", y, c.number(0)), c.op("Neg", x), x)


def _heaviside(c: Call) -> str:
    x, y, zero = c.cast(0, c.dtype), c.cast(1, c.dtype), c.number(0)
    step = c.op("Where", c.op("Greater", x, zero), c.number(1), c.op("Where", c.op("Less", x, zero), zero, x))
    return c.op("Where", c.op("Equal", x, zero), y, step)


def _silu(c: Call) -> str:
    x = c.cast(0, c.dtype)
    return c.op("Mul", x, c.op("Sigmoid", x))


def _gelu(c: Call) -> str:
    x, half, one = c[0], c.number(0.5), c.number(1)
    if c.opset >= 20:
        return c.op("Gelu", x, approximate=c.attribute(1))
    if c.attribute(1) == "tanh":
        cubic = c.op("Mul", c.op("Mul", c.op("Mul", x, x), x), c.number(0.044715))
        bent = c.op("Tanh", c.op("Mul", c.op("Add", x, cubic), c.number(math.sqrt(2 / math.pi))))
    else:
        bent = c.op("Erf", c.op("Mul", x, c.number(math.sqrt(0.5))))
    return c.op("Mul", c.op("Mul", x, half), c.op("Add", bent, one))


_ARITHMETIC = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max",
    "minimum": "Min", "hardtanh": "Clip", "positive": "Identity", "negative": "Neg", "reciprocal": "Reciprocal",
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tan": "Tan", "arcsin": "Asin",
    "arccos": "Acos", "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "arcsinh": "Asinh",
    "arccosh": "Acosh", "arctanh": "Atanh", "erf": "Erf", "abs": "Abs", "sign": "Sign", "relu": "Relu",
    "sigmoid": "Sigmoid", "softplus": "Softplus",
}  # fmt: skip
_COMPARISONS = {
    "equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
}  # fmt: skip

CONVERTERS: dict[str, Converter] = {
    **{name: arithmetic(kind) for name, kind in _ARITHMETIC.items()},
    **{name: comparison(kind) for name, kind in _COMPARISONS.items()},
    "not_equal": _not_equal,
    "logical_and": logical("And"),
    "logical_or": logical("Or"),
    "logical_xor": logical("Xor"),
    "logical_not": logical("Not"),
    "bitwise_and": bitwise("And", "BitwiseAnd"),
    "bitwise_or": bitwise("Or", "BitwiseOr"),
    "bitwise_xor": bitwise("Xor", "BitwiseXor"),
    "invert": bitwise("Not", "BitwiseNot"),
    "isnan": _test("IsNaN"),
    "isinf": _test("IsInf"),
    "isfinite": _test("finite"),
    "where": _where,
    "chain": _chain,
    "square": _square,
    "floor_divide": _floor_divide,
    "remainder": _modulo,
    "fmod": _fmod,
    "exp2": lambda c: c.op("Pow", c.number(2), c.cast(0, c.dtype)),
    "expm1": _expm1,
    "log2": _logarithm(2),
    "log10": _logarithm(10),
    "log1p": _log1p,
    "logaddexp": _logaddexp,
    "cbrt": _cbrt,
    "hypot": _hypot,
    "arctan2": _arctan2,
    "sinc": _sinc,
    "floor": _to_whole("Floor"),
    "ceil": _to_whole("Ceil"),
    "trunc": _trunc,
    "round": _round,
    "clip": _clip,
    "copysign": _copysign,
    "heaviside": _heaviside,
    "leaky_relu": lambda c: c.op("LeakyRelu", c[0], alpha=float(c.attribute(1))),
    "elu": lambda c: c.op("Elu", c.cast(0, c.dtype), alpha=float(c.attribute(1))),
    "silu": _silu,
    "gelu": _gelu,
}
"""The converters by operation."""
