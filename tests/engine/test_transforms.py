"""Derivatives as functions, against closed forms."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, func

R = np.random.default_rng(0)
A = R.standard_normal((4, 4))
P, V = R.standard_normal(4), R.standard_normal(4)


def quadratic_and_cubic(x):
    return x @ A @ x + (x**3).sum()


def layer(x):
    return np.tanh(A @ x)


LAYER_JACOBIAN = (1 - np.tanh(A @ P) ** 2)[:, None] * A


def close(tensor, expected):
    np.testing.assert_allclose(tensor.data, expected, rtol=1e-10, atol=1e-14)


def test_the_third_derivative_of_a_composed_function_is_that_of_the_calculus():
    third = func.grad(func.grad(func.grad(lambda x: np.sin(x) * np.exp(x * x))))
    x = 0.7
    # (sin x exp x²)''' = exp(x²) ((8x³ + 9x) sin x + 3 (4x² + 2 - 1/3) cos x), by hand
    expected = np.exp(x * x) * ((8 * x**3 + 12 * x - 6 * x) * np.sin(x) + (12 * x * x + 6 - 1) * np.cos(x))
    close(third(Tensor(np.array(x))), expected)


def test_the_hessian_of_a_polynomial_is_exact():
    close(func.hessian(quadratic_and_cubic)(P), A + A.T + np.diag(6 * P))


def test_the_hessian_of_a_two_layer_network_is_that_of_differences_of_its_gradient():
    weights = R.standard_normal((5, 4)), R.standard_normal(5)

    def network(x):
        return weights[1] @ np.tanh(weights[0] @ x)

    def slope(x):
        return func.grad(network)(x).data

    step = 3e-4  # where the error of the differences, of order h⁴, and their rounding are 1e-12 or less
    rows = [
        (8 * (slope(P + step * e) - slope(P - step * e)) - slope(P + 2 * step * e) + slope(P - 2 * step * e))
        / (12 * step)
        for e in np.eye(4)
    ]
    np.testing.assert_allclose(func.hessian(network)(P).data, rows, rtol=1e-10, atol=1e-11)


def test_a_hessian_vector_product_is_the_hessian_times_the_vector():
    (product,) = func.hvp(quadratic_and_cubic, [P], [V])
    close(product, (A + A.T + np.diag(6 * P)) @ V)


def test_a_hessian_vector_product_of_two_arguments_mixes_them():
    x, y = func.hvp(lambda x, y: (x * x * y).sum(), [P, V], [np.ones(4), 2 * np.ones(4)])
    close(x, 2 * V + 2 * P * 2)
    close(y, 2 * P)


def test_the_jacobian_of_a_layer_is_that_of_the_formula():
    close(func.jacobian(layer)(P), LAYER_JACOBIAN)


def test_a_jacobian_has_the_shape_of_the_result_and_then_of_the_argument():
    assert func.jacobian(lambda x: np.stack([x, x]))(np.ones((2, 3))).shape == (2, 2, 3, 2, 3)
    assert func.jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)


def test_jvp_and_vjp_are_the_two_sides_of_the_jacobian():
    value, pull = func.vjp(layer, P)
    close(value, np.tanh(A @ P))
    for _ in range(2):  # the graph of the forward computation serves many vectors
        close(pull(V)[0], V @ LAYER_JACOBIAN)
    value, tangent = func.jvp(layer, [P], [V])
    close(value, np.tanh(A @ P))
    close(tangent, LAYER_JACOBIAN @ V)


def test_jvp_of_what_does_not_depend_on_the_argument_is_zero():
    value, tangent = func.jvp(lambda x: Tensor(np.ones(2)), [P], [V])
    close(value, [1, 1])
    close(tangent, [0, 0])


def test_an_inner_derivative_does_not_see_the_outer_variable_as_its_own():
    inner_only = func.grad(lambda x: x * func.grad(lambda y: x * y)(x))
    assert inner_only(Tensor(3.0)).item() == 6.0  # d(x·x)/dx; confusion of the two would make it 12


def test_several_arguments_give_a_tuple_and_one_gives_a_tensor():
    value, (gx, gy) = func.value_and_grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(P, V)
    assert value.item() == pytest.approx(P @ V)
    close(gx, V)
    close(gy, P)
    close(func.grad(lambda x, y: (x * y).sum(), argnums=1)(P, V), P)


def test_an_argument_that_is_not_used_has_zero_gradient():
    gx, gy = func.grad(lambda x, y: x.sum(), argnums=(0, 1))(P, V)
    close(gx, np.ones(4))
    close(gy, np.zeros(4))


def test_results_remember_only_what_somebody_outside_can_ask_for():
    w = Tensor(V, requires_grad=True)
    plain = func.grad(lambda x: (x * x).sum())(P)
    outside = func.grad(lambda x: (x * x * w).sum())(P)
    assert not plain.requires_grad
    assert outside.requires_grad
    (mixed,) = minigrad.grad(outside.sum(), w)
    close(mixed, 2 * P)


def test_under_no_grad_results_are_constants():
    w = Tensor(V, requires_grad=True)
    with minigrad.no_grad():
        assert not func.grad(lambda x: (x * w).sum())(P).requires_grad


def test_a_place_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="argnums is 1, and the function was given 1 positional"):
        func.grad(lambda x: x.sum(), argnums=1)(P)


@pytest.mark.parametrize("product", [func.jvp, func.hvp])
def test_a_direction_of_another_shape_is_refused_and_not_broadcast(product):
    for direction in (1.0, np.ones((3, *P.shape)), P[:1]):
        with pytest.raises(ValueError, match=r"expected tangents of the primals' shapes \[.*\], got \[.*\]"):
            product(lambda x: (x**3).sum(), [P], [direction])
    with pytest.raises(ValueError, match="expected tangents of the primals' shapes"):
        product(lambda x: (x**3).sum(), [P], [])
    with pytest.raises(TypeError, match=r"primals is a list with an entry for each argument, as in \[x\], got ndarray"):
        product(lambda x: (x**3).sum(), P, P)


def test_a_function_that_returns_no_tensor_is_refused():
    with pytest.raises(TypeError, match="is to return a tensor, got float"):
        func.grad(lambda x: 1.0)(P)
