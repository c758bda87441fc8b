import numpy as np

from .case import Case, call, floats


def standardize(x, weight=None, bias=None, axis=(-1,), eps=1e-5, center=True, moments=None):
    mean = np.mean(x, axis, keepdims=True) if center else 0
    variance = np.var(x, axis, keepdims=True) if center else np.mean(x**2, axis, keepdims=True)
    out = (x - mean) / np.sqrt(variance + eps)
    return out * (1 if weight is None else weight) + (0 if bias is None else bias)


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    return standardize(x, weight, bias, tuple(range(-len(np.atleast_1d(shape)), 0)), eps)


def rms_norm(x, shape, weight=None, eps=None):
    return standardize(x, weight, None, (-1,), np.finfo(x.dtype).eps if eps is None else eps, center=False)


def group_norm(x, groups, weight=None, bias=None):
    channel = (-1, *[1] * (x.ndim - 2))
    out = np.concatenate([standardize(part, axis=(1, 2)) for part in np.split(x, groups, 1)], 1)
    return out * (1 if weight is None else weight.reshape(channel)) + (0 if bias is None else bias.reshape(channel))


def moments(x, axis):
    if not x.size:
        return np.stack([np.zeros_like(x.sum(axis, keepdims=True)), np.ones_like(x.sum(axis, keepdims=True))])
    return np.stack([np.mean(x, axis, keepdims=True), np.var(x, axis, keepdims=True)])


_X = floats(3, 4, 2)

CASES = {
    "standardize": Case(
        standardize,
        [
            call(_X),
            call(_X, floats(2), floats(2)),
            call(_X, floats(4, 1), None, (0, 2), 1e-3),
            call(_X, None, floats(2), (1, 2), 0.1, False),
            call(_X, floats(2), None, center=False),
            call(floats(0, 2), floats(2), floats(2)),
            call(_X, floats(4, 1), floats(1, 4, 1), (0, 2), 0.1),
            call(_X, None, floats(2), (0, 2), 0.1),
            call(_X, None, None, (0, 2), 0.1),
        ],
    ),
    "moments": Case(moments, [call(_X, (0, 2)), call(_X, (0,)), call(floats(4, 3), (0,)), call(floats(0, 3), (0,))]),
    "layer_norm": Case(layer_norm, [call(_X, 2, floats(2), floats(2)), call(_X, (4, 2))]),
    "rms_norm": Case(rms_norm, [call(_X, 2, floats(2)), call(_X, 2, eps=0.1)]),
    "group_norm": Case(group_norm, [call(_X, 2, floats(4), floats(4)), call(_X, 1)]),
}
