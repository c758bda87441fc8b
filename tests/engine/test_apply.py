import numpy as np
import pytest

from minigrad import Tensor, check_operation, grad, no_grad, ops


def test_arrays_in_arrays_out_and_any_tensor_in_a_tensor_out():
    x = np.ones((2, 3))
    for result in (ops.exp(x), ops.add(x, 1.0), ops.sum(x), ops.exp(2.0), ops.concatenate([x, x])):
        assert type(result) is np.ndarray
    for result in (ops.add(x, Tensor(x)), ops.linear(x, Tensor(x)), ops.concatenate([x, Tensor(x)])):
        assert isinstance(result, Tensor)


@pytest.mark.parametrize("number", [2, 2.0, True, np.float64(2), np.float32(2), np.int64(2), np.sqrt(64), np.uint8(2)])
def test_numbers_beside_a_float32_tensor_leave_it_float32(number):
    x = Tensor([1.0, 2.0], requires_grad=True)
    for result in (x * number, number * x, x + number, number - x, x / number, x**number, ops.maximum(x, number)):
        assert result.dtype == np.float32
        (dx,) = grad(result.sum(), x)
        assert dx.dtype == np.float32


def test_arrays_and_lists_may_stand_beside_a_tensor():
    x = Tensor([1.0, 2.0], requires_grad=True)
    ((x * [3.0, 4.0]) + np.array([1.0, 1.0], np.float32)).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 4])
    y = Tensor([1.0, 2.0], requires_grad=True)
    (np.array([3.0, 4.0]) * y).sum().backward()
    np.testing.assert_array_equal(y.grad, [3, 4])


def test_an_array_on_the_left_does_not_swallow_the_tensor():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    for result in (np.ones((2, 1)) + x, np.ones((3, 1)) @ x, np.ones(2) / x, np.ones(2) < x):
        assert isinstance(result, Tensor)


def test_results_of_constants_and_under_no_grad_are_constants():
    x = Tensor([1.0], requires_grad=True)
    assert not (Tensor([1.0]) * 2).requires_grad
    with no_grad():
        assert not (x * x).requires_grad
        assert not ops.softmax(x).requires_grad
        assert not ops.concatenate([x, x]).requires_grad


def test_comparisons_are_constants():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert not (x > 1).requires_grad
    assert (x == 1).dtype == np.bool_


def test_an_input_without_a_rule_gets_no_gradient_and_costs_none():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert not ops.where(x, 1.0, 2.0).requires_grad


def test_an_attribute_cannot_be_differentiated_and_says_so():
    x, bound = Tensor([1.0], requires_grad=True), Tensor(0.5, requires_grad=True)
    with pytest.raises(TypeError, match=r"clip cannot be differentiated in 'low'; pass it as \.detach\(\)"):
        ops.clip(x, bound)
    np.testing.assert_array_equal(ops.clip(x, bound.detach(), 0.7).data, np.float32([0.7]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x + Tensor(np.ones(4)), r"add of x float64 \(2, 3\), y .* \(4,\): .* axis -1 has lengths 3 and 4"),
        (
            lambda x: x * np.ones((3, 3)),
            r"multiply of .*: .* axis -2 has lengths 2 and 3, where .* equal or 1; reshape",
        ),
        (lambda x: ops.where(x > 0, x, np.ones(5)), r"where of .*: .* axis -1 has lengths 3 and 5"),
        (
            lambda x: x @ x,
            r"matmul of .*: the last axis of the first is 3 long and the last but one axis of the second 2",
        ),
        (lambda x: x @ x, r"not the same; transpose the second, as in x @ y\.mT"),
        (lambda x: x @ np.ones(2), r"the last axis of the first is 3 long and the only axis of the second 2"),
        (lambda x: x @ 2.0, "a matrix product takes vectors and matrices, and one of these is 0-d"),
        (lambda x: np.ones((4, 1, 2)) @ x @ np.ones((3, 3, 2)), "matmul of .* axis -3 has lengths 4 and 3"),
        (lambda x: x.reshape((4, 2)), r"reshape of x float64 \(2, 3\): .*size 6 into shape \(4,2\)"),
        (lambda x: ops.concatenate([x, np.ones((2, 2))]), r"concatenate of \[0\] float64 \(2, 3\), \[1\] float64"),
        (lambda x: ops.linear(x, np.ones((4, 2))), r"linear of x .* \(2, 3\), weight .* \(4, 2\).*last axis"),
    ],
)
def test_shapes_that_do_not_fit_are_a_value_error_with_the_operation_the_shapes_and_what_to_do(call, message):
    for requires_grad in (False, True):
        with pytest.raises(ValueError, match=message):
            call(Tensor(np.ones((2, 3)), requires_grad=requires_grad))


@pytest.mark.parametrize(
    "call", [lambda x: x.sum(axis=2), lambda x: ops.softmax(x, 3), lambda x: x.swapaxes(0, 5), lambda x: ops.flip(x, 2)]
)
def test_an_axis_that_is_not_there_is_an_index_error_with_the_operation_and_the_shape(call):
    with pytest.raises(IndexError, match=r" of x float32 \(2,\): .*axis"):
        call(Tensor([1.0, 2.0]))


def test_a_place_that_is_not_there_is_an_index_error():
    with pytest.raises(IndexError, match=r"getitem of x float32 \(2,\): index 5 is out of bounds"):
        Tensor([1.0, 2.0])[5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.sum(x, dim=0), "sum takes x, axis, keepdims; .* unexpected keyword argument 'dim'"),
        (lambda x: ops.sum(x, 0, axis=0), "sum takes x, axis, keepdims; .* multiple values for argument 'axis'"),
        (lambda x: ops.reshape(x), "reshape takes x, shape; .* missing 1 required positional argument: 'shape'"),
        (lambda x: ops.multiply(x), "multiply takes x, y; .* missing 1 required positional argument: 'y'"),
        (lambda x: ops.exp(x, x), "exp takes x; .* takes 1 positional argument but 2 were given"),
        (
            lambda x: x.mean(dim=0),
            "mean takes a, axis, dtype, out, keepdims, where; .* argument .dim.",
        ),
        (
            lambda x: ops.mean(x, 0, True, None),
            "mean takes x, axis, keepdims; .* 3 positional arguments but 4 were given",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_a_type_error_with_the_operation_and_its_parameters(call, message):
    for _ in range(2):  # the first call of an operation, and the others
        with pytest.raises(TypeError, match=message):
            call(Tensor([1.0]))


def test_an_operation_is_declared_in_one_line_and_differentiates_to_any_order(declare):
    cube = declare("cube", lambda x: x**3, lambda g, x: g * 3 * x**2)
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    (first,) = grad(cube(x).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    np.testing.assert_array_equal(second.data, 6 * x.data)


def test_an_operation_can_stand_for_a_function_of_numpy(declare):
    declare("nextafter", lambda x, y: np.nextafter(x, y), lambda g: g * 0, lambda g: g * 0, numpy=np.nextafter)
    result = np.nextafter(Tensor([-1.0, 2.0]), 0.5)
    np.testing.assert_array_equal(result.data, np.nextafter(np.float32([-1.0, 2.0]), np.float32(0.5)))


def test_a_rule_that_asks_for_what_is_not_there_is_refused_at_once(declare):
    with pytest.raises(TypeError, match="a rule of cube asks for 'w', which is none of g, x, out, x_shape, x_dtype"):
        declare("cube", lambda x: x**3, lambda g, w: g)


def test_a_rule_that_takes_no_g_is_refused_as_it_would_be_given_g_for_another(declare):
    with pytest.raises(TypeError, match="a rule of cube takes g first, got the parameters x"):
        declare("cube", lambda x: x**3, lambda x: 3 * x**2)
    with pytest.raises(TypeError, match="a rule of cube takes g, needs first, got the parameters g, x"):
        declare("cube", lambda x: x**3, lambda g, x: 3 * g * x**2, fused=lambda g, x: [3 * g * x**2])


def test_more_rules_than_inputs_are_refused(declare):
    with pytest.raises(TypeError, match="double has 2 rules for 1 parameters: x"):
        declare("double", lambda x: 2 * x, lambda g: 2 * g, lambda g: g)
    with pytest.raises(TypeError, match="plus has 1 rules for 2 parameters: x, y"):
        declare("plus", np.add, lambda g: g)


def test_a_name_of_minigrads_own_is_refused(declare):
    for name in ("add", "greater", "softmax"):
        with pytest.raises(ValueError, match=f"there is an operation '{name}' already; give this one another name"):
            declare(name, lambda x: x, lambda g: g)


def test_an_operation_of_ones_own_may_be_declared_anew_as_a_notebook_does(declare):
    declare("twice", lambda x: x + x, lambda g: g)  # wrong
    twice = declare("twice", lambda x: x + x, lambda g: 2 * g)
    check_operation(twice, np.ones(3))


def test_a_function_of_numpy_stays_with_the_operation_that_had_it_first(declare):
    declare("my_tanh", np.tanh, lambda g, out: g * (1 - out * out))
    assert np.tanh(Tensor(1.0, requires_grad=True)).node.primitive.name == "tanh"


def test_a_view_that_an_operation_of_ones_own_returns_is_watched_with_its_memory(declare):
    reverse = declare("reverse", lambda x: x[::-1], lambda g: g[::-1])
    same = declare("same", lambda x: x, lambda g: g)
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    for view in (reverse(x), same(x)):
        loss = (view * view).sum()
        x.bump()
        with pytest.raises(RuntimeError, match="written to in place"):
            loss.backward()
        (view + view).sum().backward()
