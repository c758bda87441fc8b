"""The code that operations are compiled to."""

import inspect
import threading
import traceback

import numpy as np
import pytest

from minigrad import Tensor, grad, ops
from minigrad.engine.broadcast import sum_to
from minigrad.engine.graph import next_sequence


def test_an_operation_shows_its_code_before_and_after_its_first_call(declare):
    halve = declare("halve", lambda x: x / 2, lambda g: g / 2)
    before = halve.source
    assert "forward(_x_data)" in before
    halve(Tensor([1.0]))
    assert halve.source == before
    assert list(inspect.signature(halve).parameters) == ["x"]


def test_a_traceback_shows_the_line_of_the_code(declare):
    def forward(x):
        raise ArithmeticError("never")

    failing = declare("failing", forward, lambda g: g)
    with pytest.raises(ArithmeticError) as caught:
        failing(Tensor([1.0]))
    shown = "".join(traceback.format_exception(caught.value))
    assert "_out = forward(_x_data)" in shown
    assert "apply.py:failing" in shown  # the file of the template


def test_a_traceback_shows_the_line_that_calls_a_rule(declare):
    def rule(g, x):
        raise ArithmeticError("never")

    failing = declare("failing_rule", lambda x: x + 1, rule)
    with pytest.raises(ArithmeticError) as caught:
        failing(Tensor([1.0], requires_grad=True)).backward()
    assert "return [_rules[0](g, x) if _needs[0] else None]" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["out", "node", "mode", "tensor", "version", "each", "g", "needs", "rules", "name"])
def test_a_parameter_may_be_called_what_the_code_calls_something_itself(declare, name):
    scale = eval(f"lambda x, {name}=3.0: x * {name}")
    rule = eval(f"lambda g, {name}: g * {name}") if name != "g" else lambda g: g * 3.0
    scaled = declare(f"scaled_by_{name}", scale, rule)
    x = Tensor([1.0, 2.0], requires_grad=True)
    for result in (scaled(x, 3.0), scaled(x), scaled(x, **{name: 3.0})):
        np.testing.assert_array_equal(result.data, [3, 6])
        np.testing.assert_array_equal(grad(result.sum(), x)[0].data, [3, 3])


@pytest.mark.parametrize("name", ["_x", "forward", "operation", "Tensor", "isinstance", "constant"])
def test_a_parameter_with_a_name_of_the_engine_is_refused(declare, name):
    forward = eval(f"lambda x, {name}=1.0: x * {name}")
    with pytest.raises(TypeError, match=f"a parameter '{name}', a name that the engine itself uses; choose another"):
        declare("scaled", forward, lambda g: g)


def test_threads_may_call_an_operation_for_the_first_time_together(declare):
    for attempt in range(20):
        scaled = declare(f"scaled_{attempt}", lambda x, factor=2.0, shift=0.5: x * factor + shift, lambda g: g * 2)
        results, barrier = [], threading.Barrier(4)

        def call(scaled=scaled, results=results, barrier=barrier):
            barrier.wait()
            results.append(scaled(Tensor([1.0])).item())

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [2.5] * 4


def test_rules_and_fused_backward_are_called_alike():
    g, x, weight = np.ones((1, 2)), np.array([[1.0, 2.0, 3.0]]), np.ones((2, 3))
    linear = ops.linear.primitive
    saved = {"x": x, "weight": weight, "bias_shape": (2,)}
    arguments = [saved[name] for name in linear.saved]
    for needs in ([True, True, True], [True, False, True], [False, True, False]):
        by_rules, by_fused = linear.vjp(g, needs, *arguments), linear.fused(g, needs, *arguments)
        assert [value is not None for value in by_rules] == [value is not None for value in by_fused] == needs
        for one, other in zip(by_rules, by_fused, strict=True):
            if one is not None:
                np.testing.assert_allclose(sum_to(one, other.shape), other)


def test_a_fused_backward_may_read_what_no_rule_reads(declare):
    cube = declare(
        "cube_fused",
        lambda x: x**3,
        lambda g, out: 3 * g * ops.cbrt(out) ** 2,
        fused=lambda g, needs, x: [3 * g * x * x],
    )
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    np.testing.assert_allclose(grad(cube(x).sum(), x)[0].data, [3, 12])


def test_one_clock_numbers_nodes_and_stamps_writes():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    earlier = next_sequence()
    assert y.node.sequence < earlier
    assert x.version[0] < y.node.sequence
    x.bump()
    assert x.version[0] > earlier
    z = x * x  # of the new values
    with pytest.raises(RuntimeError, match="written to in place"):
        y.sum().backward()
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])
