import numpy as np
import pytest

from minigrad import Tensor, check_gradients, nn, ops
from minigrad.engine import GradientError, random

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])


def test_right_gradients_pass_at_every_order():
    check_gradients(lambda x: np.tanh(x) * np.exp(x), X, order=4)


def test_arrays_tensors_and_numbers_are_inputs_and_integers_are_passed_on():
    index = np.array([0, 2])
    check_gradients(lambda x, y, i, n: x[:, i] * y * n, X, Tensor([[2.0, 3.0]]), index, 1.5)


def test_several_results_are_checked_together():
    check_gradients(lambda x: ops.split(x * x, 3, axis=1), X)


def test_the_input_and_its_gradient_are_left_alone():
    x = Tensor(X.copy(), requires_grad=True)
    check_gradients(lambda t: t * t, x)
    np.testing.assert_array_equal(x.data, X)
    assert x.grad is None


def test_float32_inputs_are_checked_in_float64():
    seen = []
    check_gradients(lambda x: (seen.append(x.dtype), x * x)[1], X.astype(np.float32))
    assert set(seen) == {np.dtype(np.float64)}


def test_a_wrong_rule_is_reported_with_its_worst_entry(declare):
    wrong = declare("wrong", lambda x: x * x, lambda g, x: g * x)
    with pytest.raises(GradientError) as error:
        check_gradients(lambda x: wrong(x) * 3, X)
    assert "the gradient of order 1 with respect to input 0, of shape (2, 3) is wrong in 6 of 6 entries" in str(
        error.value
    )
    assert "ratio 0.5" in str(error.value)


def test_one_wrong_entry_of_many_is_found(declare):
    def rule(g, x):
        slope = 2 * x
        slope[1, 2] += 1e-3
        return g * slope

    wrong = declare("wrong", lambda x: x * x, rule)
    with pytest.raises(GradientError, match=r"wrong in 1 of 6 entries; worst at \[1, 2\]"):
        check_gradients(wrong, X, order=1)


def test_a_gradient_that_is_not_finite_is_wrong(declare):
    wrong = declare("wrong", lambda x: x * x, lambda g, x: g * 2 * x * np.nan)
    with pytest.raises(GradientError, match="the rules say nan"):
        check_gradients(wrong, X)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_a_slope_that_is_no_number_is_wrong_and_hides_no_other(declare, wrong):
    def rule(g, x):
        return g * np.where(x == 0.5, wrong, np.where(x == 2.0, 3.0, 1.0))

    same = declare("same", lambda x: x * 1.0, rule)
    with pytest.raises(GradientError, match=r"wrong in 1 of 2 entries; worst at \[0\]"):
        check_gradients(same, np.array([0.5, 1.0]), order=1)
    with pytest.raises(GradientError, match="wrong in 2 of 3 entries"):
        check_gradients(same, np.array([0.5, 1.0, 2.0]), order=1)


def test_a_missing_gradient_is_wrong():
    with pytest.raises(GradientError, match="input 0"):
        check_gradients(lambda x, y: x.detach() * y, X, X)


def test_a_rule_that_cannot_be_differentiated_is_found_at_the_second_order(declare):
    frozen = declare("frozen", lambda x: (x**3, 3 * x**2), lambda g, slope: g * slope, residuals=("slope",))
    check_gradients(frozen, X, order=1)
    with pytest.raises(GradientError, match="of order 2"):
        check_gradients(frozen, X)


def test_of_large_inputs_some_entries_are_checked():
    with pytest.raises(GradientError, match="of 60 entries"):
        check_gradients(lambda x: (x * x.detach()).sum(), np.linspace(0.1, 1, 500), order=1)


def test_the_parameters_of_a_module_are_checked_and_come_back_as_they_were():
    layer = nn.Linear(3, 2)
    before = {name: parameter.data for name, parameter in layer.named_parameters()}
    check_gradients(layer, X)
    for name, parameter in layer.named_parameters():
        assert parameter.data is before[name]


def test_a_function_that_draws_at_random_is_refused():
    def noisy(x):
        return x * random.generator("dropout").random(x.shape)

    with pytest.raises(ValueError, match=r"gives other values when called again; call \.eval\(\)"):
        check_gradients(noisy, X)


def test_a_function_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no input is of floating point"):
        check_gradients(lambda x: x, np.array([1, 2]))
    with pytest.raises(ValueError, match="the result depends on none of the inputs"):
        check_gradients(lambda x: x.detach(), X)
    with pytest.raises(ValueError, match="is to return a tensor or several, got ndarray"):
        check_gradients(lambda x: x.data, X)
