"""Where a factor is 0 the loss is, however infinite what it is multiplied by."""

import numpy as np
import pytest

from minigrad import Tensor, grad, nn

INF = np.inf


def of(loss, x, *targets):
    """The loss and its gradient."""
    leaf = Tensor(np.array(x), requires_grad=True)
    value = loss(leaf, *targets)
    (slope,) = grad(value.sum(), leaf)
    return value.data, slope.data


def masked(classes=3):
    """Scores of which a class is impossible."""
    return np.array([[1.0, -INF, 0.5], [0.0, -INF, 2.0]])


def test_the_divergence_from_a_distribution_with_zeros_ignores_impossible_answers():
    logs = np.log([[0.5, 0.5], [1.0, 1.0]])
    logs[0, 1] = -INF
    value, slope = of(nn.KLDivLoss("sum"), logs, np.array([[1.0, 0.0], [0.5, 0.5]]))
    np.testing.assert_allclose(value, np.log(2) + np.log(0.5))
    np.testing.assert_allclose(slope, [[-1, 0], [-0.5, -0.5]])


def test_the_divergence_from_logarithms_with_minus_infinity_is_finite():
    value, slope = of(nn.KLDivLoss("sum", log_target=True), np.log([[0.5, 0.5]]), np.array([[0.0, -INF]]))
    np.testing.assert_allclose(value, np.log(2))
    np.testing.assert_allclose(slope, [[-1, 0]])


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(reduction="none")], ids=str)
def test_probabilities_of_zero_ignore_impossible_classes(loss):
    shares = np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])
    value, slope = of(loss, masked(), shares)
    finite, expected = of(loss, np.where(np.isinf(masked()), -1e9, masked()), shares)
    np.testing.assert_allclose(value, finite)
    np.testing.assert_allclose(slope, expected, atol=1e-12)


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(),
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(reduction="none"),
        nn.CrossEntropyLoss(weight=[1.0, 0.0, 2.0]),
        nn.CrossEntropyLoss(weight=[1.0, 0.0, 2.0], label_smoothing=0.1),
    ],
    ids=lambda loss: f"{loss.reduction}-{loss.weight is not None}-{loss.label_smoothing}",
)
def test_an_ignored_row_counts_for_nothing_even_if_it_is_infinite(loss):
    rows = np.array([[-INF, 1.0, 0.0], [0.5, 1.0, 2.0]])
    value, slope = of(loss, rows, np.array([-100, 2]))
    expected, alone = of(loss, rows[1:], np.array([2]))
    np.testing.assert_allclose(np.sum(value), np.sum(expected))
    np.testing.assert_allclose(slope, np.concatenate([np.zeros((1, 3)), alone]))


def test_a_row_of_nothing_possible_is_ignored_too():
    rows = np.array([[-INF, -INF, -INF], [0.5, 1.0, 2.0]])
    with np.errstate(invalid="ignore"):
        value, slope = of(nn.CrossEntropyLoss(), rows, np.array([-100, 2]))
    assert np.isfinite(value)
    np.testing.assert_array_equal(slope[0], 0)


def test_the_log_likelihood_of_an_ignored_row_is_zero():
    logs = np.array([[-INF, 0.0], [-0.5, -1.0]])
    value, slope = of(nn.NLLLoss(), logs, np.array([-100, 1]))
    np.testing.assert_allclose(value, 1.0)
    np.testing.assert_allclose(slope, [[0, 0], [0, -1]])


def test_a_certain_score_that_is_right_costs_nothing():
    value, slope = of(nn.BCEWithLogitsLoss(reduction="none"), [INF, -INF, 0.0], np.array([1.0, 0.0, 1.0]))
    np.testing.assert_allclose(value, [0, 0, np.log(2)])
    np.testing.assert_allclose(slope, [0, 0, -0.5])


def test_what_is_not_a_number_stays_so():
    for loss, target in ((nn.KLDivLoss(log_target=True), [[0.0, -1.0]]), (nn.BCEWithLogitsLoss(), [[1.0, 0.0]])):
        value, slope = of(loss, [[np.nan, 0.0]], np.array(target))
        assert np.isnan(value)
        assert np.isnan(slope[0, 0]) or loss.log_target
    assert np.isnan(of(nn.CrossEntropyLoss(), [[np.nan, 0.0]], np.array([1]))[0])
