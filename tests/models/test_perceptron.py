import numpy as np
import pytest

from minigrad import Tensor
from minigrad.engine import random
from models.perceptron import Perceptron

SUNNY = {"in_features": 3, "weights": [0.6, 0.3, -0.4], "bias": 0.2}


def test_the_score_is_the_weighted_sum_plus_the_bias():
    neuron = Perceptron(**SUNNY, activation="identity")
    np.testing.assert_allclose(
        neuron(Tensor([[1, 1, 1], [1, 0, 0], [0, 0, 1]])).data, [[0.7], [0.8], [-0.2]], atol=1e-6
    )


@pytest.mark.parametrize(
    ("activation", "function"),
    [("relu", lambda z: max(z, 0)), ("sigmoid", lambda z: 1 / (1 + np.exp(-z))), ("tanh", np.tanh)],
)
def test_the_activation_is_applied_to_the_sum(activation, function):
    neuron = Perceptron(**SUNNY, activation=activation)
    for row, z in (([1, 1, 1], 0.7), ([0, 0, 1], -0.2)):
        assert neuron(Tensor([row])).item() == pytest.approx(function(z), rel=1e-5)


def test_it_answers_yes_above_the_threshold_and_not_at_it():
    neuron = Perceptron(2, "identity", threshold=0.5, weights=[1, 1], bias=0)
    np.testing.assert_array_equal(neuron.decide(Tensor([[0.25, 0.25], [0.25, 0.5], [0, 0]])), [False, True, False])


def test_weights_and_bias_that_are_not_given_are_drawn_by_the_seed():
    def drawn(seed):
        random.seed(seed)
        return Perceptron(4).sum.weight.data.tobytes()

    assert drawn(0) == drawn(0) != drawn(1)


def test_a_weight_too_few_is_refused():
    with pytest.raises(ValueError, match="one weight for each of 3 inputs, got 2"):
        Perceptron(3, weights=[1, 2])
