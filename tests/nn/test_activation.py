import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    Module,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
)

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
        (LogSoftmax(), lambda x: np.log(np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))),
        (GLU(dim=0), lambda x: x[:1] / (1 + np.exp(-x[1:]))),
        (Identity(), lambda x: x),
        (ELU(0.5), lambda x: np.where(x > 0, x, 0.5 * (np.exp(x) - 1))),
        (CELU(2.0), lambda x: np.where(x > 0, x, 2 * (np.exp(x / 2) - 1))),
        (SELU(), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1))),
        (SiLU(), lambda x: x / (1 + np.exp(-x))),
        (Mish(), lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
        (Softplus(2.0, threshold=50), lambda x: np.where(x > 25, x, np.log(1 + np.exp(2 * np.minimum(x, 25))) / 2)),
        (LogSigmoid(), lambda x: np.log(1 / (1 + np.exp(-x)))),
        (Softsign(), lambda x: x / (1 + np.abs(x))),
        (Hardtanh(-0.5, 2.5), lambda x: np.clip(x, -0.5, 2.5)),
        (ReLU6(), lambda x: np.clip(x, 0, 6)),
        (Hardsigmoid(), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
        (Hardswish(), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
        (PReLU(init=0.125), lambda x: np.where(x > 0, x, 0.125 * x)),
        (Hardshrink(), lambda x: np.where(abs(x) > 0.5, x, 0)),
        (Softshrink(0.25), lambda x: np.sign(x) * np.maximum(abs(x) - 0.25, 0)),
        (Tanhshrink(), lambda x: x - np.tanh(x)),
    ],
    ids=lambda value: repr(value) if isinstance(value, Module) else "formula",  # that of a lambda has its address
)
def test_an_activation_is_its_formula(layer, formula):
    np.testing.assert_allclose(layer(Tensor(X)).data, formula(X), rtol=1e-12, atol=1e-15)


SMOOTH = [Tanhshrink(), GELU(), GELU("tanh"), Sigmoid(), Tanh(), SiLU(), Mish(), Softplus(3.0), LogSigmoid()]
BENT = [
    ELU(0.5),
    CELU(2.0),
    SELU(),
    Softsign(),
    Hardtanh(),
    ReLU6(),
    Hardsigmoid(),
    Hardswish(),
    LeakyReLU(),
    Hardshrink(),
    Softshrink(),
]


@pytest.mark.parametrize("layer", [*SMOOTH, *BENT, PReLU(), PReLU(4), LogSoftmax(), GLU(), Softmax(0)], ids=repr)
def test_gradients_of_both_orders_are_those_of_finite_differences_between_the_bends(layer):
    check_gradients(layer, np.array([[-7.0, -2.5, -0.8, -0.3], [0.2, 0.7, 2.1, 6.5]]), order=2)


@pytest.mark.parametrize(
    ("layer", "bends", "slopes"),
    [
        (ELU(0.5), [0], [0.5]),
        (CELU(0.5), [0], [1]),
        (SELU(), [0], [1.0507009873554805 * 1.6732632423543772]),
        (Softsign(), [0], [1]),
        (Hardtanh(), [-1, 1], [0, 0]),
        (ReLU6(), [0, 6], [0, 0]),
        (Hardsigmoid(), [-3, 3], [0, 0]),
        (Hardswish(), [-3, 3], [0, 1]),
        (PReLU(), [0], [0.25]),
        (Hardshrink(), [-0.5, 0.5], [0, 0]),
        (Softshrink(), [-0.5, 0.5], [0, 0]),
    ],
    ids=repr,
)
def test_the_slope_at_a_bend_is_one_of_the_two_beside_it(layer, bends, slopes):
    x = Tensor(np.array(bends, np.float64), requires_grad=True)
    layer(x).backward(np.ones(len(bends)))
    np.testing.assert_allclose(x.grad, slopes, rtol=1e-12)


@pytest.mark.parametrize("layer", [*SMOOTH, *BENT], ids=repr)
def test_far_from_zero_neither_the_value_nor_the_slope_is_lost(layer):
    x = Tensor(np.array([-1e6, -200, 200, 1e6], np.float32), requires_grad=True)
    out = layer(x)
    out.backward(np.ones(4, np.float32))
    assert np.isfinite(out.data).all()
    assert np.isfinite(x.grad).all()


def test_each_channel_has_its_own_slope():
    layer = PReLU(3)
    layer.weight.data[...] = [0.0, 0.5, 2.0]
    out = layer(Tensor(np.full((2, 3, 4), -1.0, np.float32)))
    assert out.data[1, :, 2].tolist() == [0, -0.5, -2]
    assert PReLU()(Tensor(-1.0)).item() == -0.25


def test_softplus_is_the_identity_beyond_its_threshold():
    assert Softplus(threshold=2)(Tensor([3.0, -3.0])).data.tolist() == pytest.approx([3, np.log1p(np.exp(-3))])


def test_gelu_of_a_standard_normal_quantile_is_known():
    assert GELU()(Tensor(np.array([1.959963984540054]))).item() == pytest.approx(1.959963984540054 * 0.975, rel=1e-9)


def test_arguments_are_shown():
    assert repr(LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert repr(GELU("tanh")) == "GELU(approximate='tanh')"
    assert repr(Softmax(0)) == "Softmax(dim=0)"
    assert repr(ReLU()) == "ReLU()"
    assert repr(ELU(0.5)) == "ELU(alpha=0.5)"
    assert repr(Softplus(2.0)) == "Softplus(beta=2.0, threshold=20.0)"
    assert repr(Hardtanh(0.0, 3.0)) == "Hardtanh(min_val=0.0, max_val=3.0)"
    assert repr(PReLU(3)) == "PReLU(num_parameters=3)"


def test_an_unknown_approximation_is_refused():
    with pytest.raises(ValueError, match=r"approximate must be 'none' or 'tanh', got 'erf'"):
        GELU("erf")


def test_softmax_along_an_axis_that_is_not_there_is_refused():
    with pytest.raises((IndexError, ValueError), match=r"^Softmax: softmax of .*axis 2"):
        Softmax(dim=2)(Tensor(X))


def test_an_axis_of_odd_length_cannot_be_halved():
    with pytest.raises(ValueError, match=r"^GLU: split of .*axis -1, of length 3, is not 2 equal parts"):
        GLU()(Tensor(X))


def test_channels_without_a_slope_are_refused():
    with pytest.raises(ValueError, match=r"^PReLU: expected 2 channels on axis 1, one for each slope, got \(2, 3\)"):
        PReLU(2)(Tensor(X))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CELU(0), "alpha must not be 0: CELU divides by it"),
        (lambda: Softplus(0), "beta must not be 0: Softplus divides by it"),
        (lambda: Hardtanh(1.0, 1.0), "max_val must be above min_val, 1.0, got 1.0"),
        (lambda: PReLU(0), "num_parameters must be at least 1, got 0"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
