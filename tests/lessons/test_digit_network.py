import math
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from docs.lessons import digit_network
from docs.lessons.digit_network import CONFIGS, mean_by_class, mistakes, most_selective, strongest_region, sums, typical
from minigrad import nn
from minigrad.config import load_plan
from minigrad.data import Examples
from minigrad.nn.summary import summary
from minigrad.training.experiment import Experiment, known_classes

_HOME = os.environ.get("MINIGRAD_DATA")
needs_mnist = pytest.mark.skipif(
    not _HOME or not Path(_HOME, "mnist").is_dir(), reason="needs the MNIST files in $MINIGRAD_DATA/mnist"
)


@pytest.fixture(scope="module")
def page(read_page):
    return read_page("4_784_16_10.md")


@pytest.fixture
def model():
    return load_plan(CONFIGS / "mnist_16.yaml", Experiment, known_classes()).build("model")


@pytest.fixture
def examples():
    rng = np.random.default_rng(0)
    return Examples(rng.random((200, 12), np.float32), np.eye(10, dtype=np.float32)[rng.integers(0, 10, 200)])


def parameters(model):
    named = dict(model.named_parameters())
    return [sum(p.size for name, p in named.items() if name.endswith(kind)) for kind in ("weight", "bias")]


def test_the_network_has_12704_weights_and_26_biases(model, page):
    assert parameters(model) == [12_704, 26]
    assert page.names["count"](784, 16, 10) == ([12_544, 160], (16, 10), 12_730)


def test_with_728_inputs_it_would_have_11808_weights_and_26_biases(page):
    assert parameters(nn.Sequential(nn.Linear(728, 16), nn.Linear(16, 10))) == [11_808, 26]
    assert page.names["count"](728, 16, 10) == ([11_648, 160], (16, 10), 11_834)


def test_check_shows_the_table_of_the_page(model, page):
    table = summary(model, np.zeros((32, 784), np.float32))
    assert "\n".join(line.rstrip() for line in table.splitlines()) in page.text


def test_the_small_network_gives_0_83546_by_loops_by_matrices_and_by_layers(page):
    small, x = page.names["small"], page.names["x"]
    hidden = [1 / (1 + math.exp(-(weight * (1.5 + 2.0 + 3.0) + 0.8))) for weight in (0.2, 0.4, 0.6)]
    closed_form = 1 / (1 + math.exp(-(0.5 * sum(hidden) + 0.2)))
    assert closed_form == pytest.approx(0.83546, abs=5e-6)
    for forward in (page.names["by_loops"], page.names["by_matrices"]):
        assert forward(small, x) == pytest.approx([closed_form], rel=1e-12)
    layers = nn.Sequential(nn.Linear(3, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid()).to(np.float64)
    for layer, (weights, biases) in zip((layers[0], layers[2]), small, strict=True):
        layer.load_state_dict({"weight": weights, "bias": biases})
    assert layers(x[np.newaxis]).data == pytest.approx(closed_form)


@pytest.mark.parametrize("sizes", [(1, 1), (5, 3), (784, 16, 10), (4, 7, 6, 2)])
def test_loops_and_matrices_agree_on_any_network(page, sizes):
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise(sizes)]
    images = rng.random((3, sizes[0]))
    looped = [page.names["by_loops"](layers, image) for image in images]
    np.testing.assert_allclose(page.names["by_matrices"](layers, images), looped, rtol=1e-9)


def test_sums_are_those_of_the_layer(examples):
    for bias in (True, False):
        layer = nn.Linear(12, 5, bias=bias)
        expected = examples.inputs @ layer.weight.data.T + (layer.bias.data if bias else 0)
        np.testing.assert_allclose(sums(layer, examples.inputs), expected, rtol=1e-5, atol=1e-6)


def test_answers_are_averaged_over_the_examples_of_each_digit(examples):
    labels = examples.targets.argmax(axis=1)
    means = mean_by_class(examples.inputs, examples)
    for digit in range(10):
        np.testing.assert_allclose(means[digit], np.mean(examples.inputs[labels == digit], axis=0), rtol=1e-5)
    np.testing.assert_allclose(mean_by_class(examples.inputs[:, 0], examples), means[:, 0], rtol=1e-5)


def test_the_most_selective_node_leads_at_one_digit_by_most():
    answers = np.array([[0.9, 0.0, 0.5], [0.8, 0.6, 0.5], [0.1, 0.1, 0.5]])
    assert most_selective(answers) == 1


def test_a_typical_example_is_the_median_of_its_digit(examples):
    values = np.random.default_rng(1).normal(size=len(examples))
    for digit in range(10):
        members = examples.targets[:, digit] == 1
        chosen = typical(values, examples, digit)
        assert members[chosen]
        assert values[chosen] == np.quantile(values[members], 0.5, method="higher")


def test_the_strongest_region_is_the_rectangle_with_the_largest_weights():
    weights = np.random.default_rng(0).normal(size=(9, 7))
    inside = strongest_region(weights, (3, 4))
    rectangles = [np.abs(weights[i : i + 3, j : j + 4]).sum() for i in range(7) for j in range(4)]
    rows, columns = np.nonzero(inside)
    assert (inside.sum(), np.ptp(rows), np.ptp(columns)) == (12, 2, 3)
    assert np.abs(weights[inside]).sum() == pytest.approx(max(rectangles))


def test_outside_its_region_a_node_sees_nothing(page):
    weights, region, one, other = (page.names[name] for name in ("weights", "region", "one", "other"))
    assert np.sum(weights * region * one) == pytest.approx(np.sum(weights * region * other), rel=1e-12)
    assert abs(np.sum(weights * one) - np.sum(weights * other)) > 1


@needs_mnist
@pytest.mark.slow
def test_a_node_of_the_trained_network_still_answers_to_its_digit_with_the_weights_of_one_region():
    experiment = digit_network.trained()
    layer, val = experiment.model[0], experiment.data.val
    answers = mean_by_class(1 / (1 + np.exp(-sums(layer, val.inputs))), val)
    assert answers.shape == (10, 16)
    node = most_selective(answers)
    weights = layer.weight.data[node]
    inside = strongest_region(weights.reshape(28, 28)).ravel()
    assert inside.sum() == 64
    for kept in (weights, weights * inside):
        by_digit = mean_by_class(val.inputs @ kept, val)
        assert by_digit.argmax() == answers[:, node].argmax()


@needs_mnist
@pytest.mark.slow
def test_sixteen_hidden_nodes_make_far_fewer_mistakes_than_four():
    (few, wrong), (many, better) = mistakes(4), mistakes(16)
    assert (few, many) == (3_190, 12_730)
    assert 0.1 < wrong < 0.3
    assert better < 0.08
