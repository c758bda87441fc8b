import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices, integer_array_indices

from minigrad import Tensor, grad, ops

quick = settings(max_examples=60, deadline=None)


def ramp(shape):
    return np.arange(1.0, np.prod(shape, dtype=int) + 1).reshape(shape)


@st.composite
def shapes_and_indices(draw):
    """A shape, and an index into it: basic, integer arrays, truth values, or a mixture."""
    shape = draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    kind = draw(st.sampled_from(["basic", "integers", "truth", "mixed"]))
    if kind == "basic":
        return shape, draw(basic_indices(shape, allow_newaxis=True))
    if kind == "integers":
        return shape, draw(integer_array_indices(shape))
    mask = np.array(draw(st.lists(st.booleans(), min_size=shape[-1], max_size=shape[-1])), bool)
    if kind == "truth":
        return shape, (..., mask)
    rows = draw(st.lists(st.integers(-shape[0], shape[0] - 1), max_size=5))
    return shape, (np.array(rows, int), ...)


@quick
@given(shapes_and_indices())
def test_values_and_gradients_of_any_index_are_those_that_numpy_counts(drawn):
    shape, index = drawn
    x = Tensor(ramp(shape), requires_grad=True)
    taken = x[index]
    np.testing.assert_array_equal(taken.data, x.data[index])
    weight = ramp(taken.shape) * 0.5
    (dx,) = grad(taken, x, weight)
    expected = np.zeros(shape)
    np.add.at(expected, index, weight)
    np.testing.assert_array_equal(dx.data, expected)


@quick
@given(shapes_and_indices())
def test_what_is_put_at_any_index_gets_the_gradient_of_what_stays(drawn):
    shape, index = drawn
    x = Tensor(ramp(shape), requires_grad=True)
    value = Tensor(-ramp(x.data[index].shape), requires_grad=True)
    result = ops.index_put(x, value, index)
    expected = x.data.copy()
    expected[index] = value.data
    np.testing.assert_array_equal(result.data, expected)
    dx, dv = grad(result, [x, value], ramp(shape))
    np.testing.assert_array_equal(dx.data, np.where(expected > 0, ramp(shape), 0))
    stays = np.isin(value.data, expected)
    np.testing.assert_array_equal(dv.data, np.where(stays, ramp(shape)[index], 0))


def test_an_index_by_truth_values_of_the_whole_shape_takes_those_elements():
    x = Tensor(ramp((2, 3)), requires_grad=True)
    (dx,) = grad((x[x.data > 2] ** 2).sum(), x)
    np.testing.assert_array_equal(dx.data, np.where(x.data > 2, 2 * x.data, 0))


def test_basic_indexing_is_a_view_and_a_gradient_may_come_through_several():
    x = Tensor(ramp((4, 4)), requires_grad=True)
    upper, right = x[:2], x[:, 2:]
    assert np.shares_memory(upper.data, x.data)
    (upper.sum() + right.sum()).backward()
    np.testing.assert_array_equal(x.grad, [[1, 1, 2, 2], [1, 1, 2, 2], [0, 0, 1, 1], [0, 0, 1, 1]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: x[3], IndexError, r"getitem of x float64 \(2, 3\): index 3 is out of bounds for axis 0"),
        (lambda x: x[0, 0, 0], IndexError, "too many indices"),
        (lambda x: x[[0, 5]], IndexError, r"getitem of x float64 \(2, 3\): index 5 is out of bounds"),
        (lambda x: x[np.array([True, False, True])], IndexError, "boolean index did not match"),
        (lambda x: x["a"], IndexError, "only integers, slices"),
        (lambda x: x[0.5], IndexError, "only integers, slices"),
        (lambda x: ops.take(x, [0.5]), TypeError, r"take takes integers for indices, got float64; convert"),
        (lambda x: ops.take(x, [0], axis=2), IndexError, "take along axis 2 of an array with 2 axes; expected -2 to 1"),
        (lambda x: ops.take_along_axis(x, np.array([0]), 1), ValueError, "as many axes as the array: 2, got 1"),
        (lambda x: ops.scatter_add(x, np.array([[4]]), np.ones((1, 1)), 1), IndexError, "index 4 is out of bounds"),
        (lambda x: ops.topk(x, 4), ValueError, r"topk of float64 \(2, 3\): axis -1 has 3 elements, and k=4 are asked"),
        (lambda x: ops.topk(x, 1, axis=2), IndexError, "topk along axis 2"),
        (lambda x: ops.argsort(x, 2), IndexError, r"argsort of x float64 \(2, 3\): axis 2 is out of bounds"),
    ],
)
def test_places_that_are_not_there_are_refused_with_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call(Tensor(ramp((2, 3)), requires_grad=True))


def test_indices_may_be_tensors_also_of_functions():
    x, indices = Tensor(ramp((2, 3)), requires_grad=True), Tensor(np.array([2, 0]))
    np.testing.assert_array_equal(ops.take(x, indices, axis=1).data, x.data[:, [2, 0]])
    np.testing.assert_array_equal(ops.take_along_axis(x, Tensor(np.array([[1], [2]])), 1).data, [[2], [6]])


def test_nan_sorts_last_as_in_numpy():
    x = Tensor(np.array([2.0, np.nan, 1.0]), requires_grad=True)
    np.testing.assert_array_equal(ops.sort(x).data, [1, 2, np.nan])


def test_arrays_stay_arrays():
    x = ramp((2, 3))
    values, places = ops.topk(x, 2)
    for result in (
        ops.sort(x),
        ops.take(x, [0]),
        ops.scatter_add(x, np.zeros((1, 1), int), np.ones((1, 1)), 0),
        values,
        places,
    ):
        assert type(result) is np.ndarray
