"""What a compiled function may not do, and how it is told."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, no_grad, ops
from minigrad.engine import CompileError, random

from .programs import counting, labels, network, plainly, replayed, rows


@pytest.mark.parametrize("read", [bool, float, lambda t: t.item(), lambda t: t.tolist(), lambda t: t.detach().numpy()])
def test_numbers_that_are_asked_for_are_refused(read):
    model = network()

    def function(x):
        total = model(x).sum()
        return total * 2 if read(total) else total

    with pytest.raises(CompileError, match="were asked for while a function was recorded"):
        minigrad.compile(function)(rows())


def test_random_numbers_that_no_operation_draws_are_refused():
    model = network()

    def function(x):
        return (model(x) * random.generator("noise").random((6, 3), np.float32)).sum()

    with pytest.raises(CompileError, match="random numbers were drawn for 'noise' while a function was recorded"):
        minigrad.compile(function)(rows())


def test_what_is_computed_outside_of_operations_is_found_out_at_the_second_call():
    model = network()
    function, calls = counting(lambda x: model(x) * float(np.abs(x.data).max()))
    step = minigrad.compile(function)
    step(rows(seed=0))
    with pytest.raises(CompileError, match="a replay gave other numbers"):
        step(rows(seed=1))
    step(rows(seed=2))
    assert len(calls) == 3  # what was wrong once is not replayed again


def test_what_changes_between_calls_is_found_out():
    model, factor = network(), [1.0]
    step = minigrad.compile(lambda x: (model(x) * factor[0]).sum())
    step(rows())
    step(rows())
    factor[0] = 2.0
    step(rows())
    with pytest.raises(CompileError, match="a replay gave other numbers"):
        step(rows())


def test_a_part_of_an_input_that_was_taken_outside_of_operations_is_refused():
    model = network()
    with pytest.raises(CompileError, match=r"of shape \(3, 5\) was taken of a tensor of shape \(6, 5\) outside"):
        minigrad.compile(lambda x: model(Tensor(x.data[:3])).sum())(rows())
    with pytest.raises(CompileError, match=r"of shape \(6, 1\) was taken of a tensor of shape \(6, 3\) outside"):
        minigrad.compile(lambda x: (lambda y: (y * y.data[:, :1]).sum())(ops.exp(model(x))))(rows())


def test_what_was_computed_before_is_refused():
    model = network()
    before = model(Tensor(rows()))
    with pytest.raises(CompileError, match="was computed before the function began"):
        minigrad.compile(lambda x: (model(x) * before).sum())(rows())


def test_a_function_that_returns_no_tensor_is_refused():
    with pytest.raises(TypeError, match="returns tensors, got float"):
        minigrad.compile(lambda x: 1.0)(rows())


def test_no_gradient_is_as_backward_says():
    with pytest.raises(RuntimeError, match="requires no gradient"):
        minigrad.compile(lambda x: x.sum())(rows())
    model = network()
    with no_grad(), pytest.raises(RuntimeError, match="requires no gradient"):
        minigrad.compile(lambda x: model(x).sum())(rows())


class Counting(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(5, 3)
        self.calls = nn.Buffer(np.zeros(()))

    def forward(self, x):
        self.calls = self.calls + 1
        return self.linear(x)


def test_a_function_that_leaves_something_behind_is_refused():
    setting = Counting()
    step = minigrad.compile(lambda x: setting(x).sum())
    step(rows())
    assert setting.calls.item() == 1
    with pytest.raises(CompileError, match="an attribute of a module is set whenever the function is called"):
        step(rows())


def test_a_write_into_what_is_computed_is_refused():
    model = network()

    def function(x):
        scale = Tensor(np.ones(3, np.float32)) * 1.0
        scale[0] = 2.0
        return (model(x) * scale).sum()

    with pytest.raises(CompileError, match=r"a tensor of shape \(3,\) was written to while a function was recorded"):
        minigrad.compile(function)(rows())


def test_what_the_first_call_sets_up_is_no_reason_to_refuse():
    model = network()

    def function(x):
        if not hasattr(model, "mask"):
            model.mask = np.tril(np.ones((6, 3), np.float32))
        return (model(x) * model.mask).sum()

    step = minigrad.compile(function)
    for seed in range(4):
        assert replayed(step, model, rows(seed=seed)) == plainly(function, model, rows(seed=seed))


def test_gradients_inside_are_refused_unless_operations_compute_them():
    model = network()
    inner = minigrad.compile(lambda x: model(x).sum())
    with pytest.raises(CompileError, match="gradients were computed while a function was recorded"):
        minigrad.compile(lambda x: model(x).sum() + inner(x))(rows())

    def function(x):
        (slope,) = minigrad.grad(model(x).sum(), model[0].weight, create_graph=True)
        return (slope * slope).sum()

    step = minigrad.compile(function)
    for seed in range(4):
        assert replayed(step, model, rows(seed=seed)) == plainly(function, model, rows(seed=seed))


def test_a_choice_by_truth_values_is_refused():
    model = network()
    with pytest.raises(CompileError, match=r"x.mask. has as many elements as truth values hold"):
        minigrad.compile(lambda x: (lambda y: y[y > 0].mean())(model(x)))(rows())
    with pytest.raises(CompileError, match=r"x.mask. has as many elements as truth values hold"):
        minigrad.compile(lambda x, chosen: model(x)[chosen, 0].mean())(rows(), rows()[:, 0] > 0)


def test_wrong_inputs_of_a_replay_raise_what_the_function_raises():
    model = network()
    loss = nn.CrossEntropyLoss()
    step = minigrad.compile(lambda x, y: loss(model(x), y))
    for seed in range(2):
        step(rows(seed=seed), labels(seed=seed))
    with pytest.raises(ValueError, match="CrossEntropyLoss: cross_entropy of x float32"):
        step(rows(), labels() + 7)
