import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients, random
from minigrad.nn import Bilinear, Linear

RANDOM = np.random.default_rng(0)


def test_the_result_is_x_times_the_transposed_weight_plus_bias():
    layer = Linear(3, 2)
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    expected = x @ layer.weight.data.T + layer.bias.data
    np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-6)


def test_without_bias_there_is_none():
    layer = Linear(3, 2, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]


def test_weights_begin_uniform_within_one_over_the_root_of_the_inputs():
    random.seed(0)
    layer = Linear(100, 400)
    for values in (layer.weight.data, layer.bias.data):
        assert np.abs(values).max() <= 0.1
        assert values.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.05)
        assert values.dtype == np.float32


def test_the_same_seed_gives_the_same_weights_and_two_layers_differ():
    random.seed(3)
    first, second = Linear(4, 4), Linear(4, 4)
    random.seed(3)
    assert np.array_equal(Linear(4, 4).weight.data, first.weight.data)
    assert not np.array_equal(first.weight.data, second.weight.data)


def test_gradients_are_those_of_finite_differences():
    layer = Linear(3, 2).to(np.float64)
    x = Tensor(np.random.default_rng(0).normal(size=(4, 3)), requires_grad=True)
    check_gradients(lambda x, weight, bias: layer(x), x, layer.weight, layer.bias)


@pytest.mark.parametrize(("sizes", "name"), [((0, 2), "in_features"), ((2, -1), "out_features")])
def test_sizes_below_one_are_refused(sizes, name):
    with pytest.raises(ValueError, match=rf"{name} must be at least 1, got"):
        Linear(*sizes)


def test_a_bilinear_layer_is_a_form_of_two_vectors_for_each_output():
    layer = Bilinear(3, 4, 2).to(np.float64)
    x, y = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(5, 4))
    expected = [[a @ form @ b for form in layer.weight.data] for a, b in zip(x, y, strict=True)] + layer.bias.data
    np.testing.assert_allclose(layer(Tensor(x), Tensor(y)).data, expected, rtol=1e-12)
    check_gradients(layer, x, y, order=2)


def test_a_bilinear_layer_refuses_other_lengths():
    with pytest.raises(ValueError, match=r"expected \(..., 3\) and \(..., 4\) .*got \(2, 3\) and \(2, 3\)"):
        Bilinear(3, 4, 2)(Tensor(np.ones((2, 3))), Tensor(np.ones((2, 3))))
