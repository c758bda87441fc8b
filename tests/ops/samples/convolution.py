import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minigrad.ops.convolution import Geometry
from minigrad.ops.pooling import Window

from .case import Case, apart, call, floats


def windows(x, kernel, stride, dilation):
    """With the axes of the kernel last."""
    n = len(kernel)
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    seen = sliding_window_view(x, extent, tuple(range(-n, 0)))
    return seen[(slice(None),) * (seen.ndim - 2 * n) + tuple(slice(None, None, s) for s in (*stride, *dilation))]


def of_windows(reduce, fill):
    """A pooling: what `reduce` makes of the last axes, over x with a border of `fill`."""

    def pool(x, kernel, stride, padding, dilation, more=()):
        assert not any(more)
        x = np.pad(x, [(0, 0)] * (x.ndim - len(kernel)) + [(p, p) for p in padding], constant_values=fill)
        return reduce(windows(x, kernel, stride, dilation), tuple(range(-len(kernel), 0)))

    return pool


def adjoint(f, shape, *arrays):
    """What the transpose of the linear function f, of arrays of `shape`, makes of one: column by column."""
    columns = [f(unit.reshape(shape)) for unit in np.eye(int(np.prod(shape)), dtype=arrays[0].dtype)]
    return np.array([(column * arrays[0]).sum() for column in columns], arrays[0].dtype).reshape(shape)


def convolution(x, weight, bias, geometry):
    groups, n = geometry.groups, weight.ndim - 2
    seen = windows(np.pad(x, [(0, 0), (0, 0), *geometry.padding]), weight.shape[2:], geometry.stride, geometry.dilation)
    parts = zip(np.split(seen, groups, 1), np.split(weight, groups, 0), strict=True)
    axes = [1, *range(-n, 0)]
    out = np.concatenate([np.tensordot(a, w, (axes, [1, *range(2, n + 2)])) for a, w in parts], -1)
    return np.moveaxis(out, -1, 1) + (0 if bias is None else bias.reshape(-1, *[1] * n))


def transposed_convolution(y, weight, size, geometry):
    channels = weight.shape[1] * geometry.groups
    return adjoint(lambda x: convolution(x, weight, None, geometry), (len(y), channels, *size), y)


def convolution_weight(x, y, kernel, geometry):
    shape = (y.shape[1], x.shape[1] // geometry.groups, *kernel)
    return adjoint(lambda weight: convolution(x, weight, None, geometry), shape, y)


def conv(x, weight, bias=None, stride=1, padding=0):
    n = weight.ndim - 2
    return convolution(x, weight, bias, Geometry((stride,) * n, ((padding, padding),) * n, (1,) * n, 1))


def conv_transpose(x, weight, bias=None, stride=1):
    n = weight.ndim - 2
    size = tuple((m - 1) * stride + k for m, k in zip(x.shape[2:], weight.shape[2:], strict=True))
    out = transposed_convolution(x, weight, size, Geometry((stride,) * n, ((0, 0),) * n, (1,) * n, 1))
    return out + (0 if bias is None else bias.reshape(-1, *[1] * n))


def max_pool_spread(y, x, out, window):
    """Where nothing is equal this is the gradient of the sum of y times the largest."""
    return adjoint(lambda z: max_pool_collect(z, x, out, window), x.shape, y)


def max_pool_collect(y, x, out, window):
    pad = [(0, 0)] * (x.ndim - len(window.kernel)) + [(p, p) for p in window.padding]
    y, x = (np.pad(array, pad, constant_values=fill) for array, fill in ((y, 0), (x, -np.inf)))
    seen, values = (windows(a, window.kernel, window.stride, window.dilation) for a in (y, x))
    holds = values == np.expand_dims(out, tuple(range(-len(window.kernel), 0)))
    return np.mean(seen, where=holds, axis=tuple(range(-len(window.kernel), 0)), dtype=y.dtype)


def adaptive(x, output_size):
    """By the rule for the start and end of each stretch."""
    for axis, m in zip(range(-len(output_size), 0), output_size, strict=True):
        n = x.shape[axis]
        stretches = [range(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        x = np.stack([x.take(stretch, axis).mean(axis) for stretch in stretches], axis)
    return x


_PLAIN = Geometry((1, 1), ((0, 0), (0, 0)), (1, 1), 1)
_MIXED = Geometry((2, 1), ((1, 1), (0, 2)), (1, 2), 2)
_SMALL = Window((2, 2), (2, 2), (0, 0), (1, 1), (0, 0))
_WIDE = Window((3, 2), (2, 1), (1, 1), (1, 2), (0, 0))
_X = apart(2, 4, 5)
_MAX = of_windows(np.max, -np.inf)
_MEAN = of_windows(np.mean, 0)

CASES = {
    "windows": Case(
        lambda *args: np.moveaxis(windows(*args), range(-len(args[1]), 0), range(len(args[1]))),
        [call(floats(2, 5, 6), (3, 2), (2, 1), (1, 2)), call(floats(5), (2,), (1,), (1,))],
    ),
    "overlap_add": Case(
        lambda x, size, stride, dilation: adjoint(
            lambda y: np.moveaxis(windows(y, x.shape[:2], stride, dilation), (-2, -1), (0, 1)), (2, *size), x
        ),
        [call(floats(3, 2, 2, 2, 4), (5, 6), (2, 1), (1, 2))],
    ),
    "convolution": Case(
        convolution,
        [
            call(floats(2, 2, 4, 4), floats(3, 2, 2, 3), floats(3), _PLAIN),
            call(floats(2, 4, 4, 3), floats(6, 2, 3, 2), None, _MIXED),
        ],
    ),
    "transposed_convolution": Case(
        transposed_convolution,
        [
            call(floats(2, 3, 3, 2), floats(3, 2, 2, 3), (4, 4), _PLAIN),
            call(floats(2, 6, 2, 3), floats(6, 2, 3, 2), (4, 3), _MIXED),
        ],
    ),
    "convolution_weight": Case(
        convolution_weight,
        [
            call(floats(2, 2, 4, 4), floats(2, 3, 3, 2), (2, 3), _PLAIN),
            call(floats(2, 4, 4, 3), floats(2, 6, 2, 3), (3, 2), _MIXED),
        ],
    ),
    "conv1d": Case(conv, [call(floats(2, 2, 5), floats(3, 2, 3), floats(3), stride=2, padding=1)]),
    "conv2d": Case(conv, [call(floats(2, 2, 4, 3), floats(3, 2, 3, 2), padding=1)]),
    "conv_transpose1d": Case(conv_transpose, [call(floats(2, 2, 3), floats(2, 3, 3), floats(3), stride=2)]),
    "conv_transpose2d": Case(conv_transpose, [call(floats(2, 2, 3, 2), floats(2, 3, 2, 3))]),
    "max_pool": Case(lambda x, window: _MAX(x, *window), [call(_X, _SMALL), call(_X, _WIDE)]),
    "max_pool_spread": Case(
        max_pool_spread,
        [call(floats(*_MAX(_X, *w).shape), _X, _MAX(_X, *w), w) for w in (_SMALL, _WIDE)],
    ),
    "max_pool_collect": Case(max_pool_collect, [call(floats(*_X.shape), _X, _MAX(_X, *w), w) for w in (_SMALL, _WIDE)]),
    "sum_pool": Case(
        lambda x, window: of_windows(np.sum, 0)(x, *window),
        [call(floats(2, 4, 5), _SMALL), call(floats(2, 4, 5), _WIDE._replace(padding=(0, 0)))],
    ),
    "max_pool1d": Case(lambda x, k: _MAX(x, (k,), (k,), (0,), (1,)), [call(apart(2, 6), 3)]),
    "max_pool2d": Case(lambda x, k: _MAX(x, (k, k), (k, k), (0, 0), (1, 1)), [call(_X, 2)]),
    "avg_pool1d": Case(lambda x, k: _MEAN(x, (k,), (k,), (0,), (1,)), [call(floats(2, 6), 3)]),
    "avg_pool2d": Case(lambda x, k, s, p: _MEAN(x, (k, k), (s, s), (p, p), (1, 1)), [call(floats(2, 4, 5), 3, 2, 1)]),
    "adaptive_avg_pool1d": Case(adaptive, [call(floats(2, 5), (3,))]),
    "adaptive_avg_pool2d": Case(adaptive, [call(floats(2, 5, 4), (2, 3)), call(floats(0, 5, 4), (1, 1))]),
}
