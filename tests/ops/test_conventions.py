"""The tables of docs/autograd.md, line by line, against the code."""

import re
from inspect import isfunction
from pathlib import Path

import numpy as np
import pytest

from minigrad import Tensor, grad, ops

PAGE = (Path(__file__).parents[2] / "docs" / "autograd.md").read_text(encoding="utf-8")
INF, NAN = np.inf, np.nan
ZEROS, THREES, THIRDS = [0.0] * 3, [3.0] * 3, [1 / 3] * 3


def put_twice(u, v):
    x = u * 0
    x[[0, 0]] = np.stack([u, v])[:, 0]
    return x


# The function as the page shows it, the same as code, the points, the gradients with respect to each argument.
CONVENTIONS = [
    ("abs(x)", abs, [0.0], [0]),
    ("relu(x)", ops.relu, [0.0], [0]),
    ("leaky_relu(x, 0.1)", lambda x: ops.leaky_relu(x, 0.1), [0.0], [0.1]),
    ("elu(x)", ops.elu, [0.0], [1]),
    ("hardtanh(x)", ops.hardtanh, [[-1.0, 1.0]], [[0, 0]]),
    ("sign(x)", np.sign, [[-1.0, 0.0, 0.5]], [ZEROS]),
    ("floor(x)", np.floor, [[-1.0, 0.0, 0.5]], [ZEROS]),
    ("ceil(x)", np.ceil, [[-1.0, 0.0, 0.5]], [ZEROS]),
    ("trunc(x)", np.trunc, [[-1.0, 0.0, 0.5]], [ZEROS]),
    ("round(x)", np.round, [[-1.0, 0.0, 0.5]], [ZEROS]),
    ("x // 2", lambda x: x // 2, [[-1.0, 0.0, 0.5]], [ZEROS]),
    ("clip(x, 0, 1)", lambda x: np.clip(x, 0, 1), [[0.0, 1.0]], [[1, 1]]),
    ("maximum(x, y)", np.maximum, [2.0, 2.0], [0.5, 0.5]),
    ("minimum(x, y)", np.minimum, [2.0, 2.0], [0.5, 0.5]),
    ("max(x)", np.max, [THREES], [THIRDS]),
    ("min(x)", np.min, [THREES], [THIRDS]),
    ("vector_norm(x, inf)", lambda x: ops.vector_norm(x, INF), [THREES], [THIRDS]),
    ("max_pool1d(x, 3)", lambda x: ops.max_pool1d(x, 3), [THREES], [THIRDS]),
    ("adaptive_max_pool1d(x, 1)", lambda x: ops.adaptive_max_pool1d(x, 1), [THREES], [THIRDS]),
    ("max(x)", np.max, [[1.0, NAN, 2.0]], [[0, 1, 0]]),
    ("min(x)", np.min, [[1.0, NAN, 2.0]], [[0, 1, 0]]),
    ("sort(x)", lambda x: np.sort(x) * [1, 10, 100], [[3.0, 3.0, 1.0]], [[10, 100, 1]]),
    ("topk(x, 2)", lambda x: ops.topk(x, 2)[0] * [1, 10], [[3.0, 3.0, 1.0]], [[1, 10, 0]]),
    ("sqrt(x)", np.sqrt, [0.0], [INF]),
    ("cbrt(x)", np.cbrt, [0.0], [INF]),
    ("log(x)", np.log, [0.0], [INF]),
    ("x ** 0.5", lambda x: x**0.5, [0.0], [INF]),
    ("norm(x)", np.linalg.norm, [ZEROS], [ZEROS]),
    ("vector_norm(x, 1)", lambda x: ops.vector_norm(x, 1), [ZEROS], [ZEROS]),
    ("vector_norm(x, 3)", lambda x: ops.vector_norm(x, 3), [ZEROS], [ZEROS]),
    ("std(x)", np.std, [ZEROS], [ZEROS]),
    ("std(x)", np.std, [[5.0] * 3], [ZEROS]),
    ("hypot(x, y)", np.hypot, [0.0, 0.0], [0, 0]),
    ("arctan2(x, y)", np.arctan2, [0.0, 0.0], [0, 0]),
    ("x ** 0", lambda x: x**0, [0.0], [0]),
    ("0 ** y", lambda y: 0**y, [2.0], [0]),
    ("prod(x)", np.prod, [[0.0, 2.0, 3.0]], [[6, 0, 0]]),
    ("prod(x)", np.prod, [[0.0, 0.0, 3.0]], [ZEROS]),
    ("cumprod(x)", np.cumprod, [[2.0, 0.0, 3.0]], [[1, 8, 0]]),
    ("sinc(x)", np.sinc, [0.0], [0]),
    ("det(x)", np.linalg.det, [[[1.0, 2.0], [2.0, 4.0]]], [[[4, -2], [-2, 1]]]),
    ("logsumexp(x)", ops.logsumexp, [[-INF] * 3], [ZEROS]),
    ("logaddexp(x, y)", np.logaddexp, [-INF, -INF], [0, 0]),
    ("where(x > 0, 1, x)", lambda x: np.where(x > 0, 1.0, x), [NAN], [1]),
    ("where(x > 0, x, 1)", lambda x: np.where(x > 0, x, 1.0), [NAN], [0]),
    ("where(x > 0, log(x), 0)", lambda x: np.where(x > 0, np.log(x), 0.0), [[-1.0, 0.0]], [[0, 0]]),
    ("where(x > 0, sqrt(x), 0)", lambda x: np.where(x > 0, np.sqrt(x), 0.0), [[-1.0, 0.0]], [[0, 0]]),
    ("where(x > 0, 1 / x, 0)", lambda x: np.where(x > 0, 1 / x, 0.0), [[-1.0, 0.0]], [[0, 0]]),
    ("where(x > 0, x ** 0.5, 0)", lambda x: np.where(x > 0, x**0.5, 0.0), [[-1.0, 0.0]], [[0, 0]]),
    ("x[[0, 0]] = (u, v)", put_twice, [[1.0], [2.0]], [[0], [1]]),
]


# The second derivatives that are not 0: for each argument the gradient of its gradient, times the weights 1, 2, 3, ...
SECOND = {
    "elu(x)": [1],
    "sqrt(x)": [-INF],
    "cbrt(x)": [NAN],
    "log(x)": [-INF],
    "x ** 0.5": [-INF],
    "prod(x) of 0.0, 2.0, 3.0": [[12, 3, 2]],
    "prod(x) of 0.0, 0.0, 3.0": [[6, 3, 0]],
    "cumprod(x)": [[8, 10, 4]],
    "sinc(x)": [-(np.pi**2) / 3],
    "det(x)": [[[4, -3], [-2, 1]]],
}


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("text", "f", "points", "gradients"), CONVENTIONS, ids=[row[0] for row in CONVENTIONS])
def test_the_gradient_is_the_one_that_the_page_promises(text, f, points, gradients, dtype):
    leaves = [Tensor(np.array(point, dtype), requires_grad=True) for point in points]
    for create_graph in (False, True):
        found = grad(f(*leaves).sum(), leaves, create_graph=create_graph)
        for gradient, expected in zip(found, gradients, strict=True):
            np.testing.assert_allclose(gradient.data, expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(("text", "f", "points", "gradients"), CONVENTIONS, ids=[row[0] for row in CONVENTIONS])
def test_the_second_derivative_is_the_one_that_the_page_promises_and_none_is_made_up(text, f, points, gradients):
    leaves = [Tensor(np.array(point), requires_grad=True) for point in points]
    key = f"{text} of {', '.join(map(str, points[0]))}" if text == "prod(x)" else text
    expected = SECOND.get(key, [0] * len(points))
    for leaf, first, second in zip(leaves, grad(f(*leaves).sum(), leaves, create_graph=True), expected, strict=True):
        found = np.zeros(leaf.shape)
        if first.requires_grad:
            weights = np.arange(1.0, leaf.size + 1).reshape(leaf.shape)
            (found,) = (x.data for x in grad((first * weights).sum(), leaf, retain_graph=True))
        np.testing.assert_allclose(found, np.broadcast_to(second, leaf.shape), rtol=1e-6, atol=1e-12)


def test_the_page_lists_every_operation_and_no_other():
    section = PAGE.partition("\n## List of operations\n")[2].partition("\n## ")[0]
    listed = re.findall(r"`(\w+)`", "".join(re.findall(r"^\|.*\|$", section, re.MULTILINE)))
    public = {name for name, value in vars(ops).items() if name[0] != "_" and isfunction(value)}
    assert sorted(listed) == sorted(public)


def test_the_page_lists_these_conventions_and_no_others():
    rows = re.findall(r"^\| (`.*`) \|.*\|.*\|$", PAGE, re.MULTILINE)
    shown = [function for row in rows for function in re.findall(r"`([^`]+)`", row)]
    assert sorted(shown) == sorted(text for text, *_ in CONVENTIONS)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(
    "f", [np.log, np.log2, np.log10, np.sqrt, np.arcsin, np.arccos, np.arccosh, np.arctanh, np.log1p]
)
def test_what_was_computed_beyond_an_edge_and_not_used_makes_no_nan(f):
    x = Tensor(np.array([-2.0, -1.0, 0.0, 1.0, 2.0, NAN]), requires_grad=True)
    (dx,) = grad(np.where(x > 5, f(x), 0.0).sum(), x)
    np.testing.assert_array_equal(dx.data, 0)


def test_a_gradient_of_zero_for_a_finite_slope_still_has_the_right_second_derivative():
    x, c = Tensor(np.array(2.0), requires_grad=True), Tensor(np.array(0.0), requires_grad=True)
    (dx,) = grad(np.log(x) * c, x, create_graph=True)
    assert dx.item() == 0
    (dc,) = grad(dx, c)
    assert dc.item() == 0.5


def test_the_second_derivative_of_sinc_at_zero_is_the_limit():
    x = Tensor(np.array(0.0), requires_grad=True)
    y = np.sinc(x)
    found = []
    for _ in range(4):
        (y,) = grad(y, x, create_graph=True)
        found.append(y.item())
    np.testing.assert_allclose(found, [0, -(np.pi**2) / 3, 0, np.pi**4 / 5], rtol=1e-12, atol=1e-12)


def test_the_gradient_of_a_product_with_one_zero_is_exact_to_second_order():
    x = Tensor(np.array([0.0, 2.0, 3.0]), requires_grad=True)
    (dx,) = grad(np.prod(x), x, create_graph=True)
    (row,) = grad(dx[1], x)
    np.testing.assert_array_equal(row.data, [3, 0, 0])
