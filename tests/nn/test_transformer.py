import numpy as np
import pytest

from minigrad import Tensor, check_gradients
from minigrad.engine import random
from minigrad.nn import (
    LayerNorm,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

RANDOM = np.random.default_rng(0)
SIZES = {"d_model": 4, "nhead": 2, "dim_feedforward": 6, "dropout": 0.0}


@pytest.mark.parametrize("norm_first", [False, True])
def test_gradients_are_right_to_second_order(norm_first):
    random.seed(0)
    sizes = {"d_model": 2, "nhead": 1, "dim_feedforward": 3, "dropout": 0.0, "norm_first": norm_first}
    check_gradients(TransformerEncoderLayer(**sizes, activation="gelu"), RANDOM.normal(size=(1, 3, 2)))
    inputs = RANDOM.normal(size=(1, 3, 2)), RANDOM.normal(size=(1, 2, 2))
    check_gradients(TransformerDecoderLayer(**sizes, activation="gelu"), *inputs)


def test_a_stack_is_its_layers_one_after_the_other_and_the_norm():
    stack = TransformerEncoder(TransformerEncoderLayer(**SIZES), 2, LayerNorm(4))
    x = Tensor(RANDOM.normal(size=(2, 3, 4)).astype(np.float32))
    first, second = stack.layers
    np.testing.assert_array_equal(stack(x).data, stack.norm(second(first(x))).data)


def test_layers_of_a_stack_begin_differently_and_learn_apart():
    layer = TransformerDecoderLayer(**SIZES)
    stack = TransformerDecoder(layer, 2)
    first, second = (one.state_dict() for one in stack.layers)
    assert not any(np.array_equal(first[name], second[name]) for name in first if first[name].ndim > 1)
    assert not {id(p) for p in layer.parameters()} & {id(p) for p in stack.parameters()}


def test_a_causal_stack_looks_at_nothing_later():
    stack = TransformerEncoder(TransformerEncoderLayer(**SIZES), 2)
    x = RANDOM.normal(size=(2, 5, 4)).astype(np.float32)
    before = stack(Tensor(x), is_causal=True).data
    x[:, 3:] += 1
    after = stack(Tensor(x), is_causal=True).data
    assert after[:, :3].tobytes() == before[:, :3].tobytes()
    assert not np.any(after[:, 3:] == before[:, 3:])


def test_elements_are_dropped_in_training_alone():
    random.seed(0)
    layer = TransformerEncoderLayer(**{**SIZES, "dropout": 0.3})
    x = Tensor(RANDOM.normal(size=(2, 3, 4)).astype(np.float32))
    assert not np.array_equal(layer(x).data, layer(x).data)
    layer.eval()
    np.testing.assert_array_equal(layer(x).data, layer(x).data)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation must be 'relu' or 'gelu', got 'tanh'"):
        TransformerEncoderLayer(4, 2, activation="tanh")


def test_a_stack_has_layers():
    with pytest.raises(ValueError, match="num_layers must be at least 1, got 0"):
        TransformerEncoder(TransformerEncoderLayer(**SIZES), 0)


def test_an_error_names_the_layer_it_comes_from():
    stack = TransformerEncoder(TransformerEncoderLayer(**SIZES), 2)
    with pytest.raises(ValueError, match=r"layer 'layers.0.self_attn' \(MultiHeadAttention\): expected query"):
        stack(Tensor(np.zeros((2, 3, 5), np.float32)))
