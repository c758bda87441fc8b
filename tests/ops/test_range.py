"""Numbers whose squares or sums leave their dtype, though they and the result do not: compared with float64."""

import numpy as np
import pytest

from minigrad import Tensor, grad, nn, ops

LARGE = {"f2": 3e4, "f4": 1e30, "f8": 1e200}
SMALL = {"f4": 1e-30, "f8": 1e-200}  # in float16 the numbers themselves are inexact
EXACT = {"f2": 5e-3, "f4": 1e-5, "f8": 1e-12}
SHAPE = np.array([[1.0, -0.5, 0.25, -1.0], [0.75, 0.5, -0.25, 1.0]])


def scaled(dtype, size):
    return (SHAPE * size).astype(dtype)


SCALES = [*LARGE.items(), *SMALL.items()]
HOMOGENEOUS = {
    "mean": lambda x: np.mean(x, axis=1),
    "std": lambda x: np.std(x, axis=1),
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "norm of all": np.linalg.norm,
    "vector_norm 3": lambda x: ops.vector_norm(x, 3, axis=1),
    "vector_norm 1.5": lambda x: ops.vector_norm(x, 1.5, axis=0, keepdims=True),
    "hypot": lambda x: np.hypot(x[0], x[1]),
    "avg_pool1d": lambda x: ops.avg_pool1d(x, 4),
}


@pytest.mark.parametrize(("dtype", "size"), SCALES)
@pytest.mark.parametrize("f", HOMOGENEOUS.values(), ids=HOMOGENEOUS)
def test_what_grows_with_its_argument_is_right_for_large_and_tiny_numbers(f, dtype, size):
    exact = (scaled(dtype, size).astype(np.longdouble) / size).astype(np.float64)
    x, y = Tensor(scaled(dtype, size), requires_grad=True), Tensor(exact, requires_grad=True)
    found, expected = f(x), f(y)
    assert found.dtype == dtype
    scale = np.max(np.abs(expected.data))
    np.testing.assert_allclose(
        found.data.astype("f8") / size, expected.data, rtol=EXACT[dtype], atol=EXACT[dtype] * scale
    )
    starts = [np.ones(found.shape, dtype)], [np.ones(found.shape)]
    for one, other in zip(grad([found], [x], starts[0]), grad([expected], [y], starts[1]), strict=True):
        np.testing.assert_allclose(one.data, other.data, rtol=2 * EXACT[dtype], atol=2 * EXACT[dtype])


def test_a_mean_of_the_largest_numbers_is_finite():
    for dtype in LARGE:
        largest = np.full(4, np.finfo(dtype).max)
        assert np.isfinite(np.mean(Tensor(largest)).data)
        assert np.var(Tensor(largest)).data == 0


def test_the_other_rows_keep_their_bits_beside_a_large_one():
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("f4")
    with_large = np.concatenate([x, np.full((1, 5), 1e30, "f4")])
    for f in (lambda x: np.std(x, axis=1), lambda x: np.linalg.norm(x, axis=1)):
        assert np.array_equal(f(Tensor(with_large)).data[:3], f(Tensor(x)).data)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_stays_so(wrong):
    x = Tensor(np.array([1.0, wrong, 2.0]))
    assert not np.isfinite(np.mean(x).data)
    assert not np.isfinite(np.std(x).data)
    assert not np.isfinite(np.linalg.norm(x).data)
    assert not np.isfinite(ops.mse_loss(x, np.zeros(3)).data)


NORMS = {
    "LayerNorm": (lambda: nn.LayerNorm(4), (6, 4)),
    "LayerNorm of two axes": (lambda: nn.LayerNorm((3, 4)), (2, 3, 4)),
    "RMSNorm": (lambda: nn.RMSNorm(4), (6, 4)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (3, 4, 2)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4, track_running_stats=False), (6, 4)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, track_running_stats=False), (3, 4, 2, 2)),
}


@pytest.mark.parametrize(("dtype", "size"), [("f2", 3e4), ("f4", 1e30), ("f8", 1e200)])
@pytest.mark.parametrize(("build", "shape"), NORMS.values(), ids=NORMS)
def test_normalised_numbers_are_right_however_large_they_were(build, shape, dtype, size):
    values = np.random.default_rng(0).uniform(-1, 1, shape)
    values = (values * size).astype(dtype)
    x = Tensor(values, requires_grad=True)
    y = Tensor((values.astype(np.longdouble) / size).astype("f8") * 1e8, requires_grad=True)  # eps does not count
    weights = np.random.default_rng(1).uniform(-1, 1, shape).astype("f2").astype("f8")
    found, expected = build().to(np.float64 if dtype == "f8" else np.float32)(x), build().to(np.float64)(y)
    np.testing.assert_allclose(found.data, expected.data, atol=20 * EXACT[dtype])
    (dx,), (dy,) = grad((found * weights).sum(), [x]), grad((expected * weights).sum(), [y])
    np.testing.assert_allclose(
        dx.data.astype("f8") * size, dy.data * 1e8, atol=(20 * EXACT[dtype] if dtype != "f2" else 0.1) * 5
    )


LOSSES = {
    "MSELoss": lambda x, t: nn.MSELoss()(x, t) ** 0.5,
    "HuberLoss": lambda x, t: nn.HuberLoss()(x, t),
    "SmoothL1Loss": lambda x, t: nn.SmoothL1Loss()(x, t),
    "SmoothL1Loss with a small beta": lambda x, t: nn.SmoothL1Loss(beta=1e-5)(x, t),
    "L1Loss": lambda x, t: nn.L1Loss()(x, t),
    "TripletMarginLoss": lambda x, t: nn.TripletMarginLoss()(x, t, -x),
    "CosineEmbeddingLoss": lambda x, t: nn.CosineEmbeddingLoss()(x, t, [1, 1]) * 1.0,
}


@pytest.mark.parametrize(("dtype", "size"), [("f2", 200.0), ("f4", 1e18), ("f8", 1e152)])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_of_large_numbers_are_those_of_float64(loss, dtype, size):
    x, t = scaled(dtype, size), scaled(dtype, -size / 2)
    found = loss(Tensor(x), Tensor(t))
    wide = np.float64 if dtype != "f8" else np.longdouble
    expected = loss(Tensor((x.astype(wide)).astype("f8")), Tensor(t.astype("f8")))
    assert np.isfinite(expected.data)
    np.testing.assert_allclose(found.data, expected.data, rtol=4 * EXACT[dtype])


def test_a_mean_of_squares_may_be_finite_where_one_of_them_is_not():
    x = np.zeros(10**4, "f2")
    x[0] = 300
    assert float(ops.mse_loss(x, np.zeros_like(x))) == pytest.approx(9, rel=1e-3)


def test_a_variance_of_a_likelihood_may_be_as_large_as_the_error_that_it_explains():
    loss = nn.GaussianNLLLoss()(Tensor(np.array([1e20], "f4")), np.array([0], "f4"), np.array([1e30], "f4"))
    np.testing.assert_allclose(loss.data, 0.5 * (np.log(1e30) + 1e10), rtol=1e-5)


HALF = {
    "sigmoid": (ops.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "silu": (ops.silu, lambda x: x / (1 + np.exp(-x))),
    "gelu": (ops.gelu, lambda x: np.where(x > 5, x, 0.0)),
    "gelu by tanh": (lambda x: ops.gelu(x, "tanh"), lambda x: np.where(x > 5, x, 0.0)),
    "softplus": (ops.softplus, lambda x: np.logaddexp(x, 0)),
}


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")
@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize(("f", "formula"), HALF.values(), ids=HALF)
def test_activations_far_out_are_those_of_float64(f, formula, dtype):
    ends = [60000.0] if dtype == "f2" else [60000.0, 1e30, 3e38]
    x = np.array([-300.0, -20.0, -12.0, 12.0, 20.0, 300.0, *ends, *(-end for end in ends)], dtype)
    leaf = Tensor(x, requires_grad=True)
    np.testing.assert_allclose(f(leaf).data, formula(x.astype("f8")), rtol=EXACT[dtype], atol=1e-6)
    (slope,) = grad(f(leaf).sum(), leaf)
    assert np.isfinite(slope.data).all()


def test_the_derivative_of_arccosh_is_right_for_large_numbers():
    x = Tensor(np.array([1e20, 1e30], "f4"), requires_grad=True)
    (slope,) = grad(np.arccosh(x).sum(), x)
    np.testing.assert_allclose(slope.data, [1e-20, 1e-30], rtol=1e-5)
