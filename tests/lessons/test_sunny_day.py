import numpy as np
import pytest

from docs.lessons.sunny_day import (
    CIRCLES,
    INITIALISATIONS,
    LINE,
    WIDTH,
    experiment,
    learning,
    probability,
    sizes,
)
from minigrad import Tensor, explain, nn, ops

TABLE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
ANSWERS = [0, 1, 1, 0]


def test_the_given_weights_score_0_7_and_say_sunny_day():
    given = ("model.activation=identity", "model.weights=[0.6, 0.3, -0.4]", "model.bias=0.2")
    neuron = experiment("sunny_day", given).model
    np.testing.assert_allclose(neuron.sum.weight.data, [[0.6, 0.3, -0.4]], rtol=1e-6)
    assert neuron.sum.bias.item() == pytest.approx(0.2)
    assert neuron(Tensor([[1, 1, 1]])).item() == pytest.approx(0.7)
    assert neuron.threshold == 0.5
    assert neuron.decide(Tensor([[1, 1, 1]])).tolist() == [True]
    assert explain(neuron.sum, [1, 1, 1]).splitlines()[-1].split() == ["result", "0.7"]


def test_from_random_weights_the_neuron_finds_the_boundary_that_the_days_were_divided_by():
    run = experiment("sunny_day")
    assert run.fit()["test/accuracy"] > 0.94
    weights, bias = run.model.sum.weight.data[0], run.model.sum.bias.item()
    found, true = np.append(weights, bias), np.array([0.6, 0.3, -0.4, 0.2 - 0.5])
    assert found @ true / np.linalg.norm(found) / np.linalg.norm(true) > 0.99


def test_while_it_learns_the_boundary_turns_and_the_answers_get_better():
    snapshots = learning((0, 10, 380))
    assert [snapshot.step for snapshot in snapshots] == [0, 10, 380]
    assert snapshots[0].accuracy < 0.5 < snapshots[1].accuracy < 0.95 < snapshots[2].accuracy
    directions = [snapshot.weights / np.linalg.norm(snapshot.weights) for snapshot in snapshots]
    assert directions[0] @ directions[2] < directions[1] @ directions[2] < 1


def test_the_sigmoid_is_above_one_half_where_the_sum_is_above_0():
    neuron = experiment("sunny_day").model
    days = Tensor(np.random.default_rng(0).uniform(-3, 3, (1000, 3)).astype(np.float32))
    np.testing.assert_array_equal(neuron.decide(days), neuron.sum(days).data[:, 0] > 0)


def test_relu_leaves_what_is_above_0():
    assert ops.relu(np.array([-2, -1, 0, 2])).tolist() == [0, 0, 0, 2]


def test_a_bias_of_minus_10_silences_sums_up_to_10():
    neuron = nn.Linear(3, 1)
    neuron.weight.data[:], neuron.bias.data[:] = 1, -10
    active = ops.relu(neuron(Tensor([[3, 3, 3], [3, 3, 4], [4, 4, 4]]))).data[:, 0]
    assert active.tolist() == [0, 0, 2]


def test_a_line_gives_all_of_xor_the_same_answer_and_a_hidden_layer_tells_them_apart():
    line, bent = experiment("xor", LINE), experiment("xor")
    assert line.fit()["test/accuracy"] <= 0.75
    np.testing.assert_allclose(probability(line.model, TABLE), 0.5, atol=0.02)
    assert bent.fit()["test/accuracy"] == 1
    np.testing.assert_allclose(probability(bent.model, TABLE), ANSWERS, atol=0.05)


def test_the_four_sums_of_a_line_balance_for_any_weights():
    drawn = np.random.default_rng(0).normal(size=(100, 3))
    f = drawn @ np.column_stack([TABLE, np.ones(4)]).T
    np.testing.assert_allclose(f[:, 0] + f[:, 3], f[:, 1] + f[:, 2])


def test_two_hidden_neurons_are_enough_for_xor():
    total = TABLE.sum(axis=1)
    assert (ops.relu(total) - 2 * ops.relu(total - 1)).tolist() == ANSWERS


def test_a_line_does_not_divide_circles_and_a_hidden_layer_does():
    assert experiment("xor", CIRCLES + LINE).fit()["test/accuracy"] < 0.7
    assert experiment("xor", CIRCLES).fit()["test/accuracy"] > 0.95


def test_a_die_has_the_expectation_3_5_and_the_variance_2_92():
    faces = np.arange(1, 7)
    assert faces.mean() == 3.5
    assert faces.var() == pytest.approx(35 / 12)
    assert round(faces.var(), 2) == 2.92


@pytest.mark.parametrize("std", INITIALISATIONS.values(), ids=INITIALISATIONS)
def test_activations_grow_in_each_layer_by_the_factor_that_the_variance_of_the_weights_gives(std):
    found = np.array(sizes(std))
    assert len(found) == 11
    assert found[0] == pytest.approx(1, rel=0.01)
    np.testing.assert_allclose(found[1:] / found[:-1], std * np.sqrt(WIDTH / 2), rtol=0.15)


def test_of_three_initialisations_one_vanishes_one_stays_and_one_explodes():
    small, kept, large = (sizes(std)[-1] for std in INITIALISATIONS.values())
    assert small < 1e-9
    assert 0.5 < kept < 2
    assert large > 1e9


def test_the_width_that_stays_is_that_of_kaiming():
    layer = nn.Linear(WIDTH, WIDTH)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.weight.data.std() == pytest.approx(list(INITIALISATIONS.values())[1], rel=0.02)
