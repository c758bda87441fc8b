"""Derivatives of functions of nests of arrays, and functions applied along an axis."""

from typing import NamedTuple

import numpy as np
import pytest

from minigrad import Tensor, func, grad

R = np.random.default_rng(0)
X, Y = R.standard_normal((5, 3)), R.standard_normal((5, 2))


class Layer(NamedTuple):
    w: object
    b: object


PARAMETERS = {"layer": Layer(R.standard_normal((3, 2)), np.zeros(2)), "scales": [np.ones(2), None, (2.0,)]}


def loss(parameters, x, y):
    layer, (scale, _, (factor,)) = parameters["layer"], parameters["scales"]
    return ((np.tanh(x @ layer.w + layer.b) * scale * factor - y) ** 2).mean()


def flat(parameters):
    layer, (scale, _, factor) = parameters["layer"], parameters["scales"]
    return [layer.w, layer.b, scale, *factor]


def of_flat(w, b, scale, factor):
    return loss({"layer": Layer(w, b), "scales": [scale, None, (factor,)]}, X, Y)


ARRAYS = [PARAMETERS["layer"].w, PARAMETERS["layer"].b, np.ones(2), 2.0]


def close(found, expected):
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-6, atol=1e-12)


def test_a_gradient_is_a_nest_like_its_argument_with_what_separate_arguments_give():
    value, found = func.value_and_grad(loss)(PARAMETERS, X, Y)
    close(value, of_flat(*map(Tensor, ARRAYS)))
    assert type(found) is dict
    assert type(found["layer"]) is Layer
    assert found["scales"][1] is None
    for one, other in zip(flat(found), func.grad(of_flat, range(4))(*ARRAYS), strict=True):
        close(one, other)


def test_several_arguments_may_be_nests():
    of_parameters, of_x = func.grad(loss, argnums=(0, 1))(PARAMETERS, X, Y)
    assert of_x.shape == X.shape
    close(of_parameters["layer"].w, func.grad(loss)(PARAMETERS, X, Y)["layer"].w)


def f(p):
    return {"product": p["a"] * p["b"], "rest": [p["a"].sum(), (p["b"] ** 3,)]}


P = {"a": np.array([1.0, 2.0]), "b": np.array([0.5, -1.0])}
T = {"a": np.array([1.0, -1.0]), "b": np.array([2.0, 0.5])}


def test_products_with_the_jacobian_take_and_return_nests():
    value, along = func.jvp(f, [P], [T])
    close(along["product"], P["a"] * T["b"] + T["a"] * P["b"])
    close(along["rest"][0], T["a"].sum())
    close(along["rest"][1][0], 3 * P["b"] ** 2 * T["b"])
    value, pull = func.vjp(f, P)
    ones = {"product": np.ones(2), "rest": [np.ones(()), (np.zeros(2),)]}
    (found,) = pull(ones)
    close(value["product"], P["a"] * P["b"])
    close(found["a"], P["b"] + 1)
    close(found["b"], P["a"])


def test_a_jacobian_is_a_nest_of_nests():
    found = func.jacobian(f)(P)
    close(found["product"]["a"], np.diag(P["b"]))
    close(found["rest"][0]["b"], np.zeros(2))
    close(found["rest"][1][0]["b"], np.diag(3 * P["b"] ** 2))
    both = func.jacobian(lambda x, p: x * p["a"], argnums=(0, 1))(P["b"], P)
    close(both[0], np.diag(P["a"]))
    close(both[1]["a"], np.diag(P["b"]))


def test_a_hessian_of_a_nest_has_mixed_derivatives():
    def g(p):
        return (p["a"] * p["b"] ** 2).sum()

    found = func.hessian(g)(P)
    close(found["a"]["b"], np.diag(2 * P["b"]))
    close(found["b"]["b"], np.diag(2 * P["a"]))
    close(found["a"]["a"], np.zeros((2, 2)))
    (product,) = func.hvp(g, [P], [T])
    close(product["a"], 2 * P["b"] * T["b"])
    close(product["b"], 2 * P["b"] * T["a"] + 2 * P["a"] * T["b"])


def test_a_list_of_numbers_is_an_array():
    close(func.grad(lambda x: (x**2).sum())([1.0, 2.0]), np.array([2.0, 4.0]))


def test_what_surrounds_a_nest_can_be_differentiated_again():
    w = Tensor(P["a"], requires_grad=True)
    found = func.grad(lambda p: (p["a"] * w**2).sum())(P)
    (of_w,) = grad(found["a"].sum(), w)
    close(of_w, 2 * w)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: func.jvp(f, [P], [{"a": P["a"]}]),
            ValueError,
            r"tangents lacks \['b'\]: expected the nest {'a': ",
        ),
        (lambda: func.jvp(f, [P], [{**P, "c": 1.0}]), ValueError, r"tangents has \['c'\]: expected the nest"),
        (lambda: func.vjp(f, P)[1]({"product": P["a"]}), ValueError, r"the vector lacks \['rest'\]\[0\]"),
        (lambda: func.grad(f)(P), TypeError, "is to return a tensor, got dict"),
        (lambda: func.grad(lambda p: p["a"].sum())({"a": np.arange(2)}), TypeError, "only floating-point tensors"),
        (lambda: func.grad(lambda p: p["a"].sum())({"a": "x"}), TypeError, "a tensor holds numbers, got str"),
        (lambda: func.vjp(lambda p: [p["a"], 1.0], P), TypeError, "is to return a tensor, got float"),
        (lambda: func.vmap(loss, (0, 0))(X), ValueError, "in_axes has 2 entries, and the function was given 1 arg"),
        (
            lambda: func.vmap(lambda a, b: a)(X, Y[:3]),
            ValueError,
            "axes of one length, got 5 in argument .0., 3",
        ),
        (lambda: func.vmap(lambda a: a, in_axes=None)(X), ValueError, "axes of one length, got none to go along"),
        (lambda: func.vmap(lambda a: a, in_axes=2)(X), ValueError, r"is float64 \(5, 3\), and has no axis 2"),
        (lambda: func.vmap(lambda a: a)(2.0), ValueError, r"is float32 \(\), and has no axis 0"),
        (lambda: func.vmap(lambda a: a)(X[:0]), ValueError, "the axes have length 0"),
        (lambda: func.vmap(lambda a: a, in_axes=({"b": 0},))(P), ValueError, "expected an axis, None, or a nest of"),
    ],
)
def test_nests_that_do_not_fit_are_refused_with_the_place(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_gradients_of_every_example_are_one_line():
    found = func.vmap(func.grad(loss), in_axes=(None, 0, 0))(PARAMETERS, X, Y)
    assert found["layer"].w.shape == (5, 3, 2)
    for i in range(5):
        close(found["layer"].w[i], func.grad(loss)(PARAMETERS, X[i], Y[i])["layer"].w)
    close(found["scales"][2][0].mean(), func.grad(loss)(PARAMETERS, X, Y)["scales"][2][0])


def test_the_axes_may_be_others():
    close(func.vmap(lambda a, b: a * b, in_axes=(1, None), out_axes=1)(X, 2.0), 2 * X)
    close(func.vmap(lambda a, b: a @ b, in_axes=(-1, 0))(X, R.standard_normal((3, 5)) * 0 + 1), X.sum(0))
    close(func.vmap(lambda p: p["a"] * p["b"], in_axes=({"a": 0, "b": None},))({"a": X, "b": X[0]}), X * X[0])
    one, other = func.vmap(lambda a, scale: (a * scale, scale), out_axes=(0, None))(X, scale=np.full(5, 3.0))
    close(one, X * 3)
    assert other.shape == ()


def test_what_is_mapped_is_part_of_the_derivative():
    x = Tensor(X, requires_grad=True)
    out = func.vmap(lambda row: (row**2).sum())(x)
    (dx,) = grad(out.sum(), x)
    close(dx, 2 * X)
