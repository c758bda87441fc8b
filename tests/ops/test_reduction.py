import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, valid_tuple_axes

from minigrad import Tensor, grad, ops

quick = settings(max_examples=60, deadline=None)
NAMES = ["sum", "mean", "prod", "max", "min", "var", "std"]


@quick
@given(st.data())
def test_any_axes_give_numpys_values_and_gradients_of_the_right_shape(data):
    shape = data.draw(array_shapes(min_dims=0, max_dims=3, max_side=3))
    values = data.draw(arrays(np.float64, shape, elements=st.integers(-3, 3), unique=False))
    axis = data.draw(st.none() | valid_tuple_axes(len(shape))) if shape else None
    keepdims = data.draw(st.booleans())
    name = data.draw(st.sampled_from(NAMES))
    x = Tensor(values, requires_grad=True)
    result = getattr(ops, name)(x, axis=axis, keepdims=keepdims)
    expected = np.asarray(getattr(np, name)(values, axis=axis, keepdims=keepdims))
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.data, expected, rtol=1e-12)
    (dx,) = grad(result.sum(), x)
    assert dx.shape == shape
    assert np.all(np.isfinite(dx.data))


@quick
@given(arrays(np.float64, array_shapes(max_dims=2, max_side=4), elements=st.sampled_from([0.0, 1.0, -2.0, 0.5])))
def test_products_with_any_zeros_have_exact_gradients(values):
    x = Tensor(values, requires_grad=True)
    (dx,) = grad(x.prod(), x)
    for place in np.ndindex(values.shape):
        others = np.delete(values.ravel(), np.ravel_multi_index(place, values.shape))
        assert dx.data[place] == np.prod(others)


@quick
@given(arrays(np.float64, st.integers(1, 6), elements=st.sampled_from([0.0, 1.0, -2.0, 0.5])))
def test_running_products_with_any_zeros_have_exact_gradients(values):
    x = Tensor(values, requires_grad=True)
    g = np.arange(1.0, len(values) + 1)
    (dx,) = grad(x.cumprod(), x, g)
    for i in range(len(values)):
        slopes = [np.prod(np.delete(values[: j + 1], i)) if j >= i else 0.0 for j in range(len(values))]
        np.testing.assert_allclose(dx.data[i], np.dot(slopes, g), rtol=1e-12, atol=1e-12)


@quick
@given(arrays(np.float64, st.integers(1, 6), elements=st.integers(-2, 2)))
def test_the_shares_of_extremes_add_up_to_the_gradient(values):
    x = Tensor(values, requires_grad=True)
    for result in (x.max(), x.min()):
        (dx,) = grad(result, x)
        holders = values == result.item()
        np.testing.assert_allclose(dx.data, holders / holders.sum())


@pytest.mark.parametrize("value", [1000.0, -1000.0, 0.0])
def test_logsumexp_neither_overflows_nor_underflows(value):
    x = Tensor(np.array([value, value]), requires_grad=True)
    result = ops.logsumexp(x)
    np.testing.assert_allclose(result.item(), value + np.log(2))
    result.backward()
    np.testing.assert_allclose(x.grad, [0.5, 0.5])


def test_a_float32_reduction_stays_float32_gradients_included():
    x = Tensor(np.ones((3, 4), np.float32), requires_grad=True)
    for name in [*NAMES, "logsumexp", "norm", "cumsum", "cumprod"]:
        result = getattr(ops, name)(x)
        assert result.dtype == np.float32
        (dx,) = grad(result.sum(), x)
        assert dx.dtype == np.float32


def test_an_axis_may_be_an_integer_of_numpy():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    (dx,) = grad(x.mean(axis=np.int64(1)).sum(), x)
    np.testing.assert_allclose(dx.data, np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("ord", [0.5, 1.5, 3])
def test_an_element_that_is_zero_adds_nothing_to_the_slope_of_a_norm(ord):
    x = Tensor(np.array([0.0, 2.0]), requires_grad=True)
    (dx,) = grad(ops.vector_norm(x, ord), x)
    np.testing.assert_allclose(dx.data, [0, 1])


@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:invalid value")
def test_the_variance_of_one_element_with_one_degree_less_is_nan_as_in_numpy():
    x = Tensor(np.array([2.0]), requires_grad=True)
    result = x.var(ddof=1)
    assert np.isnan(result.item())
    result.backward()
    assert np.isnan(x.grad[0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x.sum(axis=2), IndexError, r"sum of x float64 \(2, 3\): axis 2 is out of bounds"),
        (lambda x: x.mean(axis=(0, 0)), ValueError, r"mean of x float64 \(2, 3\): duplicate value in 'axis'"),
        (lambda x: x.max(axis=0.5), TypeError, r"max of x float64 \(2, 3\)"),
        (lambda x: x[:0].max(), ValueError, r"max of x float64 \(0, 3\): zero-size array"),
        (lambda x: x[:0].argmax(), ValueError, r"argmax of x float64 \(0, 3\): attempt to get argmax of an empty"),
        (lambda x: x.cumsum(axis=2), IndexError, r"cumsum of x float64 \(2, 3\): axis 2 is out of bounds"),
        (lambda x: ops.norm(x, axis=2), IndexError, "norm along axis 2 of an array with 2 axes"),
        (lambda x: ops.norm(x, 1, axis=2), IndexError, "norm along axis 2 of an array with 2 axes"),
        (lambda x: ops.logsumexp(x, axis=2), IndexError, r"logsumexp of x float64 \(2, 3\): axis 2 is out of bounds"),
    ],
)
def test_axes_that_are_not_there_and_extremes_of_nothing_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor(np.ones((2, 3)), requires_grad=True))
