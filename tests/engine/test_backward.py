import gc
import weakref

import numpy as np
import pytest

from minigrad import Tensor, grad, is_grad_enabled, no_grad, ops
from minigrad.engine import collect


def leaf(*values):
    return Tensor(np.array(values), requires_grad=True)


def test_gradients_follow_the_chain_rule_and_accumulate():
    x, y = leaf(2.0, 3.0), leaf(5.0, -1.0)
    for count in (1, 2, 3):
        (x * y + x * x).sum().backward()
        np.testing.assert_array_equal(x.grad, count * (y.data + 2 * x.data))
        np.testing.assert_array_equal(y.grad, count * x.data)


def test_an_operand_that_stands_on_both_sides_gets_both_gradients():
    x = Tensor(3.0, requires_grad=True)
    (x * x + x - x / x).backward()
    assert x.grad == 7
    assert type(x.grad) is np.ndarray


def test_a_subgraph_that_is_used_many_times_is_walked_once():
    x = leaf(1.5)
    y = x
    for _ in range(60):
        y = y * 0.5 + y * 0.5
    y.backward()
    np.testing.assert_allclose(x.grad, [1.0])


def test_gradients_that_meet_in_one_leaf_do_not_spoil_those_of_others():
    a, b, c = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    ((a + b) + (a + c) + a).sum().backward()
    np.testing.assert_array_equal([a.grad, b.grad, c.grad], [[3, 3], [1, 1], [1, 1]])
    assert not np.shares_memory(b.grad, c.grad)


def test_a_gradient_is_that_of_the_result_times_the_one_given():
    x = leaf(1.0, 2.0)
    (x * x).backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad, [2, 40])


@pytest.mark.parametrize("gradient", [np.ones(2), [1.0, 1.0], Tensor([1.0, 1.0])])
def test_a_gradient_may_be_an_array_a_list_or_a_tensor(gradient):
    x = leaf(1.0, 2.0)
    (x * 3).backward(gradient)
    np.testing.assert_array_equal(x.grad, [3, 3])
    assert x.grad.dtype == x.dtype


def test_the_gradient_that_was_given_is_not_the_one_that_is_kept():
    x, given = leaf(1.0, 2.0), np.ones(2)
    x.backward(given)
    assert not np.shares_memory(x.grad, given)


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"expected \(2,\), got float64 \(1, 2\)"):
        (leaf(1.0, 2.0) * 2).backward(np.ones((1, 2)))


def test_several_numbers_have_no_gradient_without_one_to_start_from():
    with pytest.raises(RuntimeError, match=r"this tensor has shape \(2,\); reduce it first"):
        (leaf(1.0, 2.0) * 2).backward()


def test_what_requires_no_gradient_is_refused():
    with pytest.raises(RuntimeError, match="this tensor requires no gradient"):
        Tensor([1.0]).backward()
    with no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match=r"or under no_grad\(\)"):
        y.backward()


def test_a_second_walk_is_refused_unless_the_graph_was_retained():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad, [8])
    with pytest.raises(RuntimeError, match=r"multiply was consumed by an earlier .*retain_graph=True"):
        y.backward()


def test_a_walk_through_a_consumed_part_is_refused_too():
    x = leaf(2.0)
    y = x * x
    z = y * 2
    y.backward()
    with pytest.raises(RuntimeError, match="multiply was consumed"):
        z.backward()


def test_a_write_between_forward_and_backward_is_refused_where_the_old_values_are_needed():
    x = leaf(1.0, 2.0)
    square, plain = (x * x).sum(), (x + x).sum()
    with no_grad():
        x[0] = 7.0
    plain.backward()
    with pytest.raises(RuntimeError, match="multiply keeps for its gradient has been written to in place"):
        square.backward()


def test_an_optimizers_write_into_data_is_noticed_through_bump():
    x = leaf(1.0)
    y = x * x
    x.data -= 0.1
    x.bump()
    with pytest.raises(RuntimeError, match="written to in place"):
        y.backward()


def test_broadcasting_is_undone_along_every_axis():
    row, column, number = (
        leaf(1.0, 2.0, 3.0),
        Tensor(np.ones((2, 1)), requires_grad=True),
        Tensor(2.0, requires_grad=True),
    )
    (row * column * number).sum().backward()
    np.testing.assert_array_equal(row.grad, [4, 4, 4])
    np.testing.assert_array_equal(column.grad, [[12], [12]])
    assert number.grad == 12
    assert number.grad.shape == ()


def test_a_gradient_that_was_never_broadcast_is_refused_with_the_name_of_the_operation(declare):
    turned = declare("turned", lambda x: 2 * x, lambda g: 2 * g.T)  # as many numbers, in another order
    summed = declare("summed", lambda x: 2 * x, lambda g: g.sum())
    for operation in (turned, summed):
        x = Tensor(np.ones((2, 3)), requires_grad=True)
        with pytest.raises(
            ValueError, match=rf"a rule of {operation.__name__} gives .* for an input of shape \(2, 3\)"
        ):
            operation(x).sum().backward()


def test_gradients_have_the_dtype_of_their_tensor():
    single, double = Tensor([1.0, 2.0], requires_grad=True), leaf(1.0, 2.0)
    (single * double).sum().backward()
    assert (single.grad.dtype, double.grad.dtype) == (np.float32, np.float64)


def test_an_empty_tensor_has_an_empty_gradient():
    x = Tensor(np.zeros((0, 3)), requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.shape == (0, 3)


def test_grad_returns_gradients_and_touches_none():
    x, y = leaf(2.0), leaf(3.0)
    dx, dy = grad(x * x * y, [x, y])
    np.testing.assert_array_equal([dx.data, dy.data], [[12], [4]])
    assert x.grad is None
    assert y.grad is None
    assert not dx.requires_grad


def test_grad_takes_computed_tensors_for_inputs_and_does_not_walk_below_them():
    x = leaf(2.0)
    y = x * x
    consumed = y * 1
    consumed.backward(retain_graph=True)
    z = y * y * y
    (dy,) = grad(z, y)
    np.testing.assert_array_equal(dy.data, [48])
    y.backward()  # what is below y was not consumed
    np.testing.assert_array_equal(x.grad, [8])


def test_grad_of_an_input_and_of_what_is_made_of_it_gives_both():
    x = leaf(2.0)
    y = x * x
    dx, dy = grad(y * y, [x, y])
    np.testing.assert_array_equal([dx.data, dy.data], [[32], [8]])
    assert not np.shares_memory(dx.data, dy.data)


def test_grad_sums_over_outputs_and_weights_them():
    x = leaf(2.0, 3.0)
    (dx,) = grad([x * x, x * 5], [x], [np.array([1.0, 10.0]), np.array([0.0, 1.0])])
    np.testing.assert_array_equal(dx.data, [4, 65])


def test_gradients_of_another_number_than_the_outputs_are_refused():
    x = leaf(2.0, 3.0)
    with pytest.raises(ValueError, match="expected a gradient for each of 2 outputs, got a list of 1"):
        grad([x * x, x * 5], [x], [np.ones(2)])


def test_the_same_output_twice_counts_twice():
    x = leaf(2.0)
    y = x * x
    (dx,) = grad([y, y], x)
    np.testing.assert_array_equal(dx.data, [8])


def test_rules_run_only_on_the_way_to_what_is_asked_for(declare):
    called = []

    def rule(g):
        called.append(True)
        return g

    watched = declare("watched", lambda x: x + 0, rule)
    x, y = leaf(1.0), leaf(2.0)
    grad((watched(x) * y).sum(), y)
    assert called == []


def test_an_unused_input_is_named_or_allowed():
    x, unused = leaf(1.0), leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"input 1, of shape \(2,\), is not used by any output; allow_unused=True"):
        grad(x * 2, [x, unused])
    with pytest.raises(RuntimeError, match=r"input 0, .* does not require gradients"):
        grad(x * 2, [Tensor([1.0])])
    assert grad(x * 2, [unused], allow_unused=True) == (None,)


def test_grad_of_or_by_what_is_no_tensor_is_refused():
    x = leaf(1.0, 2.0)
    for outputs, inputs in ((x.sum(), x.data), (np.ones(2), x), (x.sum(), [x, 1.0])):
        with pytest.raises(TypeError, match=r"grad\(\) takes tensors, .* got float"):
            grad(outputs, inputs)


def test_gradients_can_be_differentiated_to_any_order():
    x = Tensor(np.array([0.3, 1.2]), requires_grad=True)
    y = (x**5).sum()
    for order, factor in enumerate([5, 20, 60, 120, 120], 1):
        (y,) = grad(y, x, create_graph=True)
        np.testing.assert_allclose(y.data, factor * x.data ** (5 - order), rtol=1e-12)
        y = y.sum()


def test_the_third_derivative_of_a_composed_function_is_exact():
    x = Tensor(np.array(0.7), requires_grad=True)
    y = (x.sin() if hasattr(x, "sin") else np.sin(x)) * np.exp(x)
    for _ in range(3):
        (y,) = grad(y, x, create_graph=True)
    expected = 2 * np.exp(0.7) * (np.cos(0.7) - np.sin(0.7))  # (e^x sin x)'''
    np.testing.assert_allclose(y.data, expected, rtol=1e-13)


def test_backward_through_a_gradient_reaches_what_the_gradient_was_made_of():
    x, w = leaf(2.0), leaf(3.0)
    (dx,) = grad(w * x * x, x, create_graph=True)
    (dx * dx).sum().backward()  # (2wx)²
    np.testing.assert_allclose(w.grad, [8 * 3 * 4])
    np.testing.assert_allclose(x.grad, [8 * 9 * 2])


def test_a_chain_of_100000_operations_goes_there_and_back_and_is_released_at_once():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0)
        y = x
        for _ in range(100_000):
            y = y * 1.0
        inner = weakref.ref(y.data)
        y.backward()
        np.testing.assert_array_equal(x.grad, [1])
        del y
        assert inner() is None
        y = x
        for _ in range(100_000):
            y = y * y
        first = weakref.ref(y.data)
        del y  # never walked: the whole chain goes with its last tensor
        assert first() is None
        gc.set_debug(gc.DEBUG_SAVEALL)  # what others left is garbage, too, as of a thread of an earlier test
        gc.collect()
        assert [thing for thing in gc.garbage if type(thing).__module__.startswith("minigrad")] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_what_the_rules_keep_is_let_go_as_it_is_consumed():
    x = leaf(1.0, 2.0)
    inner = np.exp(x)
    kept = weakref.ref(inner.data)
    y = (inner * 2).sum()
    del inner
    assert kept() is not None
    y.backward()
    assert kept() is None


class TestReady:
    def test_a_leaf_is_told_of_when_its_gradient_is_complete_and_in_the_order_of_the_walk(self):
        w, v, u = (Tensor(np.full(3, x), requires_grad=True) for x in (0.5, 2.0, 3.0))
        names = {w.node: "w", v.node: "v", u.node: "u"}
        seen = []
        collected = {}

        def ready(leaf):
            seen.append((names[leaf], collected[leaf].copy()))

        collect(((w * v + v) * u).sum(), None, collected, ready)
        assert [name for name, _ in seen] == ["u", "w", "v"]
        for (name, value), expected in zip(seen, (3.0, 6.0, 4.5), strict=True):
            np.testing.assert_array_equal(value, np.full(3, expected), name)

    def test_what_is_collected_has_the_bits_of_a_walk_that_tells_nobody(self):
        numbers = np.random.default_rng(0)
        w = Tensor(numbers.normal(size=(4, 4)), requires_grad=True)
        b = Tensor(numbers.normal(size=4), requires_grad=True)
        x = Tensor(numbers.normal(size=(5, 4)))

        def loss():
            return (np.tanh(x @ w + b) @ w.T + b).sum()

        plain, told = {}, {}
        for _ in range(2):  # the second time onto the first
            collect(loss(), None, plain)
        collect(loss(), None, told)
        leaves = []
        collect(loss(), None, told, leaves.append)
        assert set(leaves) == {w.node, b.node}
        for leaf in plain:
            np.testing.assert_array_equal(plain[leaf], told[leaf])

    def test_a_leaf_that_is_its_own_root_is_collected(self):
        w = Tensor(np.array(2.0), requires_grad=True)
        leaves, collected = [], {}
        collect(w, None, collected, leaves.append)
        assert collected[w.node] == 1
        assert leaves == []


def slope_at_zero(create_graph=False):
    """Walks through the infinite slope of the square root."""
    x = Tensor([0.0, 4.0], requires_grad=True)
    (slope,) = grad(ops.sqrt(x).sum(), x, create_graph=create_graph)
    return slope


def test_infinite_slopes_are_no_warnings_and_numpy_warns_afterwards_as_before():
    with np.errstate(divide="warn", over="raise", under="ignore", invalid="print"):
        before = np.geterr()
        np.testing.assert_array_equal(slope_at_zero().data, [np.inf, 0.25])
        np.testing.assert_array_equal(slope_at_zero(create_graph=True).data, [np.inf, 0.25])
        assert np.geterr() == before


def test_numpy_warns_as_before_also_after_a_walk_that_fails(declare):
    def rule(g):
        assert set(np.geterr().values()) == {"ignore"}
        raise ArithmeticError("no slope")

    failing = declare("failing", lambda x: x + 0, rule)
    with np.errstate(divide="raise", over="warn"):
        before = np.geterr()
        for create_graph in (False, True):
            x = Tensor([1.0], requires_grad=True)
            with pytest.raises(ArithmeticError, match="no slope"):
                grad(failing(x).sum(), x, create_graph=create_graph)
            assert np.geterr() == before
        assert is_grad_enabled()


@pytest.mark.parametrize("gradient", [0.0, 1.0, 3.0])
def test_the_gradient_of_a_leaf_itself_is_collected_whatever_it_is(gradient):
    x, collected = leaf(5.0), {}
    collect(x, np.array([gradient]), collected, lambda leaf: None)
    np.testing.assert_array_equal(collected[x.node], [gradient])
