import numpy as np
import pytest

from minigrad.metrics import R2, MeanAbsoluteError

UNEQUAL = [(), (1,), (7, 8, 30), (49,)]


def outputs_and_targets(shape=(50, 3)):
    generator = np.random.default_rng(0)
    targets = generator.normal(size=shape)
    return targets + 0.5 * generator.normal(size=shape), targets


@pytest.mark.parametrize("cuts", UNEQUAL)
@pytest.mark.parametrize(
    ("metric", "function"), [(MeanAbsoluteError(), "mean_absolute_error"), (R2(), "r2_score")], ids=["MAE", "R2"]
)
def test_errors_are_those_of_scikit_learn_however_the_examples_are_cut(measured, metric, function, cuts):
    metrics = pytest.importorskip("sklearn.metrics", reason="the comparison needs scikit-learn")
    outputs, targets = outputs_and_targets()
    expected = getattr(metrics, function)(targets, outputs)
    assert measured(metric, outputs, targets, cuts) == pytest.approx(expected, rel=1e-12)


def test_the_mean_absolute_error_is_in_the_unit_of_the_targets(measured):
    assert measured(MeanAbsoluteError(), np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]])) == 2.0
    assert not MeanAbsoluteError().higher_is_better


def test_r2_is_1_for_perfect_outputs_and_0_for_the_mean(measured):
    _, targets = outputs_and_targets()
    assert measured(R2(), targets, targets, (3,)) == 1.0
    assert measured(R2(), np.broadcast_to(targets.mean(0), targets.shape), targets, (3,)) == pytest.approx(0, abs=1e-12)


def test_a_large_mean_costs_r2_no_digits(measured):
    outputs, targets = outputs_and_targets()
    near = measured(R2(), outputs, targets)
    assert measured(R2(), outputs + 1e6, targets + 1e6, (7, 8, 30)) == pytest.approx(near, rel=1e-8)


def test_r2_of_a_constant_target_is_1_if_it_was_met_and_else_0(measured):
    targets = np.array([[2.0, 5.0], [2.0, 5.0]])
    assert measured(R2(), np.array([[2.0, 5.0], [2.0, 6.0]]), targets, (1,)) == 0.5


def test_one_example_does_not_vary():
    metric = R2()
    metric.update(np.ones((1, 1)), np.zeros((1, 1)))
    assert np.isnan(metric.compute())


@pytest.mark.parametrize("metric", [MeanAbsoluteError(), R2()])
def test_no_batch_is_nan_and_another_shape_is_refused(metric):
    assert np.isnan(metric.compute())
    with pytest.raises(ValueError, match=r"the outputs' shape \(3, 1\), got \(3,\)"):
        metric.update(np.zeros((3, 1)), np.zeros(3))
