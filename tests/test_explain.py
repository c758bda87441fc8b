import re

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn


@pytest.fixture
def layer() -> nn.Linear:
    layer = nn.Linear(5, 2)
    layer.weight.data[:] = [[0.5, 0.5, 0.5, 0.5, 0.5], [0.1, 0, 0.3, -0.1, 0.9]]
    layer.bias.data[:] = [0, 3]
    return layer


X = [1, 2, -5, 3, 0]


def columns(table: str, row: str) -> list[float]:
    """The numbers of the row with this label."""
    [line] = [line for line in table.splitlines() if line.strip().startswith(row)]
    return [float(cell) for cell in line.strip().removeprefix(row).split()]


def test_the_table_shows_each_product_the_running_total_the_bias_and_the_result(layer):
    assert minigrad.explain(layer, X, neuron=1).splitlines() == [
        " input  activation  × weight  = product  total",
        "     0           1       0.1        0.1    0.1",
        "     1           2       0.0        0.0    0.1",
        "     2          -5       0.3       -1.5   -1.4",
        "     3           3      -0.1       -0.3   -1.7",
        "     4           0       0.9        0.0   -1.7",
        "  bias                              3.0    1.3",
        "result                                     1.3",
    ]


def test_without_a_bias_there_is_no_row_of_it():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data[:] = [2, 3]
    table = minigrad.explain(layer, [1, 1])
    assert "bias" not in table
    assert columns(table, "result") == [5]


def test_inputs_go_by_their_names(layer):
    table = minigrad.explain(layer, X, neuron=1, names=["a", "b", "c", "d", "e"])
    assert columns(table, "c") == [-5, 0.3, -1.5, -1.4]


@pytest.mark.parametrize("x", [Tensor(X), np.array(X), np.array(X, np.float64), tuple(X)])
def test_the_input_may_be_a_tensor_an_array_or_a_list(layer, x):
    assert minigrad.explain(layer, x) == minigrad.explain(layer, X)


def test_a_switch_that_is_on_or_off_is_an_activation():
    assert columns(minigrad.explain(nn.Linear(2, 1), [True, False]), "0")[0] == 1


def test_a_wide_layer_shows_its_largest_products_in_order_and_the_sum_of_the_others(layer):
    table = minigrad.explain(layer, X, neuron=1, max_rows=2)
    assert re.findall(r"^ *(\d others|\S+)", table, re.MULTILINE) == ["input", "2", "3", "3 others", "bias", "result"]
    assert columns(table, "3 others") == [0.1, -1.7]
    assert columns(table, "result") == [1.3]


def test_the_result_is_what_the_layer_computes():
    minigrad.seed(0)
    layer = nn.Linear(784, 10)
    x = np.random.default_rng(0).random(784, np.float32)
    for neuron in range(10):
        table = minigrad.explain(layer, x, neuron)
        assert len(table.splitlines()) == 1 + 20 + 3
        assert columns(table, "result")[0] == pytest.approx(layer(Tensor(x)).data[neuron], abs=1e-3)


def test_a_column_has_four_digits_of_its_largest_number():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data[:] = [123.456, 0.001]
    assert columns(minigrad.explain(layer, [1e-6, 1]), "0") == [0, 123.5, 0.000123, 0.000123]
    assert columns(minigrad.explain(layer, [1e9, 1]), "result")[0] == pytest.approx(123.456e9)


def test_what_is_not_finite_is_always_among_the_rows_shown():
    layer = nn.Linear(30, 1)
    x = np.ones(30)
    x[[7, 19]] = np.nan, np.inf
    layer.weight.data[0, 19] = 0
    table = minigrad.explain(layer, x, max_rows=2)
    assert "nan" in next(line for line in table.splitlines() if line.strip().startswith("7 "))
    assert np.isnan(columns(table, "19")[1:]).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (([1, 2],), ValueError, r"expected one input of shape \(5,\), got \(2,\)$"),
        ((np.zeros((3, 5)),), ValueError, r"expected one input of shape \(5,\), got \(3, 5\); x\[0\] is the first"),
        ((3.0,), ValueError, r"expected one input of shape \(5,\), got \(\)"),
        ((["a", "b", "c", "d", "e"],), ValueError, "expected an input of real numbers, got <U1"),
        ((X, 2), IndexError, "expected a neuron from 0 to 1, got 2"),
        ((X, -1), IndexError, "expected a neuron from 0 to 1, got -1"),
        ((X, 0, ["a"]), ValueError, "expected one name for each of 5 inputs, got 1"),
        ((X, 0, (), 0), ValueError, "max_rows must be at least 1, got 0"),
    ],
)
def test_a_wrong_argument_is_refused_in_a_sentence(layer, arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        minigrad.explain(layer, *arguments)


def test_a_model_is_refused_and_its_layers_are_pointed_at():
    with pytest.raises(TypeError, match="takes a Linear layer, got Sequential; that of a model is one of its"):
        minigrad.explain(nn.Sequential(nn.Linear(2, 1)), [1, 2])
