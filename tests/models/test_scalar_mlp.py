import pytest

from minigrad.data import Moons
from minigrad.engine import random
from minigrad.scalar import Scalar
from models.scalar_mlp import Layer, Network, Neuron, accuracy, descend, objective, signs


@pytest.fixture(autouse=True)
def _seeded():
    random.seed(0)


def test_a_neuron_is_the_activation_of_a_weighted_sum():
    neuron = Neuron(2, Scalar.tanh)
    neuron.weights = [Scalar(0.5), Scalar(-2.0)]
    neuron.bias = Scalar(1.0)
    assert neuron([Scalar(3.0), Scalar(1.0)]) == Scalar(0.5 * 3 - 2 + 1).tanh()


def test_weights_begin_between_minus_one_and_one_and_differ():
    weights = [w.data for neuron in Layer(10, 10).neurons for w in neuron.weights]
    assert len(set(weights)) == 100
    assert -1 <= min(weights) < -0.8 < 0.8 < max(weights) <= 1


def test_a_network_has_a_weight_for_each_connection_and_a_bias_for_each_neuron():
    assert len(Network(2, 16, 16, 1).parameters()) == (2 * 16 + 16) + (16 * 16 + 16) + (16 + 1)


def test_the_last_layer_has_no_activation():
    network = Network(1, 3)
    for neuron in network.layers[0].neurons:
        neuron.weights = [Scalar(-1.0)]
    assert network([2.0]) == [-2.0, -2.0, -2.0]


def test_the_objective_is_the_mean_hinge_and_the_weight_decay():
    network = Network(1, 1)
    network.layers[0].neurons[0].weights = [Scalar(0.5)]
    loss = objective(network, [[1.0], [4.0], [-1.0]], [1, 1, 1])
    assert loss.data == pytest.approx((0.5 + 0 + 1.5) / 3 + 1e-4 * 0.25, rel=1e-14)


def test_gradient_descent_separates_two_moons():
    data = Moons(n_samples=60, noise=0.05)
    network = Network(2, 8, 8, 1)
    points, labels = data.train.inputs.tolist(), signs(data.train)
    first = objective(network, points, labels)
    for step in range(80):
        descend(network.parameters(), objective(network, points, labels), lr=1 - 0.01 * step)
    assert objective(network, points, labels) < 0.1 * first
    assert accuracy(network, data.train) > 0.95
