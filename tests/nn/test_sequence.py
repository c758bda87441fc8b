"""The last output of recurrent layers."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.engine import random
from minigrad.nn import GRU, LSTM, RNN, Flatten, LastOutput, Linear, Sequential

X = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)  # (N, L, inputs)


@pytest.fixture(params=[RNN, LSTM, GRU])
def kind(request):
    random.seed(0)
    return request.param


def test_it_is_what_the_layer_returns_after_the_last_step(kind):
    layer = kind(2, 4, num_layers=2, batch_first=True)
    outputs, _ = layer(Tensor(X))
    np.testing.assert_array_equal(Sequential(layer, LastOutput())(Tensor(X)).data, outputs.data[:, -1])


def test_it_needs_not_know_which_axis_is_the_batch(kind):
    layer = kind(2, 4)
    x = X.swapaxes(0, 1)
    np.testing.assert_array_equal(LastOutput()(layer(Tensor(x))).data, layer(Tensor(x))[0].data[-1])


def test_each_of_two_directions_ends_at_its_own_end(kind):
    layer = kind(2, 4, batch_first=True, bidirectional=True)
    outputs = layer(Tensor(X))[0].data
    expected = np.concatenate([outputs[:, -1, :4], outputs[:, 0, 4:]], axis=1)
    np.testing.assert_array_equal(LastOutput()(layer(Tensor(X))).data, expected)


def test_one_sequence_needs_no_batch(kind):
    layer = kind(2, 4)
    np.testing.assert_array_equal(LastOutput()(layer(Tensor(X[0]))).data, layer(Tensor(X[0]))[0].data[-1])


def test_anything_else_is_refused_with_what_belongs_there():
    with pytest.raises(TypeError, match="takes what RNN, LSTM or GRU returns, outputs and state, got Tensor"):
        LastOutput()(Tensor(X))


@pytest.mark.parametrize("follower", [Flatten(), Linear(4, 1)])
def test_a_layer_that_cannot_take_outputs_and_state_names_the_one_that_can(kind, follower):
    with pytest.raises(
        TypeError, match=r"expected a tensor, got a tuple.* In a Sequential put LastOutput between them"
    ):
        Sequential(kind(2, 4, batch_first=True), follower)(Tensor(X))
