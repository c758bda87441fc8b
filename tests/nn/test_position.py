import numpy as np
import pytest

from minigrad import Tensor, check_gradients
from minigrad.engine import random
from minigrad.nn import LearnedPositionalEmbedding, PositionalEncoding, RotaryEmbedding

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("embed_dim", [1, 6, 7])
def test_places_have_sines_and_cosines_of_longer_and_longer_waves(embed_dim):
    table = PositionalEncoding(embed_dim)(Tensor(np.zeros((2, 50, embed_dim)))).data
    for place in (0, 1, 49):
        for i in range(embed_dim):
            angle = place / 10000 ** (2 * (i // 2) / embed_dim)
            expected = np.cos(angle) if i % 2 else np.sin(angle)
            np.testing.assert_allclose(table[:, place, i], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("layer", [PositionalEncoding(6), LearnedPositionalEmbedding(9, 6), RotaryEmbedding(6)])
def test_a_sequence_may_begin_at_a_later_place(layer):
    x = RANDOM.normal(size=(2, 9, 6)).astype(np.float32)
    np.testing.assert_array_equal(layer(Tensor(x[:, 4:]), 4).data, layer(Tensor(x)).data[:, 4:])


@pytest.mark.parametrize("layer", [PositionalEncoding(4), LearnedPositionalEmbedding(5, 4), RotaryEmbedding(4)])
def test_gradients_are_right_to_second_order(layer):
    check_gradients(layer, RANDOM.normal(size=(2, 3, 4)))


def test_learned_vectors_are_added():
    random.seed(0)
    layer = LearnedPositionalEmbedding(200, 30)
    x = RANDOM.normal(size=(2, 5, 30)).astype(np.float32)
    np.testing.assert_allclose(layer(Tensor(x)).data, x + layer.weight.data[:5])
    np.testing.assert_allclose(layer.weight.data.std(), 0.02, rtol=0.05)


def test_pairs_turn_like_complex_numbers():
    x = RANDOM.normal(size=(2, 5, 6))
    turned = RotaryEmbedding(6, base=100.0)(Tensor(x)).data
    angles = np.arange(5)[:, None] * 100.0 ** (-np.arange(0, 6, 2) / 6)
    expected = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angles)
    np.testing.assert_allclose(turned[..., 0::2] + 1j * turned[..., 1::2], expected, rtol=1e-12)


def test_products_of_turned_vectors_tell_the_distance_alone():
    rotary = RotaryEmbedding(4)
    query, key = RANDOM.normal(size=(2, 1, 4))
    products = [(rotary(Tensor(query), 7 + p).data * rotary(Tensor(key), p).data).sum() for p in range(5)]
    np.testing.assert_allclose(products, products[0], rtol=1e-12)


def test_elements_are_dropped_in_training_alone():
    random.seed(0)
    layer = PositionalEncoding(6, dropout=0.5)
    x = Tensor(np.ones((2, 3, 6), np.float32))
    assert np.any(layer(x).data == 0)
    assert np.all(layer.eval()(x).data[:, 0] >= 1)


def test_a_sequence_that_goes_beyond_the_last_place_is_refused():
    with pytest.raises(ValueError, match="there are vectors for 8 places, and the sequence goes on to place 9"):
        LearnedPositionalEmbedding(8, 2)(Tensor(np.zeros((1, 3, 2))), offset=6)


@pytest.mark.parametrize("layer", [PositionalEncoding(4), LearnedPositionalEmbedding(5, 4), RotaryEmbedding(4)])
def test_vectors_of_another_length_are_refused(layer):
    with pytest.raises(ValueError, match=r"expected \(..., L, 4\), got \(2, 3\)"):
        layer(Tensor(np.zeros((2, 3))))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PositionalEncoding(0), "embed_dim must be at least 1, got 0"),
        (lambda: LearnedPositionalEmbedding(0, 3), "max_len must be at least 1, got 0"),
        (lambda: RotaryEmbedding(3), "dim must be even, as pairs are turned, and at least 2, got 3"),
        (lambda: RotaryEmbedding(4, base=0), "base must be above 0, got 0"),
    ],
)
def test_sizes_that_cannot_be_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_text_tells_sizes():
    assert [repr(layer) for layer in (PositionalEncoding(4), LearnedPositionalEmbedding(5, 4), RotaryEmbedding(4))] == [
        "PositionalEncoding(\n  4\n  (dropout): Dropout(p=0.0)\n)",
        "LearnedPositionalEmbedding(5, 4)",
        "RotaryEmbedding(4, base=10000)",
    ]
