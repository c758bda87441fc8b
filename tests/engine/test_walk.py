"""What a walk through a graph leaves as it was, and what it does without."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, func, nn, ops
from minigrad.engine import collect
from minigrad.engine.broadcast import astype, sum_to


def test_an_infinite_slope_is_a_result_however_numpy_is_set():
    x = Tensor(np.array([0.0, 4.0]), requires_grad=True)
    with np.errstate(all="raise"):
        ops.sqrt(x).sum().backward()
        assert set(np.geterr().values()) == {"raise"}
    np.testing.assert_array_equal(x.grad, [np.inf, 0.25])


def test_an_infinite_slope_is_a_result_of_a_replay_too():
    weight = nn.Parameter(np.array([0.0, 4.0]))
    step = minigrad.compile(lambda x: (ops.sqrt(weight) * x).sum())
    for _ in range(3):
        weight.grad = None
        with np.errstate(all="raise"):
            step(np.ones(2))
            assert set(np.geterr().values()) == {"raise"}
        np.testing.assert_array_equal(weight.grad, [np.inf, 0.25])


def test_numpy_is_set_as_before_after_a_rule_that_fails(declare):
    def fails(g):
        raise ZeroDivisionError

    x = Tensor([1.0], requires_grad=True)
    with np.errstate(divide="raise", over="warn", under="print", invalid="call"):
        before = np.geterr()
        with pytest.raises(ZeroDivisionError):
            declare("failing", lambda x: 2 * x, fails)(x).backward()
        assert np.geterr() == before


def test_a_fused_backward_may_give_gradients_that_nobody_needs(declare):
    total = declare(
        "total_of_two",
        lambda x, y: x + 3 * y,
        lambda g: g,
        lambda g: 3 * g,
        fused=lambda g, needs: (g.copy(), 3 * g),
    )
    x, y = Tensor([2.0]), Tensor([3.0], requires_grad=True)
    total(x, y).backward()
    assert x.grad is None
    assert y.grad == [3]


def test_what_becomes_integers_is_a_constant_and_what_stays_real_is_none():
    x = Tensor([1.5, -2.5], requires_grad=True)
    assert not astype(x, np.int64).requires_grad
    assert not astype(x, bool).requires_grad
    assert astype(x, np.float64).requires_grad
    np.testing.assert_array_equal(astype(x, np.int64).data, [1, -2])


def test_a_direction_passes_results_that_do_not_depend_on_the_argument():
    point, direction = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    values, slopes = func.jvp(lambda x: (2 * x, Tensor(np.ones(3))), [point], [direction])
    np.testing.assert_array_equal(slopes[0].data, [6, 8])
    np.testing.assert_array_equal(slopes[1].data, np.zeros(3))
    np.testing.assert_array_equal(values[1].data, np.ones(3))


def test_gradients_that_are_collected_use_up_the_graph_too():
    x = Tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    collected = {}
    collect(y, None, collected)
    assert collected[x.node] == [4]
    with pytest.raises(RuntimeError, match="consumed by an earlier backward"):
        collect(y, None, collected)


@pytest.mark.parametrize(
    ("shape", "fault"),
    [((2, 3), "it has fewer axes"), ((4,), "an axis is neither as long nor 1"), ((2, 1, 3), "it has fewer axes")],
)
def test_only_what_was_broadcast_is_summed(shape, fault):
    with pytest.raises(ValueError, match=fault):
        sum_to(np.ones(3), shape)
    np.testing.assert_array_equal(sum_to(np.ones((2, 3, 4)), (3, 1)), np.full((3, 1), 8))
