import numpy as np
import pytest

import minigrad
from minigrad import Tensor, check_gradients
from minigrad.engine import random
from minigrad.nn import CrossEntropyLoss
from models.tabular_mlp import TabularMLP


def rows(n=6):
    generator = np.random.default_rng(0)
    codes = [generator.integers(0, size, n) for size in (4, 3)]
    return np.column_stack([generator.normal(size=(n, 2)), *codes]).astype(np.float32)


@pytest.fixture
def model():
    random.seed(0)
    return TabularMLP(2, [4, 3], [5], 2)


def test_it_is_an_mlp_over_the_numbers_and_a_vector_for_each_category(model):
    x = rows()
    numbers, codes = x[:, :2], x[:, 2:].astype(int)
    vectors = [embedding.weight.data[codes[:, i]] for i, embedding in enumerate(model.embeddings)]
    first, last = model.layers
    hidden = np.maximum(np.hstack([numbers, *vectors]) @ first.weight.data.T + first.bias.data, 0)
    np.testing.assert_allclose(
        model(Tensor(x)).data, hidden @ last.weight.data.T + last.bias.data, rtol=1e-5, atol=1e-6
    )
    assert [embedding.embedding_dim for embedding in model.embeddings] == [2, 2]


def test_a_category_that_training_does_not_have_adds_nothing(model):
    x = rows()
    x[:, 2:] = 0
    before = model(Tensor(x)).data
    for embedding in model.embeddings:
        embedding.weight.data[1:] += 1
    np.testing.assert_array_equal(model(Tensor(x)).data, before)
    assert all(not embedding.weight.data[0].any() for embedding in model.embeddings)


def test_its_gradients_are_those_of_finite_differences(model):
    loss = CrossEntropyLoss()
    for parameter in model.parameters():
        parameter.data = parameter.data.astype(np.float64)
    x = rows().astype(np.float64)
    codes = x[:, 2:].copy()
    outputs = lambda numbers: loss(
        model(minigrad.ops.concatenate([numbers, Tensor(codes)], axis=1)), Tensor(np.array([0, 1, 0, 1, 1, 0]))
    )
    check_gradients(outputs, Tensor(x[:, :2].copy(), requires_grad=True))


def test_numbers_alone_and_categories_alone_will_do():
    x = rows()
    assert TabularMLP(2, [], [3], 1)(Tensor(x[:, :2])).shape == (6, 1)
    assert TabularMLP(0, [4, 3], [], 2, width=1)(Tensor(x[:, 2:])).shape == (6, 2)
    with pytest.raises(ValueError, match="at least one input"):
        TabularMLP(0, [], [3], 1)
