"""What holds for every operation, whatever its arrays look like: drawn by hypothesis, the same draws in every run."""

from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from minigrad import Tensor, grad
from minigrad.engine.opcheck import check_operation

from .operations import DECLARED, OPERATIONS, as_list, is_differentiable
from .samples import CASES, elementwise

drawn = settings(
    max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
FLOATS = {"f2": {"rtol": 2e-2, "atol": 2e-2}, "f4": {"rtol": 1e-4, "atol": 5e-5}, "f8": {"rtol": 1e-11, "atol": 1e-13}}
INDICES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


def in_order(array: np.ndarray) -> np.ndarray:
    return array.copy()


def fortran(array: np.ndarray) -> np.ndarray:
    return np.array(array, order="F")


def backwards(array: np.ndarray) -> np.ndarray:
    """The same values in memory that runs backwards along every axis."""
    return np.asarray(np.flip(np.flip(array).copy()))


def with_gaps(array: np.ndarray) -> np.ndarray:
    """The same values in memory with others between them."""
    every_other: tuple[Any, ...] = (..., *(slice(None, None, 2),) * array.ndim)  # ...: a view also without axes
    view: np.ndarray = np.zeros([2 * n for n in array.shape], array.dtype)[every_other]
    view[...] = array
    return view


LAYOUTS = [in_order, fortran, backwards, with_gaps]


def mapped(value: Any, change: Any) -> Any:
    """The value with `change` applied to each array in it, in lists and tuples too."""
    if isinstance(value, np.ndarray):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)([mapped(part, change) for part in value])
    return value


class Drawn:
    """A call of an operation with its arrays in other dtypes and layouts."""

    def __init__(self, name: str, data: st.DataObject) -> None:
        self.name = name
        call = data.draw(st.sampled_from(CASES[name].calls))
        self.dtype = data.draw(st.sampled_from([dtype for dtype in FLOATS if dtype != "f2" or name not in NO_HALF]))
        self.order = data.draw(st.sampled_from("<>"))
        self.index = data.draw(st.sampled_from(INDICES[: -1 if name == "repeat" else None]))  # NumPy's takes no uint64
        self.layouts = data.draw(st.lists(st.sampled_from(LAYOUTS), min_size=4, max_size=4))
        self.kwargs = call.kwargs
        self.plain = mapped(list(call.args), lambda x: x.astype(self.dtype) if x.dtype.kind == "f" else x)

    def odd(self, leaf: Any = lambda x: x) -> list[Any]:
        """The arguments, in odd dtypes and layouts; `leaf` is applied to arrays of floating point."""
        layouts = cycle(self.layouts)

        def change(x: np.ndarray, leaf: Any) -> Any:
            if x.dtype.kind == "f":
                return leaf(next(layouts)(x.astype(self.order + self.dtype)))
            if x.dtype.kind in "iu" and not (x.size and self.index[0] == "u" and x.min() < 0):
                x = x.astype(self.order + self.index)
            return next(layouts)(x)

        return self._arguments(change, leaf)

    def wide(self, leaf: Any = lambda x: x) -> list[Any]:
        """The same numbers in float64, native and in order."""
        return self._arguments(lambda x, leaf: leaf(x.astype(np.float64)) if x.dtype.kind == "f" else x, leaf)

    def _arguments(self, change: Any, leaf: Any) -> list[Any]:
        """The arguments with `change(array, leaf)` applied to each array, where one without a rule is no leaf."""
        rules = DECLARED[self.name].primitive.rules if self.name in DECLARED else [True] * len(self.plain)
        leaves = [leaf if rule else lambda x: x for rule in [*rules, *[None] * len(self.plain)]]
        return [mapped(x, partial(change, leaf=chosen)) for x, chosen in zip(self.plain, leaves, strict=False)]


def native(dtype: np.dtype) -> np.dtype:
    return dtype.newbyteorder("=")


NO_HALF = {"cholesky", "eigh", "svd", "pinv", "qr", "solve", "inv", "det", "slogdet"}  # LAPACK has none
NAMES = [name for name in CASES if name not in ("cast", "astype")]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NAMES)
@drawn
@given(data=st.data())
def test_values_are_those_of_the_reference_in_any_dtype_byte_order_and_layout(name, data):
    drawing = Drawn(name, data)
    expected = as_list(CASES[name].reference(*drawing.wide(), **drawing.kwargs))
    for convert in (lambda x: x, Tensor):
        found = as_list(OPERATIONS[name](*drawing.odd(convert), **drawing.kwargs))
        for ours, value in zip(found, map(np.asarray, expected), strict=True):
            array = ours.data if isinstance(ours, Tensor) else ours
            assert array.shape == value.shape
            if array.dtype.kind == "f" and name not in ("erf", "moments"):  # which give float32 for float16
                assert native(array.dtype) == np.dtype(drawing.dtype)
            np.testing.assert_allclose(array, value, **FLOATS[drawing.dtype])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name in NAMES if is_differentiable(name)])
@drawn
@given(data=st.data())
def test_gradients_are_those_of_float64_in_any_dtype_byte_order_and_layout(name, data):
    drawing = Drawn(name, data)

    def gradients(arguments: Any) -> list[Any]:
        leaves: list[Tensor] = []

        def leaf(x: np.ndarray) -> Tensor:
            leaves.append(Tensor(x, requires_grad=True))
            return leaves[-1]

        outputs = [x for x in as_list(OPERATIONS[name](*arguments(leaf), **drawing.kwargs)) if x.requires_grad]
        random = np.random.default_rng(0)
        starts = [random.uniform(-1, 1, x.shape).astype("f2").astype(x.dtype) for x in outputs]
        found = grad(outputs, leaves, starts, allow_unused=True) if outputs else []
        return [None if x is None else x.data for x in found]

    expected = gradients(drawing.wide)
    for ours, value in zip(gradients(drawing.odd), expected, strict=True):
        assert (ours is None) == (value is None)
        if ours is not None:
            assert native(ours.dtype) == np.dtype(drawing.dtype)
            scale = max(1.0, np.abs(value).max(initial=0))
            np.testing.assert_allclose(ours / scale, value / scale, **FLOATS[drawing.dtype])


# Elementwise: also of any shapes that go together, of 0 axes and 0 elements too, and of any kind of number.

ELEMENTWISE = [
    name
    for name, operation in DECLARED.items()
    if name in elementwise.CASES
    and name not in ("where", "clip", "hardtanh", "round", "cast", "broadcast_to", "sum_to")
]


def arity(name: str) -> int:
    first = elementwise.CASES[name].calls[0]
    return sum(isinstance(x, np.ndarray) for x in first.args)


def numbers(name: str, place: int, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Numbers of the range from which the first sample of the operation is taken, at this place of its arguments."""
    values = elementwise.CASES[name].calls[0].args[place]
    return np.asarray(np.random.default_rng([seed, place]).uniform(values.min(), values.max(), shape))


@drawn
@given(data=st.data())
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_operations_take_all_shapes_that_go_together(name, data):
    n = arity(name)
    shapes, shape = data.draw(mutually_broadcastable_shapes(num_shapes=n, min_side=0, max_side=3, max_dims=3))
    seed = data.draw(st.integers(0, 99))
    inputs = [numbers(name, i, s, seed) for i, s in enumerate(shapes)]
    expected = CASES[name].reference(*inputs)
    found = OPERATIONS[name](*inputs)
    assert found.shape == shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    check_operation(OPERATIONS[name], *inputs)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@drawn
@given(data=st.data())
@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if isinstance(CASES[name].reference, np.ufunc)])
def test_elementwise_operations_of_integers_and_truth_values_are_those_of_numpy(name, data):
    dtypes = [data.draw(st.sampled_from(["?", *INDICES])) for _ in range(arity(name))]
    inputs = [np.arange(1, 4).astype(dtype) for dtype in dtypes]
    try:
        expected = CASES[name].reference(*inputs)
    except TypeError:
        with pytest.raises(TypeError, match=name):
            OPERATIONS[name](*map(Tensor, inputs))
        return
    found = OPERATIONS[name](*map(Tensor, inputs)).data
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
