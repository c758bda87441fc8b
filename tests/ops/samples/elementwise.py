import math

import numpy as np

from .case import Case, binary, call, floats, unary


def _erf(x):
    return np.vectorize(math.erf, otypes=[x.dtype])(x)


CASES = {
    **{name: binary(getattr(np, name)) for name in ("equal", "not_equal", "less", "less_equal", "greater")},
    "greater_equal": binary(np.greater_equal),
    **{name: binary(getattr(np, name)) for name in ("logical_and", "logical_or", "logical_xor")},
    **{name: unary(getattr(np, name)) for name in ("logical_not", "isnan", "isinf", "isfinite")},
    **{name: binary(getattr(np, name)) for name in ("add", "subtract", "multiply", "maximum", "minimum", "hypot")},
    "divide": binary(np.divide, y=(0.5, 2.0)),
    "floor_divide": binary(np.floor_divide, y=(0.6, 0.9)),
    "remainder": binary(np.remainder, y=(0.6, 0.9)),
    "fmod": binary(np.fmod, y=(0.6, 0.9)),
    "arctan2": binary(np.arctan2),
    "logaddexp": binary(np.logaddexp),
    "power": Case(
        np.power,
        [
            *binary(np.power, x=(0.5, 2.0)).calls,
            *(call(floats(2, 3), exponent) for exponent in (2, 3.0, 1, 0, -1)),
            call(floats(4, low=0.5), 0.5),
            call(floats(2, low=0.5), -0.7),
            call(floats(2, 3, low=0.5), np.array([0.0, 1.0, 2.0])),
        ],
    ),
    "where": Case(
        np.where,
        [
            call(floats(2, 3) > 0, floats(2, 3), floats(3)),
            call(floats(3) > 0, floats(2, 1), 0.0),
            call(True, 1.0, floats(2)),
            call(np.array(False), floats(), floats()),
            call(np.zeros((0, 2), bool), floats(0, 2), floats(2)),
        ],
    ),
    "clip": Case(
        np.clip,
        [
            call(floats(2, 3), -1.0, 1.0),
            call(floats(2, 3), 0.0, None),
            call(floats(2, 3), np.array([-1.0, 0.0, 0.5]), 1.0),
            call(floats(), -1.0, 1.0),
            call(floats(0), 0.0, 1.0),
        ],
    ),
    "chain": binary(np.multiply),
    **{name: unary(getattr(np, name)) for name in ("positive", "negative", "square", "exp", "exp2", "expm1")},
    "reciprocal": unary(np.reciprocal, low=0.5),
    **{name: unary(getattr(np, name), low=0.2) for name in ("log", "log2", "log10", "log1p", "sqrt", "cbrt")},
    **{name: unary(getattr(np, name)) for name in ("sin", "cos", "sinh", "cosh", "tanh", "arctan", "arcsinh")},
    "tan": unary(np.tan, -1.2, 1.2),
    **{name: unary(getattr(np, name), -0.9, 0.9) for name in ("arcsin", "arccos", "arctanh")},
    "arccosh": unary(np.arccosh, 1.2, 3.0),
    "sinc": Case(np.sinc, [*unary(np.sinc).calls, call(np.array([0.0, 1e-9, 1e-3, 0.3, 0.32, 2.0, -7.5]))]),
    "erf": unary(_erf),
    **{name: unary(getattr(np, name)) for name in ("abs", "sign", "floor", "ceil", "trunc")},
    "round": Case(np.round, [*unary(np.round).calls, call(floats(2, 3), 1)]),
    # activations
    "relu": unary(lambda x: np.maximum(x, 0)),
    "leaky_relu": Case(
        lambda x, slope=0.01: np.maximum(x, 0) + slope * np.minimum(x, 0), [*unary(np.abs).calls, call(floats(4), 0.2)]
    ),
    "sigmoid": unary(lambda x: 1 / (1 + np.exp(-x))),
    "softplus": unary(lambda x: np.log1p(np.exp(x))),
    "elu": Case(
        lambda x, alpha=1.0: np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0)),
        [*unary(np.abs).calls, call(floats(4), 0.2)],
    ),
    "silu": unary(lambda x: x / (1 + np.exp(-x))),
    "hardtanh": Case(np.clip, [*(call(x, -1.0, 1.0) for x in (floats(2, 3), floats(), floats(0, 3)))]),
    # casts and broadcasts
    **{
        name: Case(
            lambda x, dtype: x.astype(dtype),
            [call(floats(2, 3), np.float64), call(floats(), np.float64), call(floats(0), float)],
        )
        for name in ("cast", "astype")
    },
    "broadcast_to": Case(
        np.broadcast_to,
        [call(floats(3), (2, 3)), call(floats(2, 1), (4, 2, 3)), call(floats(), (2,)), call(floats(1), (0,))],
    ),
    "sum_to": Case(
        lambda x, shape: np.einsum("abc->b", x).reshape(shape),
        [call(floats(2, 3, 4), (3, 1)), call(floats(1, 1, 4), (1, 1, 1)), call(floats(0, 2, 3), (2, 1))],
    ),
}
