import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad import Tensor, check_gradients, grad, no_grad, ops

RANDOM = np.random.default_rng(0)

# name: (size, kernel, in channels, out channels, options)
CONV = {
    "plain": ((5, 6), (3, 3), 2, 3, {}),
    "padded": ((5, 4), (3, 3), 2, 3, {"padding": 1}),
    "each axis its own": ((6, 7), (3, 2), 2, 3, {"padding": (2, 1), "stride": (2, 3), "dilation": (2, 1)}),
    "padding beyond the kernel": ((3, 3), (2, 2), 1, 2, {"padding": 3}),
    "stride that leaves a rest": ((6, 6), (3, 3), 1, 2, {"stride": 2}),
    "groups": ((4, 4), (2, 2), 4, 6, {"groups": 2, "padding": 1}),
    "depthwise": ((4, 4), (3, 3), 3, 3, {"groups": 3, "padding": 1}),
    "pointwise": ((3, 3), (1, 1), 3, 2, {}),
    "same": ((4, 5), (2, 4), 2, 2, {"padding": "same"}),
    "same dilated": ((5, 5), (3, 2), 2, 2, {"padding": "same", "dilation": 2}),
    "valid": ((4, 4), (2, 2), 2, 2, {"padding": "valid"}),
    "one axis": ((7,), (3,), 2, 3, {"padding": 1, "stride": 2}),
    "one axis same": ((5,), (4,), 2, 3, {"padding": "same", "groups": 1}),
}
TRANSPOSE = {
    "plain": ((4, 3), (3, 3), 2, 3, {}),
    "stride": ((3, 4), (3, 3), 2, 3, {"stride": 2, "padding": 1, "output_padding": 1}),
    "each axis its own": ((3, 3), (2, 3), 2, 2, {"stride": (3, 1), "padding": (0, 2), "dilation": (1, 2)}),
    "padding beyond the kernel": ((7, 7), (2, 2), 1, 2, {"padding": 2}),
    "output padding beyond the stride": ((3, 4), (3, 2), 2, 3, {"dilation": 3, "output_padding": 2}),
    "groups": ((3, 3), (2, 2), 4, 6, {"groups": 2, "stride": 2}),
    "one axis": ((4,), (3,), 2, 3, {"stride": 2, "padding": 1}),
}


def conv_inputs(size, kernel, inside, outside, options):
    weight = (outside, inside // options.get("groups", 1), *kernel)
    return [RANDOM.standard_normal(shape) for shape in ((2, inside, *size), weight, (outside,))]


def transpose_inputs(size, kernel, inside, outside, options):
    weight = (inside, outside // options.get("groups", 1), *kernel)
    return [RANDOM.standard_normal(shape) for shape in ((2, inside, *size), weight, (outside,))]


CASES = {f"conv {name}": ("conv", conv_inputs(*case), case[-1]) for name, case in CONV.items()} | {
    f"conv_transpose {name}": ("conv_transpose", transpose_inputs(*case), case[-1]) for name, case in TRANSPOSE.items()
}


def named(kind, x, module=ops):
    return getattr(module, f"{kind}{x.ndim - 2}d")


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_both_orders_are_those_of_finite_differences(name):
    kind, inputs, options = CASES[name]
    check_gradients(lambda *tensors: named(kind, inputs[0])(*tensors, **options), *inputs)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_pytorch(name, dtype):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    kind, inputs, options = CASES[name]
    inputs = [x.astype(dtype) for x in inputs]
    ours = [Tensor(x, requires_grad=True) for x in inputs]
    theirs = [torch.tensor(x, requires_grad=True) for x in inputs]
    result = named(kind, inputs[0])(*ours, **options)
    expected = named(kind, inputs[0], torch.nn.functional)(*theirs, **options)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=rtol, atol=rtol)
    g = RANDOM.standard_normal(result.shape).astype(dtype)
    result.backward(g)
    expected.backward(torch.tensor(g))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.grad.dtype == dtype
        np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=rtol, atol=10 * rtol)


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@pytest.mark.parity
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=PAIRS,
    stride=PAIRS,
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=PAIRS,
    groups=st.integers(1, 2),
)
def test_whatever_the_geometry_values_and_gradients_are_those_of_pytorch(
    size, kernel, stride, padding, dilation, groups
):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    reach = [n + 2 * p - d * (k - 1) for n, p, d, k in zip(size, padding, dilation, kernel, strict=True)]
    assume(min(reach) > 0)
    inputs = conv_inputs(size, kernel, 2 * groups, 2 * groups, {"groups": groups})
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    ours = [Tensor(x, requires_grad=True) for x in inputs]
    theirs = [torch.tensor(x, requires_grad=True) for x in inputs]
    result, expected = ops.conv2d(*ours, **options), torch.nn.functional.conv2d(*theirs, **options)
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-10, atol=1e-10)
    result.backward(np.cos(result.data))
    expected.backward(torch.cos(expected.detach()))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-10, atol=1e-10)


def test_a_convolution_is_what_its_formula_says():
    x, weight, bias = conv_inputs((4, 4), (2, 2), 2, 3, {})
    out = ops.conv2d(x, weight, bias)
    for n, o, i, j in np.ndindex(out.shape):
        seen = x[n, :, i : i + 2, j : j + 2]
        assert out[n, o, i, j] == pytest.approx(bias[o] + (weight[o] * seen).sum())


@pytest.mark.parametrize("stride", [1, 3])
def test_many_images_go_through_in_batches(stride):
    x = RANDOM.standard_normal((1000, 4, 12, 12)).astype(np.float32)
    weight = RANDOM.standard_normal((2, 4, 5, 5)).astype(np.float32)
    t, w = Tensor(x, requires_grad=True), Tensor(weight, requires_grad=True)
    out = ops.conv2d(t, w, stride=stride)
    np.testing.assert_allclose(out.data[[0, 999]], ops.conv2d(x[[0, 999]], weight, stride=stride), rtol=1e-4, atol=1e-4)
    out.backward(np.ones_like(out.data))
    ends = Tensor(x[[0, 999]], requires_grad=True)
    ops.conv2d(ends, w.detach(), stride=stride).backward(np.ones((2, *out.shape[1:]), np.float32))
    np.testing.assert_allclose(t.grad[[0, 999]], ends.grad, rtol=1e-4, atol=1e-4)
    expected = [
        x[:, :, i : i + 8 : stride, j : j + 8 : stride].sum((0, 2, 3), np.float64) for i in range(5) for j in range(5)
    ]
    np.testing.assert_allclose(w.grad[0], np.reshape(expected, (5, 5, 4)).transpose(2, 0, 1), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    "options",
    [{}, {"padding": 1}, {"padding": 5}, {"dilation": 2, "padding": (0, 4)}, {"groups": 2, "padding": "same"}],
    ids=str,
)
def test_a_channel_does_not_depend_on_how_many_others_there_are(options):
    """Many channels in the result are computed in another way than few."""
    x = Tensor(RANDOM.standard_normal((2, 4, 9, 8)), requires_grad=True)
    weight = RANDOM.standard_normal((80, 4 // options.get("groups", 1), 3, 3))
    few = Tensor(weight[::40], requires_grad=True)
    many = Tensor(weight, requires_grad=True)
    results = ops.conv2d(x, few, **options), ops.conv2d(x, many, **options)[:, ::40]
    np.testing.assert_allclose(results[0].data, results[1].data, rtol=1e-12, atol=1e-12)
    (dx, dw), (dx_of_many, dw_of_many) = (
        grad((out * out).sum(), [x, w]) for out, w in zip(results, (few, many), strict=True)
    )
    np.testing.assert_allclose(dx.data, dx_of_many.data, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(dw.data, dw_of_many.data[::40], rtol=1e-10, atol=1e-10)


def test_the_same_inputs_give_the_same_bits():
    x, weight, bias = (a.astype(np.float32) for a in conv_inputs((14, 14), (3, 3), 8, 8, {}))
    first, second = ([t.data for t in _with_gradients(x, weight, bias)] for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def _with_gradients(*arrays):
    tensors = [Tensor(array, requires_grad=True) for array in arrays]
    out = ops.conv2d(*tensors, padding=1)
    return out, *grad((out * out).sum(), tensors)


def test_one_image_needs_no_batch_axis():
    x, weight, bias = conv_inputs((4, 4), (2, 2), 2, 3, {})
    np.testing.assert_array_equal(ops.conv2d(x[0], weight, bias), ops.conv2d(x[:1], weight, bias)[0])
    np.testing.assert_array_equal(
        ops.conv_transpose2d(x[0], weight.swapaxes(0, 1)), ops.conv_transpose2d(x[:1], weight.swapaxes(0, 1))[0]
    )


@pytest.mark.parametrize("stride", [1, 2])
def test_an_empty_batch_has_an_empty_result_and_gradients_of_zero(stride):
    x = Tensor(np.zeros((0, 2, 5, 5)), requires_grad=True)
    weight = Tensor(np.ones((3, 2, 3, 3)), requires_grad=True)
    out = ops.conv2d(x, weight, stride=stride)
    assert out.shape == (0, 3, 3 // stride + stride // 2, 3 // stride + stride // 2)
    out.sum().backward()
    assert x.grad.shape == x.shape
    np.testing.assert_array_equal(weight.grad, 0)


def test_inputs_may_lie_anyhow_in_memory_and_be_read_only():
    x, weight, _ = conv_inputs((5, 5), (3, 3), 2, 3, {})
    strange = []
    for array in (x, weight):
        view = np.ascontiguousarray(array.T[::-1])[::-1].T
        view.flags.writeable = False
        strange.append(view)
    for options in ({}, {"stride": 2}):
        expected = grad(*_total([x, weight], options))
        for a, b in zip(grad(*_total(strange, options)), expected, strict=True):
            np.testing.assert_allclose(a.data, b.data)


def _total(arrays, options):
    tensors = [Tensor(array, requires_grad=True) for array in arrays]
    out = ops.conv2d(*tensors, **options)
    return (out * out).sum(), tensors


def test_arrays_give_arrays_and_nothing_is_remembered_without_need():
    x, weight, _ = conv_inputs((4, 4), (2, 2), 2, 3, {})
    assert type(ops.conv2d(x, weight)) is np.ndarray
    with no_grad():
        assert not ops.conv2d(Tensor(x), Tensor(weight, requires_grad=True)).requires_grad


BAD = {
    "channels": ((1, 3, 8, 8), (4, 2, 3, 3), {}, r"conv2d of x \(1, 3, 8, 8\).*3 channels, expected 2"),
    "axes of x": ((8, 8), (4, 2, 3, 3), {}, r"conv2d of x .*\(8, 8\): expected \(N, channels, height, width\)"),
    "axes of weight": ((1, 2, 8, 8), (4, 2, 3), {}, r"conv2d of weight .*expected 4 axes"),
    "groups": ((1, 4, 8, 8), (3, 2, 3, 3), {"groups": 2}, "3 output channels cannot be divided into groups=2"),
    "kernel": ((1, 2, 2, 8), (4, 2, 3, 3), {}, r"the kernel covers \(3, 3\), more than x"),
    "same": ((1, 2, 8, 8), (4, 2, 3, 3), {"padding": "same", "stride": 2}, "padding='same' is for stride 1"),
    "word": ((1, 2, 8, 8), (4, 2, 3, 3), {"padding": "full"}, "padding is .*'same'.*got 'full'"),
    "stride": ((1, 2, 8, 8), (4, 2, 3, 3), {"stride": 0}, "stride is an integer of at least 1, or 2 of them; got 0"),
    "dilation": ((1, 2, 8, 8), (4, 2, 3, 3), {"dilation": (1, 1, 1)}, r"dilation is .*got \(1, 1, 1\)"),
    "bias": ((1, 2, 8, 8), (4, 2, 3, 3), {"bias": np.ones(3)}, r"expected bias \(4,\).*got \(3,\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused_with_the_remedy(name):
    x, weight, options, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        ops.conv2d(np.zeros(x), np.zeros(weight), **options)


BAD_TRANSPOSE = {
    "channels": ((1, 3, 8, 8), (4, 2, 3, 3), {}, "x has 3 channels, expected 4: weight is .in, out / groups"),
    "output padding": ((1, 4, 8, 8), (4, 2, 3, 3), {"output_padding": 1}, "output_padding is less than stride"),
    "padding": ((1, 4, 1, 1), (4, 2, 3, 3), {"padding": 2}, "the result would be .* use less padding"),
    "groups": ((1, 3, 8, 8), (3, 2, 3, 3), {"groups": 2}, "3 input channels cannot be divided"),
}


@pytest.mark.parametrize("name", BAD_TRANSPOSE)
def test_what_does_not_fit_a_transposed_convolution_is_refused(name):
    x, weight, options, message = BAD_TRANSPOSE[name]
    with pytest.raises(ValueError, match=message):
        ops.conv_transpose2d(np.zeros(x), np.zeros(weight), **options)
