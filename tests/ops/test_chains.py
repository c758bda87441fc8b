"""Recordings of elementwise operations on large arrays: computed by blocks, with the same bits."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, ops
from minigrad.ops import activation, blocks, chains, elementwise

SIZE = 100


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Arrays that are large, and blocks that do not divide them."""
    monkeypatch.setattr(chains, "LARGE", 16)
    monkeypatch.setattr(blocks, "CHAIN_BLOCK", 24)


@pytest.fixture
def calls(monkeypatch):
    """What chains are asked for: the number of their functions and of the arrays that they give out."""
    seen = []
    plain = blocks.Chain.__call__

    def call(self, *inputs):
        outputs = plain(self, *inputs)
        seen.append((len(self._links), len(outputs)))
        return outputs

    monkeypatch.setattr(blocks.Chain, "__call__", call)
    return seen


def numbers(seed=0, shape=(SIZE,), dtype=np.float32, low=0.1, high=0.9):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


def check(function, *arrays):
    """Calls a compiled function, which computes both ways each time, and compares it with the function itself."""
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    compiled = minigrad.compile(lambda: function(*leaves), verify=True)
    for _ in range(3):
        for leaf in leaves:
            leaf.grad = None
        loss = compiled()
    found = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    expected = function(*leaves)
    expected.backward()
    assert loss.data.tobytes() == expected.data.tobytes()
    for gradient, leaf in zip(found, leaves, strict=True):
        assert gradient.tobytes() == leaf.grad.tobytes()


ELEMENTWISE = {
    f.primitive.name: f for table in (elementwise, activation) for f in vars(table).values() if hasattr(f, "primitive")
}


@pytest.mark.parametrize("name", sorted(name for name, f in ELEMENTWISE.items() if f.primitive.rules))
def test_an_operation_in_a_chain_gives_the_same_bits(name, calls):
    function = ELEMENTWISE[name]
    arity = len(function.primitive.inputs)

    def several(*leaves):
        given = [leaf * 1.5 + 1.1 if name == "arccosh" else leaf * 1.01 for leaf in leaves]
        if name == "where":
            given[0] = ops.greater(given[0], 0.5)
        bounds = [0.3, 0.7] if name == "clip" else []  # which NumPy 2.0 asks for
        return (function(*given, *bounds) * 0.5 + leaves[0]).sum()

    check(several, *[numbers(seed) for seed in range(arity)])
    assert calls


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(SIZE,), (4, 25), (2, 5, 10)])
def test_a_chain_of_several_branches_is_one_step_each_way(dtype, shape, calls):
    check(lambda x: (ops.tanh(x * 2 + 1) * ops.sigmoid(x)).sum(), numbers(dtype=dtype, shape=shape))
    # forward tanh, sigmoid and the product are read by others; back there is one gradient
    assert set(calls) == {(5, 3), (10, 1)}


def test_gradients_that_come_from_elsewhere_end_a_chain():
    check(lambda x: (ops.exp(x) * 2 + x).sum() + (ops.exp(x) * x).mean() * 3 + (x * x + x * x).max(), numbers())


def test_arrays_of_other_shapes_and_one_number_stay_as_they_are():
    row, one = numbers(1, (25,)), numbers(2, ())
    check(lambda x, row, one: (ops.tanh(x * row) * one + one * x).sum(), numbers(shape=(4, 25)), row, one)


def test_results_are_in_the_order_of_inputs_that_lie_otherwise():
    weight = Tensor(numbers(1, (25, 4)))
    check(lambda x: (ops.sigmoid(x.T * 2) * x.T + weight).sum(axis=0).max(), numbers(shape=(4, 25)))


def test_what_a_rule_passes_on_is_nobodys_else():
    check(lambda x, y: ((x + y) + (x + 1)).sum(), numbers(), numbers(1))
    check(lambda x, y: ((x.T + y.T) + (x.T + 1)).sum(), numbers(shape=(4, 25)), numbers(1, (4, 25)))


def test_a_gradient_in_another_dtype_is_converted():
    check(lambda x, y: (ops.tanh(x * y) * y).sum(), numbers(), numbers(1, dtype=np.float64))


def test_results_that_a_function_returns_are_kept():
    x = Tensor(numbers(), requires_grad=True)
    compiled = minigrad.compile(lambda: ((y := ops.exp(x * 2) + 1).sum(), y), verify=True)
    for _ in range(3):
        _, y = compiled()
    np.testing.assert_array_equal(y.data, np.exp(x.data * 2) + 1)


def test_an_error_of_one_block_is_told():
    x = Tensor(numbers(), requires_grad=True)
    compiled = minigrad.compile(lambda y: (ops.log(x) * y + x * y).sum())
    for _ in range(3):
        compiled(numbers(1))
    with pytest.raises((ValueError, RuntimeError)):
        compiled(numbers(1, (SIZE + 1,)))


def test_two_threads_give_the_same_bits(monkeypatch):
    from minigrad import cores

    halves = []

    def in_halves(work, n, size):
        halves.append(n)
        work(n // 2, n)
        work(0, n // 2)

    monkeypatch.setattr(blocks, "in_halves", in_halves)
    assert cores.LARGE > SIZE
    check(lambda x: (ops.tanh(x * 2 + 1) * ops.sigmoid(x)).sum(), numbers())
    assert halves
