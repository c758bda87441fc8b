import numpy as np
import pytest

from minigrad import Tensor, check_gradients, ops

RANDOM = np.random.default_rng(0)

# name: (function, shape, arguments, options)
CASES = {
    "max": ("max_pool2d", (2, 3, 4, 6), (2,), {}),
    "max that overlaps": ("max_pool2d", (2, 2, 5, 6), (3,), {"stride": 2, "padding": 1}),
    "max, each axis its own": ("max_pool2d", (1, 2, 7, 6), ((3, 2),), {"stride": (2, 1), "dilation": (2, 3)}),
    "max with a rest": ("max_pool2d", (1, 2, 5, 5), (2,), {}),
    "max of one axis": ("max_pool1d", (2, 3, 7), (3,), {"stride": 2, "padding": 1}),
    "mean": ("avg_pool2d", (2, 3, 4, 6), (2,), {}),
    "mean with padding": ("avg_pool2d", (2, 2, 5, 6), (3,), {"stride": 2, "padding": 1}),
    "mean without the padding": ("avg_pool2d", (2, 2, 5, 4), (3,), {"padding": 1, "count_include_pad": False}),
    "mean of one axis": ("avg_pool1d", (2, 3, 7), (3,), {"stride": 1}),
    "adaptive": ("adaptive_avg_pool2d", (2, 2, 4, 6), ((2, 3),), {}),
    "adaptive that overlaps": ("adaptive_avg_pool2d", (2, 2, 5, 7), ((3, 4),), {}),
    "adaptive upwards": ("adaptive_avg_pool2d", (1, 2, 2, 3), (4,), {}),
    "adaptive of one axis": ("adaptive_avg_pool2d", (2, 2, 5, 7), ((None, 2),), {}),
    "adaptive 1d": ("adaptive_avg_pool1d", (2, 2, 5), (2,), {}),
    "adaptive max": ("adaptive_max_pool2d", (2, 2, 5, 7), ((3, 4),), {}),
    "adaptive max upwards": ("adaptive_max_pool2d", (1, 2, 2, 3), ((4, None),), {}),
    "adaptive max 1d": ("adaptive_max_pool1d", (2, 2, 5), (2,), {}),
    "max rounded up": ("max_pool2d", (1, 2, 5, 6), (3,), {"stride": 2, "ceil_mode": True, "padding": 1}),
    "max rounded up, not beyond the end": ("max_pool1d", (1, 2, 5), (1,), {"stride": 3, "ceil_mode": True}),
    "max rounded up, dilated": ("max_pool1d", (1, 2, 8), (2,), {"stride": 3, "ceil_mode": True, "dilation": 2}),
    "mean rounded up": ("avg_pool2d", (1, 2, 5, 6), (3,), {"stride": 2, "ceil_mode": True, "padding": 1}),
    "mean rounded up, without the padding": (
        "avg_pool2d",
        (1, 2, 6, 5),
        (3,),
        {"stride": 2, "ceil_mode": True, "padding": 1, "count_include_pad": False},
    ),
    "mean rounded up, of one axis": ("avg_pool1d", (2, 2, 6), (4,), {"stride": 3, "ceil_mode": True}),
    "one image": ("max_pool2d", (3, 4, 4), (2,), {}),
}


def without_ties(shape):
    """Numbers all at least 0.1 apart."""
    return RANDOM.permutation(np.arange(np.prod(shape)) * 0.1).reshape(shape) - 3


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_both_orders_are_those_of_finite_differences(name):
    function, shape, args, options = CASES[name]
    check_gradients(lambda x: getattr(ops, function)(x, *args, **options) ** 2, without_ties(shape))


@pytest.mark.parity
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_pytorch(name, dtype):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    function, shape, args, options = CASES[name]
    x = without_ties(shape).astype(dtype)
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    result = getattr(ops, function)(ours, *args, **options)
    expected = getattr(torch.nn.functional, function)(theirs, *args, **options)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    assert result.dtype == dtype
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=rtol, atol=rtol)
    g = RANDOM.standard_normal(result.shape).astype(dtype)
    result.backward(g)
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=rtol, atol=rtol)


def test_equal_elements_share_the_gradient_of_the_largest():
    x = Tensor([[1.0, 3.0, 0.0, 0.0], [3.0, 2.0, 0.0, 0.0]], requires_grad=True)
    ops.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 0.5, 0.25, 0.25], [0.5, 0, 0.25, 0.25]])


def test_padding_is_never_the_largest():
    x = Tensor(-np.ones((1, 1, 2, 2)), requires_grad=True)
    out = ops.max_pool2d(x, 2, stride=2, padding=1)
    np.testing.assert_array_equal(out.data, -np.ones((1, 1, 2, 2)))
    out.sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones((1, 1, 2, 2)))
    integers = np.array([[-5, -7], [-9, -6]])
    np.testing.assert_array_equal(ops.max_pool2d(integers, 2, padding=1), integers)


@pytest.mark.parametrize("function", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_an_empty_batch_gives_an_empty_result(function):
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    out = getattr(ops, function)(x, 2)
    assert out.shape == (0, 3, 2, 2)
    out.sum().backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("function", ["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"])
def test_inputs_may_lie_anyhow_in_memory_and_be_read_only(function):
    x = RANDOM.standard_normal((2, 3, 4, 4))
    strange = np.ascontiguousarray(x.T[::-1])[::-1].T
    strange.flags.writeable = False
    results = []
    for array in (x, strange):
        t = Tensor(array, requires_grad=True)
        out = getattr(ops, function)(t, 2)
        (out * out).sum().backward()
        results.append((out.data, t.grad))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b)


BAD = {
    "axes": ("max_pool2d", (4,), (2,), {}, r"max_pool2d of x .*\(4,\): expected at least 2 axes"),
    "kernel": ("avg_pool2d", (1, 1, 2, 4), (3,), {}, r"the kernel \(3, 3\) with dilation \(1, 1\) does not fit"),
    "padding": ("max_pool1d", (1, 1, 9), (3,), {"padding": 2}, r"padding is at most half of the kernel \(3,\)"),
    "number": ("max_pool2d", (1, 1, 4, 4), (0,), {}, "kernel_size is an integer of at least 1, or 2 of them; got 0"),
    "grid": ("adaptive_avg_pool2d", (1, 1, 4, 4), ((1, 2, 3),), {}, r"output_size is .*got \(1, 2, 3\)"),
    "empty axis": ("adaptive_max_pool1d", (2, 0), (1,), {}, "an axis without elements has no stretches"),
    "adaptive axes": ("adaptive_avg_pool2d", (4,), (1,), {}, "adaptive_avg_pool2d of x .*expected at least 2 axes"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused_with_the_remedy(name):
    function, shape, args, options, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        getattr(ops, function)(np.zeros(shape), *args, **options)


@pytest.mark.parametrize("length", range(1, 12))
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(1, 3, 0), (2, 1, 1), (2, 3, 1), (3, 2, 1), (4, 3, 2)])
@pytest.mark.parity
def test_rounding_up_is_that_of_pytorch_for_every_length(length, kernel, stride, padding):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    if length + 2 * padding < kernel:
        return
    x = RANDOM.standard_normal((1, 2, length))
    for name, options in (("max", {}), ("avg", {}), ("avg", {"count_include_pad": False})):
        options = {"stride": stride, "padding": padding, "ceil_mode": True, **options}
        found = getattr(ops, f"{name}_pool1d")(x, kernel, **options)
        expected = getattr(torch.nn.functional, f"{name}_pool1d")(torch.tensor(x), kernel, **options)
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-12)


def test_equal_elements_of_a_stretch_share_the_gradient_of_the_largest():
    x = Tensor([3.0, 3.0, 1.0, 3.0, 2.0], requires_grad=True)
    ops.adaptive_max_pool1d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.5, 0.5, 0, 1, 0])
