import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import GRU, LSTM, RNN, Module
from minigrad.ops.lstm import lstms

RANDOM = np.random.default_rng(0)
KINDS = pytest.mark.parametrize("kind", [RNN, LSTM, GRU])


class Outputs(Module):
    """A recurrent layer without its last state."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def outputs(layer, x):
    return layer(Tensor(x.astype(np.float32)))[0].data


@KINDS
def test_gradients_are_those_of_finite_differences(kind):
    check_gradients(Outputs(kind(2, 2)), RANDOM.normal(size=(3, 2, 2)))


@KINDS
def test_a_step_sees_what_came_before_and_nothing_later(kind):
    layer, x = kind(3, 4), RANDOM.normal(size=(6, 1, 3))
    changed = x.copy()
    changed[3] += 1
    before, after = outputs(layer, x), outputs(layer, changed)
    np.testing.assert_array_equal(before[:3], after[:3])
    assert (before[3:] != after[3:]).all()


@KINDS
def test_the_second_direction_is_the_same_network_read_from_the_end(kind):
    layer, x = kind(3, 4, bidirectional=True), RANDOM.normal(size=(5, 2, 3))
    state = layer.state_dict()
    layer.load_state_dict({name: state[name.removesuffix("_reverse")] for name in state})
    out = outputs(layer, x)
    np.testing.assert_allclose(out[..., 4:], outputs(layer, x[::-1])[::-1][..., :4], rtol=1e-5)


@KINDS
def test_a_sequence_in_two_parts_gives_what_it_gives_in_one(kind):
    layer, x = kind(3, 4, num_layers=2), Tensor(RANDOM.normal(size=(5, 2, 3)).astype(np.float32))
    first, state = layer(x[:2])
    second, _ = layer(x[2:], state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), layer(x)[0].data, rtol=1e-5, atol=1e-7)


def test_dropout_between_layers_is_for_training_alone():
    layer, x = LSTM(3, 4, num_layers=2, dropout=0.5), RANDOM.normal(size=(5, 2, 3))
    assert (outputs(layer, x) != outputs(layer, x)).any()
    layer.eval()
    np.testing.assert_array_equal(outputs(layer, x), outputs(layer, x))


@KINDS
def test_shapes_that_do_not_fit_are_refused(kind):
    with pytest.raises(ValueError, match=rf"^{kind.__name__}: expected \(L, N, 3\) or \(L, 3\), got \(5, 2, 4\)"):
        kind(3, 4)(Tensor(np.zeros((5, 2, 4), np.float32)))
    with pytest.raises(ValueError, match=r"expected \(N, L, 3\) or \(L, 3\), got \(3,\)"):
        kind(3, 4, batch_first=True)(Tensor(np.zeros(3, np.float32)))
    wrong = Tensor(np.zeros((1, 3, 4), np.float32))
    with pytest.raises(ValueError, match=r"expected a first state of shape \(1, 2, 4\), got \(1, 3, 4\)"):
        kind(3, 4)(Tensor(np.zeros((5, 2, 3), np.float32)), (wrong, wrong) if kind is LSTM else wrong)


@KINDS
def test_a_sequence_without_steps_is_refused(kind):
    with pytest.raises(ValueError, match="has no steps"):
        kind(3, 4)(Tensor(np.zeros((0, 2, 3), np.float32)))


@pytest.mark.parametrize("name", ["input_size", "hidden_size", "num_layers"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        GRU(**{"input_size": 2, "hidden_size": 2, name: 0})


def test_an_unknown_nonlinearity_is_refused():
    with pytest.raises(ValueError, match="nonlinearity must be 'tanh' or 'relu', got 'gelu'"):
        RNN(2, 2, nonlinearity="gelu")


def test_the_text_of_a_layer_shows_its_sizes():
    assert repr(LSTM(3, 4, 2)) == "LSTM(3, 4, num_layers=2, batch_first=False)"


@KINDS
def test_a_dropout_that_does_nothing_is_said(kind):
    with pytest.warns(UserWarning, match=rf"{kind.__name__}: dropout=0.5 does nothing with num_layers=1"):
        kind(3, 4, dropout=0.5)


@KINDS
def test_a_dropout_between_layers_is_taken_without_a_word(kind):
    assert kind(3, 4, num_layers=2, dropout=0.5).between.p == 0.5


def test_networks_of_other_sizes_take_no_steps_together():
    def network(inputs, hidden):
        state = np.zeros((2, hidden))
        return np.zeros((3, 2, inputs)), state, state, np.zeros((4 * hidden, inputs)), np.zeros((4 * hidden, hidden))

    with pytest.raises(ValueError, match="of one size"):
        lstms([network(3, 4), network(3, 5)])
