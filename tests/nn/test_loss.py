import numpy as np
import pytest

from minigrad.engine import Tensor, check_gradients
from minigrad.nn import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    GaussianNLLLoss,
    HuberLoss,
    L1Loss,
    Loss,
    MSELoss,
    NLLLoss,
    PoissonNLLLoss,
    SmoothL1Loss,
)
from minigrad.nn.loss import Elementwise

rng = np.random.default_rng(0)
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        (MSELoss, lambda x, t: (x - t) ** 2),
        (L1Loss, lambda x, t: np.abs(x - t)),
        (HuberLoss, lambda x, t: np.where(np.abs(x - t) < 1, (x - t) ** 2 / 2, np.abs(x - t) - 0.5)),
        (SmoothL1Loss, lambda x, t: np.where(np.abs(x - t) < 1, (x - t) ** 2 / 2, np.abs(x - t) - 0.5)),
        (PoissonNLLLoss, lambda x, t: np.exp(x) - t * x),
    ],
)
def test_an_elementwise_loss_is_its_formula_reduced(kind, formula, reduction):
    x, t = rng.normal(size=(5, 3)), rng.uniform(size=(5, 3))
    loss = kind(reduction=reduction)(Tensor(x), Tensor(t))
    np.testing.assert_allclose(loss.data, REDUCTIONS[reduction](formula(x, t)), rtol=1e-10)


def test_the_parabola_becomes_a_line_where_it_is_told():
    difference = Tensor([0.25, 3.0, -3.0])
    assert HuberLoss("none", delta=2.0)(difference, np.zeros(3)).data.tolist() == [0.03125, 4, 4]
    assert SmoothL1Loss("none", beta=2.0)(difference, np.zeros(3)).data.tolist() == [0.015625, 2, 2]
    assert SmoothL1Loss("none", beta=0)(difference, np.zeros(3)).data.tolist() == [0.25, 3, 3]


def test_the_normal_likelihood_is_that_of_its_density():
    x, t, var = 0.3, 1.0, 0.5
    density = np.exp(-((x - t) ** 2) / (2 * var)) / np.sqrt(2 * np.pi * var)
    assert GaussianNLLLoss(full=True)(Tensor(np.array(x)), t, var).item() == pytest.approx(-np.log(density))


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4,), ()])
def test_a_variance_may_stand_for_all_of_a_row_or_for_all(shape):
    x, t, var = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.uniform(0.5, 2, size=shape)
    each = np.broadcast_to(var[:, None] if shape == (4,) else var, (4, 3))
    found = GaussianNLLLoss(reduction="none")(Tensor(x), t, var)
    np.testing.assert_allclose(found.data, (np.log(each) + (x - t) ** 2 / each) / 2, rtol=1e-12)


def test_the_poisson_likelihood_is_that_of_its_formula_to_stirling():
    mean, count = 3.5, 20
    exact = mean - count * np.log(mean) + sum(np.log(np.arange(1, count + 1)))
    of_log = PoissonNLLLoss(full=True)(Tensor(np.array(np.log(mean))), count)
    of_mean = PoissonNLLLoss(log_input=False, full=True)(Tensor(np.array(mean)), count)
    assert of_log.item() == pytest.approx(exact, abs=1 / 12 / count)
    assert of_mean.item() == pytest.approx(of_log.item(), rel=1e-7)


@pytest.mark.parametrize(
    "loss",
    [
        MSELoss(),
        MSELoss("sum"),
        L1Loss(),
        HuberLoss(delta=0.7),
        SmoothL1Loss("none", beta=0.4),
        PoissonNLLLoss(full=True),
        PoissonNLLLoss(log_input=False),
    ],
    ids=repr,
)
def test_gradients_of_both_orders_are_those_of_finite_differences(loss):
    check_gradients(loss, rng.uniform(0.5, 2, size=(4, 3)), rng.uniform(2, 4, size=(4, 3)), order=2)


def test_gradients_with_respect_to_a_variance_are_those_of_finite_differences():
    check_gradients(GaussianNLLLoss(), rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.uniform(0.5, 2, size=4))


def test_a_variance_of_zero_counts_as_eps_and_still_has_a_gradient():
    var = Tensor([0.0, 0.5], requires_grad=True)
    loss = GaussianNLLLoss(eps=0.5, reduction="none")(Tensor([1.0, 1.0]), [0.0, 0.0], var)
    loss.backward(np.ones(2, np.float32))
    assert loss.data[0] == loss.data[1]
    assert var.grad.tolist() == [-1, -1]


def test_targets_may_be_lists_arrays_or_tensors_of_another_dtype():
    x = Tensor([[0.5, 0.25]])
    for target in ([[0, 1]], np.array([[0, 1]], np.float64), Tensor([[0.0, 1.0]])):
        loss = MSELoss()(x, target)
        assert loss.dtype == np.float32
        assert loss.item() == pytest.approx((0.25 + 0.5625) / 2)


# bad input


@pytest.mark.parametrize("loss", [MSELoss(), MSELoss("sum"), L1Loss(), PoissonNLLLoss()], ids=repr)
def test_a_target_that_would_be_broadcast_is_refused_with_the_remedy(loss):
    expected = r"^\w+: expected a target of the input's shape \(3, 1\), got \(3,\); reshape it with .reshape\(\(3, 1"
    with pytest.raises(ValueError, match=expected):
        loss(Tensor(np.zeros((3, 1))), np.zeros(3))


def test_values_that_a_likelihood_cannot_have_are_refused():
    with pytest.raises(ValueError, match=r"^PoissonNLLLoss: targets are counts, from 0, got -1"):
        PoissonNLLLoss()(Tensor([1.0, 2.0]), [1, -1])
    with pytest.raises(ValueError, match=r"with log_input=False inputs are means of counts, from 0, got -2"):
        PoissonNLLLoss(log_input=False)(Tensor([1.0, -2.0]), [1, 1])
    with pytest.raises(ValueError, match=r"^GaussianNLLLoss: variances are at least 0, got -0.5"):
        GaussianNLLLoss()(Tensor([1.0, 2.0]), [1, 1], [1, -0.5])
    with pytest.raises(ValueError, match=r"expected variances of shape \(2, 3\), \(2,\) or \(\), got \(3,\)"):
        GaussianNLLLoss()(Tensor(np.zeros((2, 3))), np.zeros((2, 3)), np.ones(3))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Loss("avg"), "reduction must be 'mean', 'sum' or 'none', got 'avg'"),
        (lambda: HuberLoss(delta=0), "delta must be above 0, got 0"),
        (lambda: SmoothL1Loss(beta=-1), "beta must be at least 0, got -1"),
        (lambda: PoissonNLLLoss(eps=0), "eps must be above 0, got 0"),
        (lambda: GaussianNLLLoss(eps=-1), "eps must be above 0, got -1"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_value_without_axes_is_checked_as_any_other():
    with pytest.raises(ValueError, match=r"targets are counts, from 0, got -1"):
        PoissonNLLLoss()(Tensor(1.0), -1)


def test_the_base_of_elementwise_losses_says_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Elementwise must define each\(\)"):
        Elementwise()(Tensor([1.0]), [1.0])


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (1, 1), (4,), (), (4, 3)])
def test_a_variance_may_be_shared_along_any_axis(shape):
    x, target, variance = (rng.uniform(0.5, 2, s) for s in ((4, 3), (4, 3), shape))
    loss = GaussianNLLLoss(reduction="none")(Tensor(x), target, variance)
    spread = variance[:, None] if shape == (4,) else variance
    np.testing.assert_allclose(loss.data, (np.log(spread) + (x - target) ** 2 / spread) / 2, rtol=1e-12)


@pytest.mark.parametrize("weight", [[1.0, np.nan], [np.inf, 1.0]])
def test_factors_that_are_not_finite_are_refused_by_the_name_of_the_argument(weight):
    for build in (CrossEntropyLoss, NLLLoss, BCELoss, BCEWithLogitsLoss):
        with pytest.raises(ValueError, match="weight holds finite factors, got"):
            build(weight=weight)
    with pytest.raises(ValueError, match="pos_weight holds finite factors, got"):
        BCEWithLogitsLoss(pos_weight=weight)


def test_an_ignored_index_beside_probabilities_is_refused():
    with pytest.raises(ValueError, match="ignore_index=1 is for class indices, and the target holds probabilities"):
        CrossEntropyLoss(ignore_index=1)(Tensor(np.zeros((2, 3))), np.full((2, 3), 1 / 3))
