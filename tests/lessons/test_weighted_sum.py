import numpy as np
import pytest

import minigrad
from docs.lessons.weighted_sum import ACTIVATIONS, BIAS, DRAWS, WEIGHTS, expected_std, sums
from minigrad import Tensor, nn

ERRORS = 4  # how many standard errors a mean of draws may be off


def standard_error(std: float) -> float:
    return std / np.sqrt(DRAWS)


def normal() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(DRAWS, 5))


@pytest.fixture
def neuron() -> nn.Linear:
    layer = nn.Linear(5, 1)
    layer.weight.data[:], layer.bias.data[:] = WEIGHTS, 0
    return layer


def test_the_numbers_are_those_of_the_lesson():
    assert ACTIVATIONS.tolist() == [1, 2, -5, 3, 0]
    assert WEIGHTS.tolist() == [0.1, 0, 0.3, -0.1, 0.9]
    assert (BIAS, DRAWS) == (3, 10_000)


def test_the_products_are_added_up_step_by_step_to_minus_1_7(neuron):
    rows = [line.split() for line in minigrad.explain(neuron, ACTIVATIONS).splitlines()[1:6]]
    assert [float(product) for _, _, _, product, _ in rows] == [0.1, 0, -1.5, -0.3, 0]
    assert [float(total) for *_, total in rows] == [0.1, 0.1, -1.4, -1.7, -1.7]


def test_the_same_is_one_dot_product_and_one_layer(neuron):
    assert np.dot(ACTIVATIONS, WEIGHTS) == pytest.approx(-1.7)
    assert neuron(Tensor(ACTIVATIONS.astype(np.float32))).item() == pytest.approx(-1.7)


@pytest.mark.parametrize(
    ("fixed", "std"), [(WEIGHTS, 0.92**0.5), (ACTIVATIONS, 39**0.5)], ids=["weights", "activations"]
)
def test_sums_of_random_numbers_are_distributed_as_theory_says(fixed, std):
    assert expected_std(fixed) == pytest.approx(std)
    drawn = sums(fixed)
    assert drawn.shape == (DRAWS,)
    assert abs(drawn.mean()) < ERRORS * standard_error(std)
    assert drawn.std() == pytest.approx(std, rel=ERRORS / np.sqrt(2 * DRAWS))


def test_the_mean_of_the_activations_goes_through_the_sum_of_the_weights():
    shifted = (normal() + 2) @ WEIGHTS
    assert shifted.mean() == pytest.approx(2 * 1.2, abs=ERRORS * standard_error(0.92**0.5))
    assert shifted.std() == pytest.approx(0.92**0.5, rel=0.03)


def test_the_rules_hold_for_numbers_that_are_not_normal():
    uniform = np.random.default_rng(1).uniform(size=(DRAWS, 5)) @ WEIGHTS
    assert uniform.mean() == pytest.approx(0.6, abs=ERRORS * standard_error(uniform.std()))
    assert uniform.std() == pytest.approx((0.92 / 12) ** 0.5, rel=0.03)


def test_a_bias_on_each_weight_widens_the_distribution_and_does_not_shift_it():
    biased = sums(WEIGHTS + BIAS)
    std = (0.92 + 2 * 3 * 1.2 + 5 * 9) ** 0.5
    assert expected_std(WEIGHTS + BIAS) == pytest.approx(std)
    assert abs(biased.mean()) < ERRORS * standard_error(std)
    assert biased.std() == pytest.approx(std, rel=0.03)


def test_a_bias_on_each_weight_does_shift_it_where_activations_are_around_2():
    shift = (normal() + 2) @ (WEIGHTS + BIAS) - (normal() + 2) @ WEIGHTS
    assert shift.mean() == pytest.approx(30, abs=ERRORS * standard_error(45**0.5))


def test_a_bias_after_the_sum_shifts_the_distribution_and_does_not_widen_it(neuron):
    neuron.bias.data[:] = BIAS
    with_bias = neuron.to(np.float64)(Tensor(normal())).data[:, 0]
    np.testing.assert_allclose(with_bias, sums(WEIGHTS) + 3, atol=1e-6)
    assert with_bias.mean() == pytest.approx(3, abs=ERRORS * standard_error(0.92**0.5))
    assert with_bias.std() == pytest.approx(0.92**0.5, rel=0.03)
