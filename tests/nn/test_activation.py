import numpy as np
import pytest

from minigrad.engine import Tensor
from minigrad.nn import GELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh

X = np.array([[-3.0, -1.0, 0.0], [0.5, 2.0, 30.0]])


@pytest.mark.parametrize(
    ("layer", "formula"),
    [
        (ReLU(), lambda x: np.maximum(x, 0)),
        (LeakyReLU(), lambda x: np.where(x > 0, x, 0.01 * x)),
        (LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
        (Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (Tanh(), np.tanh),
        (GELU("tanh"), lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
        (Softmax(), lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)),
        (Softmax(dim=0), lambda x: np.exp(x) / np.exp(x).sum(axis=0, keepdims=True)),
    ],
    ids=repr,
)
def test_an_activation_is_its_formula(layer, formula):
    np.testing.assert_allclose(layer(Tensor(X)).data, formula(X), rtol=1e-12)


def test_gelu_of_a_standard_normal_quantile_is_known():
    assert GELU()(Tensor(np.array([1.959963984540054]))).item() == pytest.approx(1.959963984540054 * 0.975, rel=1e-9)


def test_arguments_are_shown():
    assert repr(LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert repr(GELU("tanh")) == "GELU(approximate='tanh')"
    assert repr(Softmax(0)) == "Softmax(dim=0)"
    assert repr(ReLU()) == "ReLU()"


def test_an_unknown_approximation_is_refused():
    with pytest.raises(ValueError, match=r"approximate must be 'none' or 'tanh', got 'erf'"):
        GELU("erf")


def test_softmax_along_an_axis_that_is_not_there_is_refused():
    with pytest.raises((IndexError, ValueError), match=r"^Softmax: softmax of .*axis 2"):
        Softmax(dim=2)(Tensor(X))
