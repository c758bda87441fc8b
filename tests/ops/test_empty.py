"""Convolutions and recurrent layers of nothing: empty results, gradients of zeros, or a sentence."""

import itertools

import numpy as np
import pytest

from minigrad import Tensor, grad, ops
from minigrad.ops.columns import Geometry
from minigrad.ops.convolution import convolution, convolution_weight, transposed_convolution
from minigrad.ops.elman import rnn_states
from minigrad.ops.gru import gru_states
from minigrad.ops.lstm import lstm_states
from minigrad.ops.windows import overlap_add, windows

OPTIONS = {
    "plain": {},
    "strided": {"stride": 2},
    "padded": {"padding": 1},
    "dilated": {"dilation": 2},
    "grouped": {"groups": 2},
    "depthwise": {"groups": 4, "padding": 2},
}
EMPTY = {
    "images": (0, 4, 4, 9),
    "inputs": (2, 0, 4, 9),
    "outputs": (2, 4, 0, 9),
    "inputs and outputs": (2, 0, 0, 9),
    "everything but the length": (0, 0, 0, 9),
    "length": (2, 4, 4, 0),
}


def both_orders(function, inputs):
    """The result, its gradients by the fused backward and by the rules, and those of their squares."""
    out = function(*inputs)
    fused = grad((out * out).sum(), inputs)
    out = function(*inputs)
    first = grad((out * out).sum(), inputs, create_graph=True)
    for one, other in zip(fused, first, strict=True):
        np.testing.assert_allclose(one.data, other.data)
    return out, first, grad(sum((slope * slope).sum() for slope in first), inputs, allow_unused=True)


def is_too_short(name, kernel, options):
    """Whether the kernel does not fit, or leaves no place, along an axis of length 0."""
    reach, padding = options.get("dilation", 1) * (kernel - 1) + 1, options.get("padding", 0)
    return reach < 1 + options.get("stride", 1) + 2 * padding if "transpose" in name else 2 * padding < reach


def expect_zeros(slopes, inputs):
    for slope, x in zip(slopes, inputs, strict=True):
        assert slope is None or (slope.shape == x.shape and not slope.data.any())


@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"])
def test_a_convolution_of_nothing_is_empty_or_the_bias_and_has_gradients_of_both_orders(name, options, empty, kernel):
    (n, inside, outside, length), options, axes = EMPTY[empty], OPTIONS[options], int(name[-2])
    groups = options.get("groups", 1)
    channels = (inside, outside // groups) if "transpose" in name else (outside, inside // groups)
    shapes = (n, inside, length, *[5] * (axes - 1)), (*channels, *[kernel] * axes), (outside,)
    inputs = [Tensor(np.ones(shape), requires_grad=True) for shape in shapes]

    def function(*tensors):
        return getattr(ops, name)(*tensors, **options)

    if not length and is_too_short(name, kernel, options):
        with pytest.raises(ValueError, match=r"(less|more) padding"):
            function(*inputs)
        return
    out, first, second = both_orders(function, inputs)
    assert out.shape[:2] == (n, outside)
    if out.size and "transpose" not in name and length:
        np.testing.assert_array_equal(out.data, np.ones(out.shape))
    if not out.size:
        expect_zeros([*first, *second], [*inputs, *inputs])
    if not inside:
        expect_zeros(first[:2], inputs[:2])


ONE = Geometry((1,), ((0, 0),), (1,), 1)
KERNELS = {
    "windows": lambda x, y, w: windows(x, w.shape[2:], (1,), (1,)),
    "windows along no axis": lambda x, y, w: windows(x, (), (), ()),
    "overlap_add": lambda x, y, w: overlap_add(w.swapaxes(0, 2), (4,), (1,), (1,)),
    "overlap_add along no axis": lambda x, y, w: overlap_add(x, (), (), ()),
    "convolution": lambda x, y, w: convolution(x, w, None, ONE),
    "transposed_convolution": lambda x, y, w: transposed_convolution(y, w, (5,), ONE),
    "transposed_convolution, strided": lambda x, y, w: transposed_convolution(y, w, (5,), ONE._replace(stride=(2,))),
    "convolution_weight": lambda x, y, w: convolution_weight(x, y, w.shape[2:], ONE),
    "conv1d": lambda x, y, w: ops.conv1d(x, w),
    "conv1d, padded": lambda x, y, w: ops.conv1d(x, w, padding="same"),
    "conv2d": lambda x, y, w: ops.conv2d(x[..., None], w[..., None]),
    "conv_transpose1d": lambda x, y, w: ops.conv_transpose1d(y, w, stride=2),
    "conv_transpose2d": lambda x, y, w: ops.conv_transpose2d(y[..., None], w[..., None]),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_of_no_length_is_refused(name):
    x, y, weight = (Tensor(np.ones(shape), requires_grad=True) for shape in [(2, 3, 5), (2, 4, 6), (4, 3, 0)])
    with pytest.raises(ValueError, match="a kernel has at least one axis, and is at least 1 long"):
        KERNELS[name](x, y, weight)


def test_what_fails_in_a_convolution_is_said_as_it_is(monkeypatch):
    """Its options are a named tuple, which is no array that was meant to be full."""

    def no_memory(*_):
        raise MemoryError("no room for the columns")

    monkeypatch.setattr("minigrad.ops.products.plan_for", no_memory)
    with pytest.raises(MemoryError, match="no room for the columns"):
        ops.conv1d(np.ones((1, 1, 3)), np.ones((1, 1, 2)))


@pytest.mark.parametrize("biases", [0, 2])
@pytest.mark.parametrize("sizes", [s for s in itertools.product((0, 2), (0, 2), (0, 3), (0, 4)) if 0 in s])
@pytest.mark.parametrize(("states", "gates", "first"), [(rnn_states, 1, 1), (gru_states, 3, 1), (lstm_states, 4, 2)])
def test_a_recurrent_layer_of_nothing_has_gradients_of_both_orders(states, gates, first, sizes, biases):
    length, n, inputs, hidden = sizes
    rows = gates * hidden
    shapes = [(length, n, inputs), *[(n, hidden)] * first, (rows, inputs), (rows, hidden), *[(rows,)] * biases]
    tensors = [Tensor(np.full(shape, 0.1), requires_grad=True) for shape in shapes]
    out, slopes, second = both_orders(lambda *given: states(list(given)), tensors)
    assert out.shape == (length + first - 1, n, hidden)
    for given in (slopes, second):
        for x, slope in zip(tensors, given, strict=True):
            assert slope is None or slope.shape == x.shape
    if not out.size:
        expect_zeros([*slopes, *second], [*tensors, *tensors])
    elif not length:  # the LSTM's last cell state is the first: its square has the slope 2 c, and that one's 8 c
        expected = [0.2 if i == 2 else 0.0 for i in range(len(tensors))]
        for slope, value in zip(slopes, expected, strict=True):
            np.testing.assert_allclose(slope.data, np.full(slope.shape, value))
        np.testing.assert_allclose(second[2].data, np.full((n, hidden), 0.8))
