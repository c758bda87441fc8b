import copy
import gc
import math
import operator
import weakref

import numpy as np
import pytest

from minigrad.scalar import Scalar, weighted_sum

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
UNARY = [Scalar.exp, Scalar.log, Scalar.tanh, Scalar.relu, Scalar.sigmoid, operator.neg, lambda x: x**3]


def central_difference(f, x, h=1e-6):
    return (f(Scalar(x + h)).data - f(Scalar(x - h)).data) / (2 * h)


@pytest.mark.parametrize("f", UNARY)
@pytest.mark.parametrize("x", [0.3, 1.7, 2.5])
def test_functions_of_one_variable_agree_with_finite_differences(f, x):
    scalar = Scalar(x)
    f(scalar).backward()
    assert scalar.grad == pytest.approx(central_difference(f, x), rel=1e-7)


@pytest.mark.parametrize("f", BINARY)
def test_operators_have_the_values_of_floats_and_the_gradients_of_finite_differences(f):
    x, y = Scalar(1.3), Scalar(0.7)
    result = f(x, y)
    result.backward()
    assert result.data == f(1.3, 0.7)
    assert x.grad == pytest.approx(central_difference(lambda x: f(x, 0.7), 1.3), rel=1e-7)
    assert y.grad == pytest.approx(central_difference(lambda y: f(1.3, y), 0.7), rel=1e-7)


@pytest.mark.parametrize("f", BINARY)
def test_numbers_may_stand_on_either_side(f):
    assert f(Scalar(1.3), 2).data == f(1.3, 2)
    assert f(2, Scalar(1.3)).data == f(2, 1.3)
    x = Scalar(1.3)
    f(2, x).backward()
    assert x.grad == pytest.approx(central_difference(lambda x: f(2, x), 1.3), rel=1e-7)


def test_numpys_numbers_become_floats():
    for result in [Scalar(np.float32(0.5)), np.float64(2) * Scalar(3), Scalar(3) - np.int64(1)]:
        assert type(result.data) is float
    assert (np.float64(2) * Scalar(3)).data == 6


def test_the_chain_rule_is_a_product_of_stored_numbers():
    w, x = Scalar(0.5), Scalar(2.0)
    z = w * x
    a = z.tanh()
    c = (a - 1.0) ** 2
    c.backward()
    difference = c.inputs[0]
    assert z.derivatives == (2.0, 0.5)
    assert a.derivatives == (1 - math.tanh(1.0) ** 2,)
    assert w.grad == c.derivatives[0] * difference.derivatives[0] * a.derivatives[0] * z.derivatives[0]
    assert w.grad == pytest.approx(2 * (math.tanh(1) - 1) * (1 - math.tanh(1) ** 2) * 2, rel=1e-15)


def test_where_paths_meet_their_gradients_add_up():
    x = Scalar(3.0)
    y = x * x
    (y * y + y + x).backward()
    assert x.grad == 4 * 3**3 + 2 * 3 + 1


def test_a_value_is_complete_before_it_is_passed_on_whatever_the_length_of_the_paths():
    x = Scalar(2.0)
    first = x * 3
    long = first
    for _ in range(10):
        long = long + 1
    (first * long).backward()
    assert first.grad == 6 + 16
    assert x.grad == 3 * (6 + 16)


def test_powers_of_negative_numbers_and_of_zero_are_differentiable_where_they_are_polynomials():
    for x, exponent, gradient in [(-2.0, 3, 12.0), (0.0, 2, 0.0), (0.0, 1, 1.0), (0.0, 0, 0.0), (-2.0, -1, -0.25)]:
        scalar = Scalar(x)
        (scalar**exponent).backward()
        assert scalar.grad == gradient


def test_relu_has_derivative_zero_at_zero():
    x = Scalar(0.0)
    x.relu().backward()
    assert x.grad == 0


@pytest.mark.parametrize(("x", "value", "gradient"), [(-1000.0, 0, 0), (0.0, 0.5, 0.25), (1000.0, 1, 0)])
def test_sigmoid_overflows_on_neither_side(x, value, gradient):
    scalar = Scalar(x)
    result = scalar.sigmoid()
    result.backward()
    assert (result.data, scalar.grad) == (value, gradient)


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda: Scalar(1) / 0, ZeroDivisionError),
        (lambda: Scalar(0).log(), ValueError),
        (lambda: Scalar(-8) ** (1 / 3), ValueError),
        (lambda: Scalar(0) ** -1, ValueError),
        (lambda: Scalar(0) ** 0.5, ValueError),
        (lambda: Scalar(1000).exp(), OverflowError),
        (lambda: Scalar("two"), ValueError),
        (lambda: Scalar(1) + None, TypeError),
        (lambda: Scalar(1) < "two", TypeError),
    ],
)
def test_what_does_not_exist_raises_as_it_does_for_floats(f, error):
    with pytest.raises(error):
        f()


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@pytest.mark.parametrize(("x", "y"), [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (math.nan, 1.0)])
def test_comparisons_are_those_of_the_values(compare, x, y):
    assert compare(Scalar(x), Scalar(y)) is compare(Scalar(x), y) is compare(x, Scalar(y)) is compare(x, y)


def test_scalars_of_equal_value_are_different_keys():
    x, y = Scalar(1.0), Scalar(1.0)
    assert x == y
    assert len({x, y}) == 2


def test_a_second_backward_adds_the_same_gradient_again():
    x = Scalar(3.0)
    hidden = x * x
    result = hidden * hidden
    result.backward()
    result.backward()
    assert x.grad == 2 * (4 * 3**3)
    assert hidden.grad == 2 * 9


def test_two_results_that_share_operations_give_the_sum_of_their_gradients():
    x = Scalar(3.0)
    hidden = x * x
    (hidden * 2).backward()
    (hidden * 5).backward()
    assert x.grad == (2 + 5) * 2 * 3


def test_a_leaf_is_its_own_gradient_of_one():
    x = Scalar(3.0)
    x.backward()
    assert x.grad == 1


def test_a_weighted_sum_has_the_value_and_gradients_of_products_and_sums():
    def leaves():
        return [Scalar(v) for v in (0.5, -1.5, 2.0)], [Scalar(v) for v in (3.0, 0.25, -1.0)], Scalar(0.1)

    weights, inputs, bias = leaves()
    fused = weighted_sum(weights, inputs, bias)
    fused.tanh().backward()
    their_weights, their_inputs, their_bias = leaves()
    plain = sum((w * x for w, x in zip(their_weights, their_inputs, strict=True)), their_bias)
    plain.tanh().backward()
    assert fused.data == pytest.approx(plain.data, rel=1e-15)
    grads = [x.grad for x in (*weights, *inputs, bias)]
    assert grads == pytest.approx([x.grad for x in (*their_weights, *their_inputs, their_bias)], rel=1e-15)


def test_a_weighted_sum_takes_the_same_scalar_several_times_and_a_number_as_bias():
    x, y = Scalar(3.0), Scalar(10.0)
    result = weighted_sum([x, x], [x, y], 5)
    result.backward()
    assert result.data == 9 + 30 + 5
    assert x.grad == 2 * 3 + 10


def test_a_weighted_sum_of_nothing_is_its_bias():
    bias = Scalar(2.0)
    weighted_sum([], [], bias).backward()
    assert bias.grad == 1


def test_a_weighted_sum_refuses_another_number_of_inputs_than_weights():
    with pytest.raises(ValueError, match="expected an input for each of 2 weights, got 3"):
        weighted_sum([Scalar(1.0)] * 2, [Scalar(1.0)] * 3)


@pytest.mark.parametrize("numbers", [[1.0, 2.0], np.array([1.0, 2.0])])
def test_a_weighted_sum_of_numbers_says_to_make_scalars_of_them(numbers):
    with pytest.raises(TypeError, match="make a Scalar"):
        weighted_sum([Scalar(1.0)] * 2, numbers)


def test_a_chain_of_a_hundred_thousand_operations_is_walked_and_freed():
    x = y = Scalar(1.0)
    for _ in range(100_000):
        y = y + 1e-5
    y.backward()
    assert x.grad == 1
    del y
    assert x.grad == 1


class Probe(Scalar):
    """A Scalar that can be referred to weakly."""

    __slots__ = ("__weakref__",)


def test_a_graph_is_freed_at_once_without_the_cycle_collector():
    gc.disable()
    try:
        x = Probe(0.5)
        y = weighted_sum([x, x], [x * 2, (x - 1).exp()]).sigmoid() / x
        y.backward()
        leaf = weakref.ref(x)
        del x, y
        assert leaf() is None
    finally:
        gc.enable()


def test_an_expression_with_every_operator_agrees_with_micrograd():
    engine = pytest.importorskip("micrograd.engine", reason="parity with micrograd needs micrograd")

    def expression(kind):
        a, b = kind(-4.0), kind(2.0)
        c = a + b
        d = a * b + b**3
        c = c + c + 1
        c = c + 1 + c + (-a)
        d = d + d * 2 + (b + a).relu()
        d = d + 3 * d + (b - a).relu()
        e = c - d
        f = e**2
        g = f / 2.0
        g = g + 10.0 / f
        g.backward()
        return [value for node in (a, b, c, d, e, f, g) for value in (node.data, node.grad)]

    assert expression(Scalar) == pytest.approx(expression(engine.Value), rel=1e-14)


def test_a_small_network_agrees_with_micrograd():
    engine = pytest.importorskip("micrograd.engine", reason="parity with micrograd needs micrograd")
    values = np.random.default_rng(0).uniform(-1, 1, (4, 3, 4)).tolist()

    def gradients(kind):
        layers = [[[kind(w) for w in neuron] for neuron in layer] for layer in values]
        x = [kind(v) for v in (0.5, -0.25, 1.0)]
        for layer in layers:
            x = [sum((w * v for w, v in zip(neuron[1:], x, strict=True)), neuron[0]).relu() for neuron in layer]
        sum((1 + -v) ** 2 for v in x).backward()
        return [w.grad for layer in layers for neuron in layer for w in neuron]

    assert gradients(Scalar) == pytest.approx(gradients(engine.Value), rel=1e-14)


@pytest.mark.parametrize(("x", "y"), [(0.0, 2.0), (0.0, 1.0), (0.0, 0.0), (0.0, 2.5), (2.0, 0.0), (2.0, -1.5)])
def test_powers_to_a_scalar_have_the_derivatives_of_pytorch(x, y):
    torch = pytest.importorskip("torch")
    ours, theirs = (Scalar(x), Scalar(y)), [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y)]
    (ours[0] ** ours[1]).backward()
    (theirs[0] ** theirs[1]).backward()
    assert [s.grad for s in ours] == pytest.approx([t.grad.item() for t in theirs], rel=1e-15)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("gard", "did you mean 'grad'"), ("tahn", "did you mean 'tanh'"), ("item", "data"), ("zero_grad", ".grad = 0.0")],
)
def test_an_attribute_that_it_has_not_is_refused_with_the_one_that_was_meant(name, remedy):
    with pytest.raises(AttributeError, match=f"Scalar has no attribute '{name}'.*{remedy}"):
        getattr(Scalar(1.0), name)


def test_it_can_be_copied_and_asked_for_what_it_lacks():
    assert copy.deepcopy(Scalar(2.0)).data == 2
    assert not hasattr(Scalar(2.0), "__array__")
