import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from minigrad import Tensor, check_gradients, grad, ops

quick = settings(max_examples=40, deadline=None)


def random(*shape):
    return np.random.default_rng(0).standard_normal(shape)


@quick
@given(st.data())
def test_matmul_is_right_for_any_stacks_of_vectors_and_matrices(data):
    inner, rows, columns = (data.draw(st.integers(0, 3)) for _ in range(3))
    stack = data.draw(array_shapes(min_dims=0, max_dims=2, max_side=2))
    x_shape = data.draw(st.sampled_from([(inner,), (rows, inner), (*stack, rows, inner), (1, rows, inner)]))
    y_shape = data.draw(st.sampled_from([(inner,), (inner, columns), (*stack, inner, columns)]))
    x, y = random(*x_shape), random(*y_shape)
    np.testing.assert_array_equal((Tensor(x) @ Tensor(y)).data, x @ y)
    leaves = [Tensor(x, requires_grad=True), Tensor(y, requires_grad=True)]
    out = leaves[0] @ leaves[1]
    g = random(*out.shape)
    lone = "i" if len(y_shape) == 1 else "ij"
    spec = f"...{'' if len(x_shape) == 1 else 'k'}{'' if len(y_shape) == 1 else 'j'}"
    of_x = "...i" if len(x_shape) == 1 else "...ki"
    of_y = "...i" if len(y_shape) == 1 else f"...{lone}"
    dx, dy = grad(out, leaves, g)
    for gradient, array, terms, other in ((dx, x, f"{spec},{of_y}->{of_x}", y), (dy, y, f"{spec},{of_x}->{of_y}", x)):
        whole = np.einsum(terms, g, other)
        lead = tuple(range(whole.ndim - array.ndim))
        summed = whole.sum(axis=lead)
        ones = tuple(i for i, n in enumerate(array.shape) if n == 1 and summed.shape[i] != 1)
        np.testing.assert_allclose(gradient.data, summed.sum(axis=ones, keepdims=True), rtol=1e-10, atol=1e-12)


@quick
@given(st.data())
def test_einsum_is_numpys_for_any_letters(data):
    letters = "abcd"
    lengths = dict(zip(letters, (2, 3, 1, 2), strict=True))
    term = st.text(letters, max_size=3)
    terms = data.draw(st.lists(term, min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    result = "".join(data.draw(st.permutations([name for name in used if data.draw(st.booleans())])))
    arrays = [random(*(lengths[name] for name in term)) for term in terms]
    spec = ",".join(terms) + "->" + result
    np.testing.assert_allclose(ops.einsum(spec, *map(Tensor, arrays)).data, np.einsum(spec, *arrays), atol=1e-12)
    check_gradients(lambda *tensors: ops.einsum(spec, *tensors), *arrays)


def test_a_constant_operand_of_einsum_gets_no_gradient():
    x, y = Tensor(random(2, 3), requires_grad=True), Tensor(random(3, 2))
    (dx,) = grad(ops.einsum("ij,jk->", x, y), x)
    np.testing.assert_allclose(dx.data, np.tile(y.data.sum(axis=1), (2, 1)))


def test_products_of_one_tensor_with_itself_add_both_gradients():
    x = Tensor(random(3, 3), requires_grad=True)
    (dx,) = grad((x @ x).sum(), x)
    ones = np.ones((3, 3))
    np.testing.assert_allclose(dx.data, ones @ x.data.T + x.data.T @ ones)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.einsum("ij,jk->ik", x), r"einsum 'ij,jk->ik' names 2 operands, got 1"),
        (lambda x: ops.einsum("ijk->i", x), r"'ijk' does not name the axes of operand 0, float64 \(2, 3\)"),
        (lambda x: ops.einsum("i", x), "'i' does not name the axes of operand 0"),
        (lambda x: ops.einsum("i1->i", x), "'i1' does not name the axes of operand 0"),
        (lambda x: ops.einsum("ij->ik", x), "'k' of the result is to come once in it, and in an operand"),
        (lambda x: ops.einsum("ij->ii", x), "'i' of the result is to come once"),
        (
            lambda x: ops.einsum("ij,jk->ik", x, x),
            r"axis 'j' of operand 1, float64 \(2, 3\), has length 2, and 3 before",
        ),
        (lambda x: ops.einsum("...j->j", x), r"the result has to have the axes of '\.\.\.'"),
        (
            lambda x: ops.tensordot(x, x, 1),
            r"tensordot of x float64 \(2, 3\), y float64 \(2, 3\): the summed axes \[1\]",
        ),
        (lambda x: ops.dot(x, x), r"matmul of x float64 \(2, 3\)"),
        (lambda x: ops.diag(x[None]), r"diag of float64 \(1, 2, 3\): expected a vector or a matrix; diagonal\(\)"),
        (lambda x: ops.norm(x, ord=2), r"norm of float64 \(2, 3\): ord=2 over 2 axes; one axis takes any number"),
        (lambda x: ops.norm(x, ord="nuc"), "ord='nuc' over 2 axes"),
        (lambda x: ops.norm(x[None], ord=1), "ord=1 over 3 axes"),
        (lambda x: ops.norm(x[0], ord="fro"), "ord='fro' over 1 axes"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call(Tensor(random(2, 3), requires_grad=True))


def test_an_axis_of_tensordot_that_is_not_there_is_an_index_error():
    x = Tensor(random(2, 3))
    with pytest.raises(IndexError, match="tensordot along axis 2 of an array with 2 axes"):
        ops.tensordot(x, x, ([2], [0]))
