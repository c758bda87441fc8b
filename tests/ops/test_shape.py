import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from minigrad import Tensor, grad, ops

quick = settings(max_examples=60, deadline=None)


def leaf(shape):
    return Tensor(np.arange(1.0, np.prod(shape, dtype=int) + 1).reshape(shape), requires_grad=True)


@quick
@given(mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3, min_side=0))
def test_gradients_of_anything_that_broadcasts_have_the_shape_of_their_tensor_and_sum_over_copies(drawn):
    leaves = [leaf(shape) for shape in drawn.input_shapes]
    x, y, z = leaves
    result = x * y + z
    assert result.shape == drawn.result_shape
    for tensor, gradient, slope in zip(leaves, grad(result.sum(), leaves), (y.data, x.data, 1.0), strict=True):
        everywhere = np.broadcast_to(slope, drawn.result_shape)
        lead = everywhere.ndim - tensor.ndim
        axes = tuple(i for i in range(everywhere.ndim) if i < lead or tensor.shape[i - lead] == 1)
        assert gradient.shape == tensor.shape
        np.testing.assert_allclose(gradient.data, everywhere.sum(axis=axes).reshape(tensor.shape), rtol=1e-12)


@quick
@given(st.data())
def test_what_rearranges_has_a_gradient_that_rearranges_back(data):
    shape = data.draw(array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3))
    axes = data.draw(st.permutations(range(len(shape))))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = leaf(shape)
    for result in (
        ops.transpose(x, tuple(axes)),
        ops.moveaxis(x, axis, axes[0]),
        ops.flip(x, axis),
        ops.roll(x, data.draw(st.integers(-4, 4)), axis),
        ops.expand_dims(x, axis),
        ops.reshape(x, -1),
    ):
        (dx,) = grad(result, x, result.data)  # each element's gradient is the element itself
        np.testing.assert_array_equal(dx.data, x.data)


@quick
@given(array_shapes(min_dims=1, max_dims=3, max_side=3), st.data())
def test_pieces_join_to_the_whole_again_gradients_included(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    cuts = sorted(data.draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
    x = leaf(shape)
    whole = ops.concatenate(ops.split(x, cuts, axis), axis)
    np.testing.assert_array_equal(whole.data, x.data)
    (dx,) = grad(whole, x, x.data)
    np.testing.assert_array_equal(dx.data, x.data)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: ops.split(x, 2, axis=1),
            ValueError,
            r"split of float64 \(2, 3\): axis 1, of length 3, is not 2 equal",
        ),
        (lambda x: ops.split(x, 0), ValueError, "is not 0 equal parts"),
        (lambda x: ops.split(x, 2, axis=2), IndexError, "split along axis 2 of an array with 2 axes; expected -2 to 1"),
        (
            lambda x: ops.squeeze(x, 0),
            ValueError,
            r"squeeze of x float64 \(2, 3\): cannot select an axis to squeeze out",
        ),
        (lambda x: ops.transpose(x, (0, 0)), ValueError, r"transpose of x float64 \(2, 3\): repeated axis"),
        (lambda x: ops.stack([x, x[0]]), ValueError, r"stack of \[0\] float64 \(2, 3\), \[1\] float64 \(3,\)"),
        (lambda x: ops.concatenate([]), ValueError, "need at least one array"),
        (lambda x: ops.pad(x, 1, mode="mirror"), ValueError, "mode is one of constant, edge, .*, got 'mirror'"),
        (lambda x: ops.pad(x, (1, 2, 3)), ValueError, r"pad of x float64 \(2, 3\): pad_width is a number, a pair, or"),
        (lambda x: ops.pad(x, -1), ValueError, "pad of x .*negative"),
        (lambda x: ops.repeat(x, [1, 2, 3], axis=0), ValueError, r"repeat of x float64 \(2, 3\)"),
        (lambda x: ops.broadcast_to(x, (2, 4)), ValueError, r"\(2, 3\): it does not broadcast to \(2, 4\)"),
        (lambda x: x.reshape("a"), TypeError, r"reshape of x float64 \(2, 3\)"),
        (lambda x: ops.roll(x, 1, 5), IndexError, r"roll of x float64 \(2, 3\): axis 5 is out of bounds"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_operation_and_the_shape(call, error, message):
    with pytest.raises(error, match=message):
        call(leaf((2, 3)))


def test_views_share_memory_with_what_they_show():
    x = leaf((2, 3))
    for view in (
        x.T,
        x.reshape(3, 2),
        ops.flip(x),
        ops.expand_dims(x, 0),
        ops.broadcast_to(x, (2, 2, 3)),
        ops.split(x, 3, 1)[1],
    ):
        assert np.shares_memory(view.data, x.data)
