import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import Embedding


def test_each_number_stands_for_its_row():
    layer = Embedding(5, 3)
    numbers = np.array([[0, 4], [4, 2]])
    np.testing.assert_array_equal(layer(Tensor(numbers)).data, layer.weight.data[numbers])


def test_a_row_gets_the_sum_of_the_gradients_of_all_its_places():
    layer = Embedding(5, 3)
    numbers = np.array([[0, 4], [4, 2]])
    g = np.random.default_rng(0).normal(size=(2, 2, 3)).astype(np.float32)
    layer(Tensor(numbers)).backward(g)
    expected = np.zeros((5, 3), np.float32)
    np.add.at(expected, numbers, g)
    np.testing.assert_allclose(layer.weight.grad, expected, rtol=1e-6)


def test_padding_begins_at_zero_and_stays():
    layer = Embedding(5, 3, padding_idx=-1)
    assert not layer.weight.data[4].any()
    layer(Tensor(np.array([4, 1, 4]))).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad, np.eye(5, dtype=np.float32)[1][:, None] * np.ones(3))


def test_what_is_no_number_of_a_row_is_refused():
    layer = Embedding(5, 3)
    with pytest.raises(IndexError, match="there are vectors for 0 to 4, got 7"):
        layer(Tensor(np.array([1, 7])))
    with pytest.raises(IndexError, match="got -1"):
        layer(Tensor(np.array([-1])))
    with pytest.raises(TypeError, match="expected integers, the numbers of vectors, got float32"):
        layer(Tensor([1.0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "num_embeddings must be at least 1, got 0"),
        ((3, 0), "embedding_dim must be at least 1, got 0"),
        ((3, 2, 3), "padding_idx must be within the 3 numbers, got 3"),
    ],
)
def test_sizes_that_make_no_layer_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Embedding(*arguments)


def test_no_numbers_have_no_vectors():
    out = Embedding(5, 3)(Tensor(np.zeros((0, 2), np.int64)))
    assert out.shape == (0, 2, 3)
    out.sum().backward()


def test_the_text_of_a_layer_shows_its_sizes():
    assert repr(Embedding(5, 3)) == "Embedding(5, 3)"
    assert repr(Embedding(5, 3, padding_idx=-1)) == "Embedding(5, 3, padding_idx=4)"
