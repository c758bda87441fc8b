"""Operators, methods, and NumPy's functions of tensors. What each operation computes is tested in test_table.py."""

import operator

import numpy as np
import pytest

from minigrad import Tensor, grad, no_grad

from .operations import OPERATIONS, as_list, converted, samples
from .samples import CASES

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]])
Y = np.array([[1.0, 2.0, -1.0], [0.4, -0.2, 3.0]])

IN_NUMPY = {
    name: function
    for name in CASES
    for function in [getattr(np, name, None) or getattr(np.linalg, name, None)]
    if function is not None and name not in ("put", "put_along_axis", "astype")
}


def leaf(values):
    return Tensor(values, requires_grad=True)


@samples(lambda name: name in IN_NUMPY)
def test_numpys_function_of_a_tensor_gives_a_tensor_with_a_history(name, i):
    args, kwargs = CASES[name].calls[i]
    if name in ("clip", "searchsorted") and any(isinstance(x, np.ndarray) for x in args[1:]):
        args = (Tensor(args[0]), *args[1:])
    else:
        args = converted(list(args), leaf)
    for result, value in zip(
        as_list(IN_NUMPY[name](*args, **kwargs)), as_list(OPERATIONS[name](*args, **kwargs)), strict=True
    ):
        assert isinstance(result, Tensor)
        assert result.requires_grad == value.requires_grad
        np.testing.assert_array_equal(result.data, value.data)


METHODS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / y,
    "x % y": lambda x, y: x % y,
    "x // y": lambda x, y: x // y,
    "2 - x": lambda x, y: 2 - x,
    "2 / y": lambda x, y: 2 / y,
    "2 ** x": lambda x, y: 2**x,
    "7 % y": lambda x, y: 7 % y,
    "7 // y": lambda x, y: 7 // y,
    "x ** 3": lambda x, y: x**3,
    "x @ y.T": lambda x, y: x @ y.T,
    "x.mT @ y": lambda x, y: x.mT @ y,
    "-x": lambda x, y: -x,
    "+x": lambda x, y: +x,
    "abs(x)": lambda x, y: abs(x),
    "x[1]": lambda x, y: x[1],
    "x[:, y > 0]": lambda x, y: x[:, (y > 0)[0]],
    "reshape": lambda x, y: x.reshape(3, 2),
    "reshape to a tuple": lambda x, y: x.reshape((3, -1)),
    "transpose": lambda x, y: x.transpose(),
    "transpose with axes": lambda x, y: x.transpose(1, 0),
    "transpose with a tuple": lambda x, y: x.transpose((1, 0)),
    "swapaxes": lambda x, y: x.swapaxes(0, 1),
    "squeeze": lambda x, y: x[:, :1].squeeze(1),
    "flatten": lambda x, y: x.flatten(),
    "ravel": lambda x, y: x.ravel(),
    "repeat": lambda x, y: x.repeat(2, axis=0),
    "take": lambda x, y: x.take([0, 2], axis=1),
    "astype": lambda x, y: x.astype(np.float32),
    "copy": lambda x, y: x.copy(),
    "clip": lambda x, y: x.clip(-0.8, 0.8),
    "clip by name": lambda x, y: x.clip(max=0.8),
    "round": lambda x, y: x.round(1),
    "dot": lambda x, y: x.dot(y.T),
    "diagonal": lambda x, y: x.diagonal(1),
    "trace": lambda x, y: x.trace(),
    "sum": lambda x, y: x.sum(axis=1, keepdims=True),
    "mean": lambda x, y: x.mean(axis=(0, 1)),
    "var": lambda x, y: x.var(axis=0, ddof=1),
    "std": lambda x, y: x.std(axis=0),
    "prod": lambda x, y: x.prod(axis=1),
    "max": lambda x, y: x.max(axis=1),
    "min": lambda x, y: x.min(),
    "cumsum": lambda x, y: x.cumsum(axis=1),
    "cumprod": lambda x, y: x.cumprod(axis=1),
}
CONSTANT_METHODS = {
    "x < y": lambda x, y: x < y,
    "x <= y": lambda x, y: x <= y,
    "x > y": lambda x, y: x > y,
    "x >= y": lambda x, y: x >= y,
    "x == y": lambda x, y: x == y,
    "x != y": lambda x, y: x != y,
    "and": lambda x, y: (x > 0) & (y > 0),
    "or": lambda x, y: (x > 0) | (y > 0),
    "xor": lambda x, y: (x > 0) ^ (y > 0),
    "not": lambda x, y: ~(x > 0),
    "argmax": lambda x, y: x.argmax(axis=1),
    "argmin": lambda x, y: x.argmin(),
    "argsort": lambda x, y: x.argsort(axis=0),
    "all": lambda x, y: (x > 0).all(axis=1),
    "any": lambda x, y: (x > 0).any(),
}


@pytest.mark.parametrize("name", METHODS)
def test_operators_and_methods_are_those_of_arrays_and_can_be_differentiated(name):
    x = leaf(X)
    result, expected = METHODS[name](x, leaf(Y)), METHODS[name](X, Y)
    assert result.requires_grad
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.data, expected, rtol=1e-14)


@pytest.mark.parametrize("name", CONSTANT_METHODS)
def test_comparisons_and_places_are_those_of_arrays_and_constant(name):
    f = CONSTANT_METHODS[name]
    result = f(leaf(X), leaf(Y))
    assert not result.requires_grad
    np.testing.assert_array_equal(result.data, f(X, Y))


BITWISE = {"&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor}


@pytest.mark.parametrize("x", [np.array([0, 1, 3, 6]), np.array([0, 255, 7, 8], np.uint8), np.arange(4) > 1])
@pytest.mark.parametrize("sign", BITWISE)
def test_the_operators_of_bits_are_those_of_numpy(sign, x):
    y = x[::-1]
    expected = BITWISE[sign](x, y)
    operate = {"&": operator.and_, "|": operator.or_, "^": operator.xor}[sign]
    in_place = {"&": operator.iand, "|": operator.ior, "^": operator.ixor}[sign]
    for result in (operate(Tensor(x), Tensor(y)), BITWISE[sign](Tensor(x), y), in_place(Tensor(x.copy()), Tensor(y))):
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result.data, expected)
    np.testing.assert_array_equal((~Tensor(x)).data, ~x)
    with pytest.raises(TypeError, match="not supported for the input types"):
        operate(Tensor([1.0, 2.0]), Tensor([True, False]))


def test_every_method_of_a_tensor_says_what_it_does():
    for name in dir(Tensor):
        if not name.startswith("_") and name not in Tensor.__slots__:
            assert getattr(Tensor, name).__doc__, name


def test_indices_may_be_tensors():
    x = leaf(X)
    index = Tensor(np.array([2, 0]))
    np.testing.assert_array_equal(x[:, index].data, X[:, [2, 0]])
    np.testing.assert_array_equal(x[x > 0].data, X[X > 0])
    (dx,) = grad(x[:, index].sum(), x)
    np.testing.assert_array_equal(dx.data, [[1, 0, 1], [1, 0, 1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: np.add(x, x, out=np.zeros(X.shape)),
            r"np\.add of a tensor takes no out= of type ndarray",
        ),
        (lambda x: np.add(X, X, out=x.tolist()), "return arrays must be of ArrayType"),
        (lambda x: np.sum(x, out=np.zeros(())), r"np\.sum of a tensor takes no out= of type ndarray"),
        (
            lambda x: np.nextafter(x, x),
            r"np\.nextafter has no derivative here \(it changes the bits of a number\)",
        ),
        (lambda x: np.sort_complex(x), r"np\.sort_complex has no derivative here \(it makes complex numbers\)"),
        (lambda x: np.fft.fft(x), r"np\.fft\.fft has no derivative here \(its result is complex\)"),
        (lambda x: np.pad(x, 1, flect_type="odd"), r"np\.pad of a tensor takes no flect_type='odd'; it takes"),
        (lambda x: np.take(x, x), "the places|takes integers for indices"),
        (lambda x: np.quantile(x, x[0]), r"np\.quantile in its q cannot be differentiated; pass it as \.detach\(\)"),
    ],
)
def test_what_numpy_could_do_and_a_tensor_cannot_is_refused_with_a_sentence(call, message):
    with pytest.raises(TypeError, match=message):
        call(leaf(X))


def test_an_array_that_is_added_to_in_place_by_a_tensor_refuses_it():
    total = np.zeros(X.shape)
    with pytest.raises(TypeError, match="takes no out= of type ndarray, which would lose the gradient"):
        total += leaf(X)


def test_numpys_questions_about_shape_and_equality_have_plain_answers():
    x = leaf(X)
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3), 2, 6, 3)
    assert np.allclose(x, X)
    assert np.array_equal(X, x)


def test_numpys_likes_make_constants_of_the_same_form():
    x = leaf(X.astype(np.float32))
    for made, value in ((np.zeros_like(x), 0), (np.ones_like(x), 1), (np.full_like(x, 7), 7)):
        assert (made.shape, made.dtype, made.requires_grad) == (x.shape, x.dtype, False)
        assert np.all(made.data == value)
    for made in (np.zeros_like(x, dtype=int), np.ones_like(x, int), np.full_like(x, 7, dtype=int)):
        assert made.dtype == int


def test_numpys_names_for_the_bounds_of_clip_are_known():
    x = leaf(X)
    for result in (np.clip(x, -0.8, 0.8), np.clip(x, a_min=-0.8, a_max=0.8), x.clip(min=-0.8, max=0.8)):
        np.testing.assert_array_equal(result.data, X.clip(-0.8, 0.8))


IN_PLACE = {
    "+=": (operator.iadd, np.add),
    "-=": (operator.isub, np.subtract),
    "*=": (operator.imul, np.multiply),
    "/=": (operator.itruediv, np.divide),
    "**=": (operator.ipow, np.power),
    "//=": (operator.ifloordiv, np.floor_divide),
    "%=": (operator.imod, np.remainder),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_an_update_of_a_constant_or_under_no_grad_is_a_write_in_place(name):
    update, function = IN_PLACE[name]
    for requires_grad in (False, True):
        x = Tensor(np.abs(X), requires_grad=requires_grad)
        same, memory = x, x.data
        with no_grad():
            x = update(x, 2.0)
        assert x is same
        assert x.data is memory
        # NumPy rounds a power otherwise in the last place, by where an array lies in memory
        np.testing.assert_allclose(memory, function(np.abs(X), 2.0), rtol=1e-15, atol=0)


def test_an_update_of_a_computed_tensor_is_part_of_the_derivative():
    x = leaf(X)
    y = x * 2
    before = y
    y += x * x
    np.testing.assert_array_equal(before.data, X * 2)
    (dx,) = grad(y.sum(), x)
    np.testing.assert_array_equal(dx.data, 2 + 2 * X)


def test_an_update_of_a_leaf_is_refused_outside_of_no_grad():
    x = leaf(X)
    with pytest.raises(RuntimeError, match=r"write under no_grad\(\)"):
        x -= 0.1


def test_an_update_between_forward_and_backward_is_noticed():
    x = leaf(X)
    loss = (x * x).sum()
    with no_grad():
        x -= 0.1
    with pytest.raises(RuntimeError, match="written to in place"):
        loss.backward()


def test_an_update_keeps_the_dtype_and_refuses_what_it_cannot_hold():
    x = Tensor(np.ones(3, np.float32))
    x += np.ones(3)
    assert x.dtype == np.float32
    counts = Tensor(np.ones(3, np.int64))
    with pytest.raises(TypeError, match="Cannot cast"):
        counts += 0.5
    with pytest.raises(TypeError, match=r"a tensor of int64 cannot hold values with a gradient; convert it"):
        counts[0] = leaf(2.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda one, other: np.dot(one, other),
        lambda one, other: np.inner(one, other),
        lambda one, other: np.outer(one, other),
        lambda one, other: np.tensordot(one, other, 1),
        lambda one, other: np.einsum("i,i->", one, other),
        lambda one, other: np.concatenate([one, other]),
        lambda one, other: np.where([True, False], one, other),
        lambda one, other: np.maximum(one, other),
        lambda one, other: np.hypot(one, other),
    ],
)
def test_a_list_may_stand_beside_a_tensor_on_either_side(call):
    numbers, x = [1.0, 2.0], leaf(np.array([3.0, 4.0]))
    np.testing.assert_array_equal(call(numbers, x).data, call(np.array(numbers), x.data))
    np.testing.assert_array_equal(call(x, numbers).data, call(x.data, np.array(numbers)))
