"""Writes in place: what NumPy allows gives NumPy's values and dtype, with a history too; the rest is refused."""

import operator
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minigrad import Tensor, check_gradients, grad, nn, no_grad

UPDATES = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "//=": operator.ifloordiv,
    "%=": operator.imod,
    "**=": operator.ipow,
    "@=": operator.imatmul,
    "&=": operator.iand,
    "|=": operator.ior,
    "^=": operator.ixor,
}
DTYPES = ("float16", "float32", "float64", "int8", "uint8", "int64", "bool", ">f4")
SHAPES = ((), (3,), (1, 3), (3, 1), (3, 3), (2, 3, 3), (0, 3))


def numbers(shape, dtype):
    """Small numbers from 1 to 4, which any dtype holds, and their quotients and powers too."""
    return (np.arange(np.prod(shape, dtype=int)) % 4 + 1).reshape(shape).astype(dtype)


@pytest.mark.parametrize("way", ["constant", "under no_grad", "computed"])
@pytest.mark.parametrize("name", UPDATES)
@settings(max_examples=60, derandomize=True, deadline=None)
@given(shapes=st.tuples(*[st.sampled_from(SHAPES)] * 2), dtypes=st.tuples(*[st.sampled_from(DTYPES)] * 2))
def test_an_update_is_numpys_or_refused_and_then_changes_nothing(name, way, shapes, dtypes):
    update = UPDATES[name]
    a, b = map(numbers, shapes, dtypes)
    x = Tensor(a.copy(), requires_grad=way == "under no_grad" and a.dtype.kind == "f")
    if way == "computed" and a.dtype.kind == "f":
        x = Tensor(a.copy(), requires_grad=True) * 1
    before = (x.shape, x.dtype)
    with no_grad() if way == "under no_grad" else nullcontext():
        try:
            expected = update(a.copy(), b)
        except (TypeError, ValueError):
            with pytest.raises((TypeError, ValueError)):
                update(x, Tensor(b))
            np.testing.assert_array_equal(x.data, a)
        else:
            x = update(x, Tensor(b))
            np.testing.assert_array_equal(x.data, expected)
    assert (x.shape, x.dtype) == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_larger_or_finer_operand_leaves_shape_and_dtype_and_gets_its_own_gradient(dtype):
    w = Tensor(np.ones((3, 1), dtype), requires_grad=True)
    v = Tensor(np.full(1, 2.0), requires_grad=True)
    h = w * 3
    h *= v
    assert (h.shape, h.dtype) == ((3, 1), dtype)
    dw, dv = grad(h.sum(), [w, v])
    np.testing.assert_array_equal(dw.data, np.full((3, 1), 6, dtype))
    assert (dv.data, dv.dtype) == (9, np.float64)
    with pytest.raises(
        ValueError, match=r"multiply in place keeps the shape \(3, 1\).* result has \(3, 4\); give that"
    ):
        h *= np.ones(4, dtype)


def test_integers_refuse_what_has_a_gradient():
    counts = Tensor(np.ones(2, np.int64))
    with pytest.raises(TypeError, match="Cannot cast the float64 that add gives to int64"):
        counts += Tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(counts.data, [1, 1])


@st.composite
def assignments(draw):
    """A shape, an index of it, and a value that fits, with up to two more axes of length 1."""
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=3, max_side=3))
    basic = arrays.basic_indices(shape, allow_newaxis=True)
    fancy = arrays.integer_array_indices(shape)
    masks = arrays.arrays(bool, shape)
    index = draw(st.one_of(basic, fancy, masks))
    places = np.zeros(shape)[index].shape
    kept = [draw(st.sampled_from((n, 1))) for n in places]
    kept = kept[draw(st.integers(0, len(kept))) :] if draw(st.booleans()) else kept
    return shape, index, (1,) * draw(st.integers(0, 2)) * (len(kept) == len(places)) + tuple(kept)


@settings(max_examples=250, derandomize=True, deadline=None)
@given(assignments())
def test_an_assignment_is_numpys_and_every_value_has_the_gradient_of_where_it_stays(drawn):
    shape, index, of_value = drawn
    value = np.arange(1.0, np.prod(of_value, dtype=int) + 1).reshape(of_value)
    w = Tensor(value, requires_grad=True)
    x = Tensor(np.zeros(shape), requires_grad=True)
    y = x * 2
    expected = np.zeros(shape)
    try:
        expected[index] = value
    except (TypeError, ValueError):  # NumPy wants a number for one element, and at most a vector for a mask
        with pytest.raises((TypeError, ValueError)):
            y[index] = w
        return
    y[index] = w
    np.testing.assert_array_equal(y.data, expected)
    weights = np.random.default_rng(0).normal(size=shape)
    dw, dx = grad((y * weights).sum(), [w, x])
    assert dw.shape == of_value
    np.testing.assert_allclose(dw.data.ravel(), [weights[expected == v].sum() for v in value.ravel()])
    np.testing.assert_allclose(dx.data, np.where(expected == 0, 2 * weights, 0))


@pytest.mark.parametrize("is_computed", [False, True])
def test_an_assignment_through_an_index_reaches_the_whole(is_computed):
    w = Tensor([5.0, 6.0], requires_grad=True)
    x = Tensor(np.ones((2, 3, 2)), requires_grad=is_computed)
    whole = x * 1 if is_computed else x
    whole[0][1] = w
    whole[1][2][0] = w[0]
    for row in whole[1]:
        row[1] = w[1] * 2
    expected = np.ones((2, 3, 2))
    expected[0, 1], expected[1, 2, 0], expected[1, :, 1] = [5, 6], 5, 12
    np.testing.assert_array_equal(whole.data, expected)
    weights = np.arange(12.0).reshape(2, 3, 2)
    (dw,) = grad((whole * weights).sum(), w)
    np.testing.assert_array_equal(dw.data, [2 + 10, 3 + 2 * (7 + 9 + 11)])


def test_a_part_that_was_taken_before_the_whole_became_another_is_of_its_own():
    w = Tensor(2.0, requires_grad=True)
    x = Tensor(np.zeros(3))
    part = x[:2]
    x[2] = w
    part[0] = w
    np.testing.assert_array_equal(part.data, [2, 0])
    np.testing.assert_array_equal(x.data, [0, 0, 2])


def test_a_part_of_a_leaf_is_not_written_to_as_the_leaf_is_not():
    x = Tensor(np.zeros((2, 2)), requires_grad=True)
    with pytest.raises(RuntimeError, match=r"write under no_grad\(\)"):
        x[0][1] = 1.0
    np.testing.assert_array_equal(x.data, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("float32", np.array([1, 2]), "float32"),
        ("float32", np.array([True, False]), "float32"),
        ("float32", [1, 2], "float32"),
        ("float32", np.array([1.0, 2.0]), "float64"),
        ("float64", Tensor([1.0, 2.0]), "float32"),
        ("float64", [1.0, 2.0], "float64"),
        ("int64", [1, 2], "int64"),
        ("int64", np.array([1, 2], np.uint8), "int64"),
    ],
)
def test_data_is_an_array_of_the_kind_that_it_was(dtype, value, expected):
    x = Tensor(np.zeros(2, dtype))
    x.data = value
    assert type(x.data) is np.ndarray
    assert x.data.dtype == expected
    np.testing.assert_array_equal(x.data, value.data if isinstance(value, Tensor) else value)


def test_data_of_the_same_kind_is_kept_without_a_copy():
    values = np.array([1.0, 2.0])
    x = nn.Parameter(np.zeros(2, np.float32))
    x.data = values
    assert x.data is values


def test_data_of_a_kind_that_the_tensor_cannot_hold_is_refused_and_changes_nothing():
    for dtype, value in (("int64", [0.5]), ("bool", [1]), ("float32", np.array([1j])), ("float32", ["a"])):
        x = Tensor(np.zeros(1, dtype))
        with pytest.raises(TypeError, match=r"cannot hold|holds numbers"):
            x.data = value
        np.testing.assert_array_equal(x.data, np.zeros(1, dtype))


def test_a_parameter_of_one_number_may_be_updated_by_hand():
    w = nn.Parameter(2.0)
    (w * w).backward()
    w.data = w.data - 0.25 * w.grad
    assert isinstance(w.data, np.ndarray)
    with no_grad():
        w -= 0.5
    assert w.item() == 0.5


def test_a_gradient_that_is_set_is_made_of_numbers():
    w = nn.Parameter([1.0, 2.0])
    w.grad = [1, 2]
    assert w.grad.dtype == np.float32
    with pytest.raises(TypeError, match="holds numbers, got ndarray of dtype complex128"):
        w.grad = np.array([1j, 2j])


WRITES = {
    "an output": lambda x: np.add(x, 1.0, out=x),
    "an output in a tuple": lambda x: np.exp(x, out=(x,)),
    "an output beside arrays": lambda x: np.exp(np.ones(3), out=x),
    "an output and a mask": lambda x: np.multiply(x, 2.0, out=x, where=[True, False, True]),
    "an output of a reduction": lambda x: np.sum(x[None], axis=0, out=x),
    "an output of a composition": lambda x: np.concatenate([x[:1], x[1:] * 2], out=x),
    "add.at": lambda x: np.add.at(x, [0, 2, 0], [1.0, 2.0, 3.0]),
    "multiply.at": lambda x: np.multiply.at(x, [0, 2, 0], 3.0),
    "exp.at": lambda x: np.exp.at(x, [1, 1]),
    "copyto": lambda x: np.copyto(x, 1.5, where=[True, False, True]),
    "put": lambda x: np.put(x, [0, 5], [1.5, 2.5], mode="clip"),
    "putmask": lambda x: np.putmask(x, np.array([False, True, True]), [7.0, 8.0]),
    "place": lambda x: np.place(x, np.array([False, True, True]), [7.0, 8.0]),
    "put_along_axis": lambda x: np.put_along_axis(x, np.array([1]), 9.0, 0),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_by_a_function_of_numpy_is_a_write_in_place(name):
    expected, x = np.array([0.5, 1.0, 2.0]), Tensor(np.array([0.5, 1.0, 2.0]))
    memory, version = x.data, list(x.version)
    WRITES[name](expected)
    WRITES[name](x)
    np.testing.assert_array_equal(memory, expected)
    assert x.data is memory
    assert x.version != version


@pytest.mark.parametrize("name", WRITES)
def test_a_write_by_a_function_of_numpy_to_what_was_computed_is_part_of_the_derivative(name):
    def f(x):
        y = x * 1.0
        WRITES[name](y)
        return y * y

    check_gradients(lambda x: f(x) + x, np.array([0.5, 1.0, 2.0]))
    with pytest.raises(RuntimeError, match="cannot be written to"):
        WRITES[name](Tensor([0.5, 1.0, 2.0], requires_grad=True))


def test_diagonals_are_filled_as_numpys():
    for shape, wrap, value in (((3, 3), False, 7.0), ((5, 2), True, [1.0, 2.0]), ((2, 2, 2), False, 3.0)):
        expected, x = np.zeros(shape), Tensor(np.zeros(shape))
        np.fill_diagonal(expected, value, wrap)
        np.fill_diagonal(x, value, wrap)
        np.testing.assert_array_equal(x.data, expected)


def test_an_output_that_cannot_hold_the_result_is_refused_and_keeps_its_values():
    x, total = Tensor([1.0, 2.0], requires_grad=True), np.zeros(())
    with pytest.raises(
        TypeError, match=r"np\.sum of a tensor takes no out= of type ndarray, which would lose the grad"
    ):
        np.sum(x, out=total)
    with pytest.raises(ValueError, match=r"np\.exp: out is float32 \(3,\), and the result has the shape \(2,\)"):
        np.exp(x, out=Tensor(np.zeros(3, np.float32)))
    assert total == 0
    np.sum(x.detach(), out=total)
    assert total == 3
