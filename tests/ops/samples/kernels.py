import math

import numpy as np

from .case import Case, call, floats, integers


def _softmax(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def _cross_entropy(x, target, weight=None, ignore_index=None):
    counted = target != ignore_index
    losses = -np.log(_softmax(x)[counted, target[counted]])
    return losses.mean() if weight is None else (losses * weight[counted]).sum()


def _gelu(x, approximate="none"):
    if approximate == "tanh":
        return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * 0.5 * (1 + np.vectorize(math.erf, otypes=[x.dtype])(x / math.sqrt(2)))


_ALONG = [call(floats(2, 4)), call(floats(2, 3, 2), axis=1), call(floats(3, 2), axis=0), call(floats(0, 3))]

CASES = {
    "linear": Case(
        lambda x, weight, bias=None: x @ weight.T + (0 if bias is None else bias),
        [
            call(floats(4, 3), floats(2, 3), floats(2)),
            call(floats(4, 3), floats(2, 3)),
            call(floats(2, 2, 3), floats(2, 3), floats(2)),
            call(floats(3), floats(2, 3), floats(2)),
            call(floats(0, 3), floats(2, 3), floats(2)),
        ],
    ),
    "softmax": Case(_softmax, _ALONG),
    "log_softmax": Case(lambda x, axis=-1: np.log(_softmax(x, axis)), _ALONG),
    "cross_entropy": Case(
        _cross_entropy,
        [
            call(floats(4, 3), integers(4, below=3)),
            call(floats(4, 3), integers(4, below=3), np.array([0.1, 0.0, 0.4, 0.5])),
            call(floats(4, 3), np.array([2, -1, 0, -1]), ignore_index=-1),
            call(floats(4, 3), np.array([2, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]), 1),
        ],
    ),
    "mse_loss": Case(
        lambda x, y: np.mean((x - y) ** 2),
        [call(floats(2, 3), floats(2, 3)), call(floats(2), floats(2)), call(floats(), floats())],
    ),
    "gelu": Case(
        _gelu, [call(floats(2, 3)), call(floats(2, 3), "tanh"), call(floats()), call(floats(0, 2), approximate="tanh")]
    ),
}
