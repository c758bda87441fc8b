"""Every function of NumPy has a derivative, is a constant, or is refused with the reason, as the page says."""

import re

import numpy as np
import pytest

from docs.reference.numpy_functions import CONSTANTS, DERIVATIVE, PAGE, REFUSED, functions, row
from minigrad import Tensor
from minigrad.engine.apply import numpy_functions
from minigrad.ops.refused import CONSTANT, OF_SHAPES
from minigrad.ops.refused import REFUSED as REASONS

from .numpy_calls import CALLS
from .samples import CASES

FUNCTIONS = dict(functions())
_LINES = re.findall(r"^\| `([\w.]+)` \| (.) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
ROWS = {name: (mark, note) for name, mark, note in _LINES}
GONE = {"in1d", "trapz"}  # in NumPy 2.0 and no more in that of the page
IN_PLACE = {"put", "putmask", "place", "copyto", "fill_diagonal", "put_along_axis"}  # in test_in_place.py


def test_the_page_has_every_function_of_the_installed_numpy_as_the_code_has_it():
    of_code = {name: row(name, function) for name, function in FUNCTIONS.items()}
    assert of_code == {name: ROWS.get(name, of_code[name] if name in GONE else None) for name in FUNCTIONS}


def test_every_function_with_a_derivative_is_called_by_a_test():
    called = set(re.findall(r"np\.((?:linalg\.|fft\.)?\w+)", " ".join(CALLS.values())))
    called |= CASES.keys() | {f"linalg.{name}" for name in CASES} | IN_PLACE
    tested = {numpy_functions.get(FUNCTIONS[name]) for name in FUNCTIONS.keys() & called}  # acos is tested as arccos
    differentiable = [name for name, function in FUNCTIONS.items() if row(name, function)[0] == DERIVATIVE]
    assert [name for name in differentiable if numpy_functions[FUNCTIONS[name]] not in tested] == []


def test_no_function_is_in_two_lists():
    names = [name for each in (*REASONS.values(), CONSTANT, OF_SHAPES) for name in each.split()]
    assert len(names) == len(set(names))


CONSTANT_CALLS = """
    allclose(x, y) · array_equal(x, x) · array_equiv(x, y) · isclose(x, y) · isin(x, y) · count_nonzero(x)
    flatnonzero(x) · nonzero(x) · argwhere(x) · argpartition(v, 1) · argmax(x, axis=1, keepdims=True) · argmin(x, 0)
    argsort(x, kind="stable") · nanargmax(x) · nanargmin(x, axis=0) · lexsort((v, v)) · digitize(x, v)
    searchsorted(v, x, "right") · isreal(x) · iscomplex(x) · isposinf(x) · isneginf(x) · signbit(x) · spacing(x)
    isfinite(x) · angle(x) · imag(x) · all(x, where=x > 0) · any(x, axis=0) · histogram_bin_edges(x, 4)
    histogram2d(v, v, 2) · histogramdd(x, 2) · linalg.matrix_rank(x) · unravel_index(i, (3, 4)) · bitwise_count(i)
    gcd(i, 4) · lcm(i, 4) · left_shift(i, 1) · right_shift(i, 1) · where(x > 0) · result_type(x, i)
    can_cast(x.dtype, float) · min_scalar_type(v) · common_type(x, v) · shape(x) · ndim(x) · size(x) · iscomplexobj(x)
    isrealobj(x) · tril_indices_from(x) · triu_indices_from(x, k=1) · diag_indices_from(x[:2, :2]) · zeros_like(x)
    ones_like(x, dtype=int) · full_like(x, 3) · empty_like(x, shape=(0,)) · array2string(v) · array_repr(v)
    array_str(v) · einsum_path("ij,kj", x, y) · packbits(i > 0) · logical_and.reduce(x > 0) · bincount(i)
    equal.outer(v, v) · greater(x, y) · maximum.reduce(i) · add.reduce(i) · bitwise_and(i, 1) · histogram(x, 4)
    ix_(i, i)
"""


@pytest.mark.parametrize("call", [each.strip() for each in re.split(r"·|\n", CONSTANT_CALLS) if each.strip()])
def test_constants_are_numpys(call):
    random = np.random.default_rng(0)
    arrays = {"x": random.standard_normal((3, 4)), "y": random.standard_normal((3, 4)), "v": np.arange(4.0)}
    arrays["i"] = np.array([3, 1, 2])
    expected = eval(f"np.{call}", {"np": np}, arrays)
    tensors = {name: Tensor(x, requires_grad=x.dtype.kind == "f") for name, x in arrays.items()}
    found = eval(f"np.{call}", {"np": np}, tensors)
    np.testing.assert_equal(plain(found), plain(expected))


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if isinstance(value, Tensor):
        assert not value.requires_grad
    return np.asarray(value.data) if isinstance(value, Tensor) else value


def test_the_marks_are_three():
    assert {mark for mark, _ in ROWS.values()} == {DERIVATIVE, CONSTANTS, REFUSED}
