import numpy as np
import pytest

from minigrad import Tensor
from minigrad.engine import random
from models.mlp import MLP

ACTIVATIONS = {"relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_mlp_is_matrix_products_with_an_activation_between_them(activation):
    random.seed(0)
    model = MLP([3, 5, 4, 2], activation)
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    expected = x
    for i, layer in enumerate(model.layers):
        expected = expected @ layer.weight.data.T + layer.bias.data
        if i < 2:
            expected = ACTIVATIONS[activation](expected)
    np.testing.assert_allclose(model(Tensor(x)).data, expected, rtol=1e-5, atol=1e-6)


def test_images_are_taken_row_by_row():
    random.seed(0)
    model = MLP([12, 2])
    x = np.random.default_rng(0).normal(size=(5, 1, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(model(Tensor(x)).data, model(Tensor(x.reshape(5, 12))).data)


def test_dropout_silences_hidden_neurons_in_training_alone():
    random.seed(0)
    model = MLP([3, 50, 2], dropout=0.5)
    x = Tensor(np.ones((1, 3), np.float32))
    assert not np.array_equal(model(x).data, model(x).data)
    model.eval()
    np.testing.assert_array_equal(model(x).data, model(x).data)


def test_fewer_than_two_sizes_are_no_network():
    with pytest.raises(ValueError, match=r"inputs and the outputs, got \[3\]"):
        MLP([3])
