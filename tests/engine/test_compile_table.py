"""A replay follows its inputs: for every operation, in other orders, signs and choices than those recorded."""

import re
from functools import partial

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, grad
from minigrad.engine.recording import CompileError

from ..ops.numpy_calls import ARRAYS, CONSTANTS
from ..ops.operations import COMPOSED, DECLARED, OPERATIONS, as_list, is_differentiable
from ..ops.samples import CASES
from ..ops.test_numpy import EXPRESSIONS, names_in

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def other(array, seed):
    """The same numbers in another order, or their negatives; of a square matrix in another order of its axes."""
    random = np.random.default_rng(seed)
    if array.ndim == 2 and array.shape[0] == array.shape[1] and array.dtype.kind == "f":
        order = random.permutation(len(array))
        return array[order][:, order].copy()
    mixed = random.permutation(array.reshape(-1)).reshape(array.shape)
    if array.dtype.kind == "f" and seed % 2:
        return mixed * 1.25 if (array > 0).all() else -mixed
    return mixed


def mapped(value, change):
    """The value with `change` applied to each array in it, in lists too."""
    if isinstance(value, np.ndarray):
        return change(value)
    return [mapped(part, change) for part in value] if type(value) is list else value


class Computed:
    """A function of arrays, each times a parameter of its own, as a sum whose gradients tell of all its results."""

    def __init__(self, function, arrays, has_gradient, order):
        self.results, self.arrays, self.order = function, arrays, order
        self.parameters = {i: Tensor(np.ones(()), requires_grad=True) for i in (*has_gradient, "none")}
        self.compiled = minigrad.compile(self.total)

    def total(self, *inputs):
        inputs = [x * self.parameters[i] if i in self.parameters else x for i, x in enumerate(inputs)]
        results = [x for x in as_list(self.results(*inputs)) if isinstance(x, Tensor)]
        total = sum([parameter * 0.0 for parameter in self.parameters.values()], np.zeros(()))
        for x in results:
            x = x if x.dtype.kind == "f" else x.astype(np.float64)
            total = total + (x * np.cos(np.arange(x.size)).reshape(x.shape)).sum() + (x * x).sum()
        if self.order == 1:
            return total, *results
        slopes = grad(total, list(self.parameters.values()), create_graph=True)
        return sum([slope * slope for slope in slopes], total)

    def called(self, function, inputs):
        """The bits of what a function returns, and of the gradients that it leaves behind."""
        for parameter in self.parameters.values():
            parameter.grad = None
        results = function(*inputs)
        results = results if isinstance(results, tuple) else (results,)
        if function is not self.compiled:
            results[0].backward()
        return [x.data.tobytes() for x in results], [p.grad.tobytes() for p in self.parameters.values()]

    def refusal(self):
        """Why it cannot be recorded, or None: then replays with other arrays are what the function gives."""
        try:
            for _ in range(2):  # the second call computes both ways, and proves nothing: nothing is other
                self.called(self.compiled, self.arrays)
        except CompileError as error:
            return str(error)
        for seed in range(2):
            inputs = [other(array, seed) for array in self.arrays]
            try:
                expected = self.called(self.total, map(Tensor, inputs))
            except (ValueError, IndexError):  # an order that the operation does not take
                continue
            assert self.called(self.compiled, inputs) == expected


def computed(name, i, order, indices=np.int64, constant=None):
    """A call of the table, its arrays as inputs, but for one that is constant: also those in lists, indices, masks."""
    args, kwargs = CASES[name].calls[i]
    rules = [True] * len(args) if name in COMPOSED else [*DECLARED[name].primitive.rules, *[None] * len(args)]
    arrays, has_gradient = [], []

    def given(array, rule):
        if rule and array.dtype.kind == "f":
            has_gradient.append(len(arrays))
        arrays.append(array.astype(indices) if array.dtype == np.int64 else array)
        return array

    for value, rule in zip(args, rules, strict=False):
        mapped(
            list(value) if name in ("concatenate", "stack") and value is args[0] else value, partial(given, rule=rule)
        )

    def function(*inputs):
        left = iter([*inputs[:constant], held[0], *inputs[constant:]] if held else inputs)
        return OPERATIONS[name](*[mapped(value, lambda _: next(left)) for value in args], **kwargs)

    held = [] if constant is None else [arrays.pop(constant)]
    has_gradient = [place - (place > constant) for place in has_gradient if place != constant] if held else has_gradient
    return Computed(function, arrays, has_gradient, order)


REFUSES = {("getitem", 10), ("index_add", 10), ("index_put", 10), ("det", 0), ("det", 1)}
"""Calls whose gradients follow from numbers: how many a mask chooses, or whether a matrix is singular."""

CALLS = [(name, i) for name, case in CASES.items() for i in range(len(case.calls))]


@pytest.mark.parametrize(("name", "i"), CALLS, ids=[f"{name}-{i}" for name, i in CALLS])
def test_a_replay_of_an_operation_follows_its_inputs(name, i):
    refusal = computed(name, i, 1).refusal()
    assert (refusal is not None) == ((name, i) == ("getitem", 10)), refusal


@pytest.mark.parametrize(
    ("name", "i"),
    [each for each in CALLS if is_differentiable(each[0])],
    ids=[f"{n}-{i}" for n, i in CALLS if is_differentiable(n)],
)
def test_a_replay_of_a_gradient_follows_its_inputs(name, i):
    refusal = computed(name, i, 2).refusal()
    assert (refusal is not None) == ((name, i) in REFUSES), refusal


WITH_INDICES = [
    each for each in CALLS if any(getattr(x, "dtype", None) == np.int64 for x in CASES[each[0]].calls[each[1]].args)
]


@pytest.mark.parametrize(("name", "i"), WITH_INDICES, ids=[f"{name}-{i}" for name, i in WITH_INDICES])
def test_a_replay_follows_indices_that_are_converted(name, i):
    assert computed(name, i, 1, np.int32).refusal() is None


PAIRS = [(name, i) for name, i in CALLS if sum(isinstance(x, np.ndarray) for x in CASES[name].calls[i].args) > 1]


@pytest.mark.parametrize("constant", [0, 1])
@pytest.mark.parametrize(("name", "i"), PAIRS, ids=[f"{name}-{i}" for name, i in PAIRS])
def test_a_replay_follows_one_input_beside_a_constant(name, i, constant):
    assert (computed(name, i, 1, constant=constant).refusal() is None) or (name, i) == ("getitem", 10)


READING = """
    bincount choose compress cov delete extract frexp geomspace histogram interp intersect1d ldexp lstsq nanmedian
    nanpercentile nanquantile partition percentile piecewise polydiv polyfit polymul polyval quantile roots setdiff1d
    setxor1d trim_zeros union1d unique unique_all unique_counts unique_inverse unique_values unwrap
"""
"""NumPy's functions that look at numbers in one of their forms, which a recording refuses."""


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_replay_of_a_function_of_numpy_follows_its_inputs_or_is_refused(expression):
    names = names_in(expression)
    names += [x for x in dict.fromkeys(re.findall(r"\b[a-z]+\b", expression)) if x in CONSTANTS]
    arrays = {**ARRAYS, **CONSTANTS}

    def function(*inputs):
        return eval(expression, {"np": np, **CONSTANTS}, dict(zip(names, inputs, strict=True)))

    refusal = Computed(function, [arrays[x] for x in names], range(len(names_in(expression))), 1).refusal()
    if refusal is not None:
        assert "the numbers of a tensor" in refusal
        assert any(re.search(rf"\b{name}\(", expression) for name in READING.split()), refusal
