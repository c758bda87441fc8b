"""Recomputation gives the gradients of the plain computation."""

import numpy as np
import pytest

from minigrad import Tensor, check_gradients, checkpoint, grad, no_grad
from minigrad.engine import random

R = np.random.default_rng(0)
W = Tensor(R.standard_normal((4, 4)), requires_grad=True)
X = Tensor(R.standard_normal(4), requires_grad=True)


def noisy_block(x):
    return np.tanh(W @ x) * (random.generator("dropout").random(4) > 0.4)


def gradients(block):
    random.seed(1)
    hidden = X * 2
    return grad((block(hidden) ** 2).sum() + hidden.sum(), [W, X])


def test_gradients_reach_arguments_and_what_the_function_closes_over_to_the_same_bits():
    for plain, recomputed in zip(gradients(noisy_block), gradients(lambda h: checkpoint(noisy_block, h)), strict=True):
        np.testing.assert_array_equal(plain.data, recomputed.data)


def test_what_the_function_closes_over_may_itself_have_been_computed_from_its_argument():
    hidden = X * 3
    result = checkpoint(lambda x: x * hidden, X)
    (slope,) = grad(result.sum(), X)
    np.testing.assert_allclose(slope.data, 6 * X.data)


def test_higher_derivatives_go_through():
    check_gradients(lambda w, x: checkpoint(lambda x: np.tanh(w @ x) ** 2, x * x), W.data, X.data, order=3)


def test_nothing_between_is_kept():
    result = checkpoint(lambda x: np.exp(np.exp(x)), X)
    assert result.node.primitive.name == "checkpoint"
    assert result.node.parents == (X.node,)
    assert not [value for value in result.node.saved if isinstance(value, np.ndarray)]


def test_the_draws_after_a_checkpoint_are_not_disturbed_by_the_second_computation():
    random.seed(1)
    result = checkpoint(noisy_block, X)
    expected = random.stream("dropout", draw=1).random()
    result.sum().backward()
    assert random.generator("dropout").random() == expected


def test_a_write_between_the_two_computations_is_refused():
    x = Tensor(R.standard_normal(4), requires_grad=True)
    result = checkpoint(lambda x: np.exp(x) * x, x)
    with no_grad():
        x[0] = 5.0
    with pytest.raises(RuntimeError, match="written to in place"):
        result.sum().backward()


def test_a_write_into_what_no_rule_keeps_but_the_second_computation_reads_is_refused():
    x, bias = (Tensor(R.standard_normal(4), requires_grad=True) for _ in range(2))
    for written in (x, bias):
        result = checkpoint(lambda x: np.exp(x + bias), x)
        with no_grad():
            written[0] = 5.0
        with pytest.raises(RuntimeError, match="written to in place"):
            result.sum().backward()


def test_a_write_into_a_constant_that_a_derivative_inside_needs_is_refused():
    factor = Tensor(R.standard_normal(4))
    result = checkpoint(lambda x: np.exp(x * factor), X)
    factor[0] = 5.0
    with pytest.raises(RuntimeError, match="written to in place"):
        result.sum().backward()


def test_where_nothing_is_remembered_it_is_a_plain_call():
    with no_grad():
        assert not checkpoint(noisy_block, X).requires_grad
    assert checkpoint(lambda x: x + 1, Tensor(1.0)).item() == 2


def test_a_function_of_another_result_is_refused():
    with pytest.raises(TypeError, match="returns one tensor, got tuple"):
        checkpoint(lambda x: (x, x), X)
