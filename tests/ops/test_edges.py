"""Arrays of no axes and of no elements, and what is no array of real numbers."""

import numpy as np
import pytest

from minigrad import Tensor, grad, ops

ALONG = {
    "softmax": ops.softmax,
    "log_softmax": ops.log_softmax,
    "sort": np.sort,
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "diff": np.diff,
    "flip": np.flip,
    "cumulative_sum": lambda x, axis: (
        np.cumulative_sum(x, axis=axis) if hasattr(np, "cumulative_sum") else np.cumsum(x, axis)
    ),
}


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 2), (2, 0, 3)])
@pytest.mark.parametrize("name", ALONG)
def test_an_axis_of_length_0_stays_empty(name, shape):
    for axis in range(-1, len(shape)):
        x = Tensor(np.zeros(shape), requires_grad=True)
        result = ALONG[name](x, axis=axis)
        assert result.size == 0
        (dx,) = grad(result.sum(), x)
        assert dx.shape == shape


@pytest.mark.parametrize("axis", [0, -1])
def test_softmax_of_one_number_is_one(axis):
    x = Tensor(np.asarray(0.5), requires_grad=True)
    assert ops.softmax(x, axis).item() == 1
    assert ops.log_softmax(x, axis).item() == 0
    (dx,) = grad(ops.softmax(x, axis), x)
    assert dx.item() == 0


def test_sums_of_nothing_have_the_neutral_value():
    x = Tensor(np.zeros((2, 0)), requires_grad=True)
    np.testing.assert_array_equal(ops.logsumexp(x, axis=1).data, [-np.inf, -np.inf])
    for function, value in ((np.sum, 0), (np.prod, 1), (np.nansum, 0), (np.nanprod, 1)):
        result = function(x, axis=1)
        np.testing.assert_array_equal(result.data, [value, value])
        (dx,) = grad(result.sum(), x)
        assert dx.shape == (2, 0)


ELEMENTWISE = [
    np.fabs,
    np.rint,
    np.deg2rad,
    np.nan_to_num,
    np.i0,
    np.real,
    np.unwrap,
    np.modf,
    np.frexp,
    np.fix,
    np.around,
]
PAIRS = [np.fmax, np.fmin, np.float_power, np.copysign, np.heaviside, np.logaddexp2, np.divmod, np.append, np.kron]


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_elementwise_compositions_take_numbers_and_nothing(function, shape):
    if function is np.unwrap and not shape:
        pytest.skip("NumPy takes no 0-d array either")
    x = np.full(shape, 0.3)
    _compare(function(Tensor(x, requires_grad=True)), function(x))


@pytest.mark.parametrize("function", PAIRS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_compositions_of_pairs_take_numbers_and_nothing(function, shape):
    x = np.full(shape, 0.3)
    _compare(function(Tensor(x, requires_grad=True), x), function(x, x))
    _compare(function(x, Tensor(x, requires_grad=True)), function(x, x))
    if not shape:
        _compare(function(0.3, Tensor(x)), function(0.3, x))


def _compare(found, expected):
    for one, other in zip(*(x if isinstance(x, tuple) else (x,) for x in (found, expected)), strict=True):
        assert (one.shape, one.dtype) == (np.shape(other), np.asarray(other).dtype)
        np.testing.assert_allclose(one.data, other, rtol=1e-14)


NO_NUMBERS = {
    "complex": np.array([1j, 2.0]),
    "object": np.array([1.0, None]),
    "structured": np.zeros(2, [("a", float)]),
    "text": np.array(["a", "b"]),
    "dates": np.array(["2020-01-01"] * 2, "M8[D]"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
@pytest.mark.parametrize("call", [np.add, np.hypot, np.append, np.dot, np.cross, np.convolve, np.kron])
def test_what_is_no_real_number_is_refused_beside_a_tensor(kind, call):
    name = "add|hypot|dot|concatenate|multiply|"
    with pytest.raises(
        TypeError, match=rf"^({name}).*a tensor holds numbers, got ndarray of dtype .*; (take|convert) "
    ):
        call(Tensor(np.array([1.0, 2.0]), requires_grad=True), NO_NUMBERS[kind])
    with pytest.raises(TypeError, match=r"a tensor holds numbers, got .* of dtype"):
        Tensor(NO_NUMBERS[kind])


def test_ragged_nests_are_refused_with_a_sentence():
    x, ragged = Tensor([1.0, 2.0]), [[1.0], [1.0, 2.0]]
    for call in (lambda: Tensor(ragged), lambda: np.append(x, ragged), lambda: x + ragged, lambda: np.hypot(ragged, x)):
        with pytest.raises(ValueError, match="a tensor is a full rectangle of numbers, got a ragged nest"):
            call()


WRONG = [
    (lambda x: np.hstack([]), "at least one|not enough"),
    (lambda x: np.hsplit(x, 4), "axis 1, of length 3, is not 4 equal parts"),
    (lambda x: np.dsplit(x, 1), r"dsplit of float64 \(2, 3\): expected an array of 3 or more axes"),
    (lambda x: np.vsplit(x[0], 1), r"vsplit of float64 \(3,\): expected an array of 2 or more axes"),
    (lambda x: np.rot90(x, axes=(0, 0)), "axes are two different ones"),
    (lambda x: np.diff(x, n=-1), "n is 0 or more, got -1"),
    (lambda x: np.diff(x, axis=2), "diff along axis 2 of an array with 2 axes"),
    (lambda x: np.gradient(x, 1.0, 2.0, 3.0), "expected one spacing, or one for each of 2 axes, got 3"),
    (lambda x: np.gradient(x[:, :1]), "axis 1 has length 1, and 2 are needed"),
    (lambda x: np.gradient(x, edge_order=3), "edge_order is 1 or 2, got 3"),
    (lambda x: np.average(x, axis=0, weights=np.ones(3)), r"weights of shape \(3,\) fit neither the array, \(2, 3\)"),
    (lambda x: np.quantile(x, 1.5), r"expected shares in \[0, 1\]"),
    (lambda x: np.pad(x, 1, "mirror"), "pad: mode is one of constant, .*, empty, got 'mirror'"),
    (lambda x: np.pad(x, 1, stat_length=2), "pad: the mode 'constant' takes constant_values, got stat_length"),
    (lambda x: np.pad(x, 1, "edge", reflect_type="odd"), "pad: the mode 'edge' takes no keyword, got reflect_type"),
    (lambda x: np.pad(x, 1, "reflect", reflect_type="o"), "pad: reflect_type is 'even' or 'odd', got 'o'"),
    (lambda x: np.pad(x, (1, 2, 3), "mean"), "pad_width is a number, a pair, or a pair for each"),
    (lambda x: np.pad(x, 1, "maximum", stat_length=0), "pad: stat_length is at least 1, got 0"),
    (lambda x: np.quantile(x, 0.5, weights=np.ones((2, 3))), "takes weights with method='inverted_cdf', got 'linear'"),
    (lambda x: np.convolve(x, x), "expected two vectors that are not empty"),
    (lambda x: np.convolve(x[0], x[0], "wide"), "mode is 'full', 'same' or 'valid', got 'wide'"),
    (lambda x: np.select([x.data > 0], []), "list of cases must be same length"),
    (lambda x: np.max(x, where=x.data > 0), "takes where= with initial= only"),
    (lambda x: np.add.reduce(x, axis=5), "out of bounds"),
    (lambda x: np.subtract.reduce(x, axis=5), "subtract.reduce along axis 5 of an array with 2 axes"),
    (lambda x: np.exp.reduce(x), "reduce only supported for binary functions"),
    (lambda x: np.einsum(x), "expected a list of integers behind each array"),
    (lambda x: np.einsum(x, [0, 77]), "holds integers from 0 to 51"),
    (lambda x: np.einsum(x, "ij"), "holds integers from 0 to 51"),
    (lambda x: np.einsum("ij", x, foo=1), "np.einsum of a tensor takes no foo=1; it takes"),
    (lambda x: np.linalg.eigvalsh(x @ x.T, "X"), "UPLO is 'L' or 'U', got 'X'"),
    (lambda x: np.linalg.eig(np.array([[0.0, 1.0], [-1.0, 0.0]]) + 0 * x[:, :2]), "some eigenvalues are complex"),
    (lambda x: np.linalg.matrix_power(x, 2), "expected a square matrix"),
    (lambda x: np.linalg.norm(x, 3), "norm of float64 .*: ord=3 over 2 axes"),
    (lambda x: np.linalg.lstsq(x, x[0]), r"expected \(m, n\), and \(m,\) or \(m, k\)"),
    (lambda x: np.linalg.multi_dot([x]), "expected two or more arrays, got 1"),
    (lambda x: np.reshape(x, (3, 2), order="X"), "order is 'C', 'F', 'A' or 'K', got 'X'"),
    (lambda x: np.tril(x[0, 0]), "expected a matrix or a stack of them"),
    (lambda x: np.polyfit(x[0], x[0], 1, full=True), "gives the polynomial alone"),
    (lambda x: np.cov(x, fweights=[0.5, 1, 1]), "fweights are integers; use aweights"),
    (lambda x: np.clip(x, 0, x[:, :2]), "axis -1 has lengths"),
    (lambda x: np.bincount(np.array([0, 1]), x), "bincount|index_add|shape"),
    (lambda x: x.sum(0, True), "expected a dtype, .*; give keepdims by its name: keepdims=True"),
    (lambda x: x.max(0, True), "np.max: expected a tensor as out, got True; give keepdims by its name"),
    (lambda x: x.repeat(2, 3), r"repeat of x float64 \(2, 3\): there is no axis 3; np.tile"),
    (lambda x: x.repeat((2, 3)), "repeats is one number, or one for each of 6 elements, got 2; np.tile"),
    (lambda x: x.repeat(1, 2, 3), r"PyTorch's dim is axis, repeat is np.tile\(x, reps\)"),
    (lambda x: x[None].transpose(0, 1), r"transpose takes each of the 3 axes .*; x.swapaxes\(i, j\) exchanges two"),
    (lambda x: ops.transpose(x, 0, 1), r"PyTorch's dims is axes, transpose is x.swapaxes\(i, j\)"),
    (lambda x: x.flatten(0, 1), "flatten takes an order, 'C' or 'F', got 0, 1; x.reshape"),
    (lambda x: x.sum(dim=0), "sum takes a, axis, dtype, out, keepdims, initial, where; .*'dim'"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_calls_that_do_not_fit_end_in_a_sentence(call, message):
    with pytest.raises((ValueError, TypeError, IndexError), match=message):
        call(Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True))
