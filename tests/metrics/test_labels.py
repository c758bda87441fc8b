"""Metrics of several answers of yes and no for each example, as scikit-learn has them."""

import numpy as np
import pytest

from minigrad.metrics import F1, Accuracy, ConfusionMatrix, ExactMatch, Perplexity, Precision, Recall, TopK

CUTS = [(), (1,), (7, 8, 30), (49,)]


def scores_and_labels(n=50, labels=4):
    generator = np.random.default_rng(0)
    targets = (generator.random((n, labels)) < 0.4).astype(np.float32)
    targets[0] = np.eye(labels)[-1]  # which alone looks one-hot
    return generator.normal(size=(n, labels)), targets


def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics", reason="the comparison needs scikit-learn")


@pytest.mark.parametrize("cuts", CUTS)
def test_accuracy_is_the_share_of_right_labels(measured, cuts):
    outputs, targets = scores_and_labels()
    assert measured(Accuracy(), outputs, targets, cuts) == np.mean((outputs > 0) == (targets == 1))


@pytest.mark.parametrize("cuts", CUTS)
def test_an_exact_match_has_every_label_right_as_in_scikit_learn(measured, cuts):
    outputs, targets = scores_and_labels(labels=2)
    expected = sklearn_metrics().accuracy_score(targets, outputs > 0)
    assert measured(ExactMatch(), outputs, targets, cuts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize(
    ("metric", "function"), [(Precision, "precision_score"), (Recall, "recall_score"), (F1, "f1_score")]
)
def test_averages_over_labels_are_those_of_scikit_learn(measured, metric, function, average, cuts):
    outputs, targets = scores_and_labels()
    targets[:, 3] = 0  # a label that never holds
    targets[0] = np.eye(4)[2]
    expected = getattr(sklearn_metrics(), function)(targets, outputs > 0, average=average, zero_division=0)
    assert measured(metric(average), outputs, targets, cuts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("cuts", CUTS)
def test_there_is_a_confusion_matrix_for_each_label_as_in_scikit_learn(measured, cuts):
    outputs, targets = scores_and_labels()
    expected = sklearn_metrics().multilabel_confusion_matrix(targets, outputs > 0)
    assert measured(ConfusionMatrix(), outputs, targets, cuts) == expected.tolist()


def test_nothing_is_said_where_no_label_holds_is_a_ratio_of_0(measured):
    outputs, targets = np.full((3, 2), -1.0), np.zeros((3, 2))
    assert measured(F1("weighted"), outputs, targets) == measured(F1(), outputs, targets) == 0.0


def test_binary_is_no_average_of_labels():
    with pytest.raises(ValueError, match="'binary' needs two classes, but F1 got 2 labels"):
        F1("binary").update(np.ones((2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize("metric", [TopK(1), Perplexity()])
def test_metrics_of_one_right_class_refuse_labels(metric):
    with pytest.raises(ValueError, match="needs targets of one class each, but these are multi-label"):
        metric.update(*scores_and_labels())


def test_a_metric_forgets_at_a_reset_that_it_met_labels(measured):
    metric = Accuracy()
    measured(metric, *scores_and_labels())
    outputs = np.random.default_rng(1).normal(size=(5, 4))
    assert measured(metric, outputs, np.eye(4)[outputs.argmax(1)]) == 1.0


@pytest.mark.parametrize(
    "make", [Accuracy, lambda: TopK(2), F1, Precision, Recall, ConfusionMatrix, Perplexity, ExactMatch]
)
@pytest.mark.parametrize("ignored", [-100, 0])
def test_ignored_places_change_no_metric(measured, make, ignored):
    generator = np.random.default_rng(0)
    outputs, targets = generator.normal(size=(6, 4, 5)), generator.integers(1, 5, (6, 4))
    expected = measured(make(), outputs, targets)
    padding = generator.normal(size=(6, 3, 5))
    padded = np.concatenate([targets, np.full((6, 3), ignored)], axis=1)
    metric = make()
    metric.ignore_index = ignored
    found = measured(metric, np.concatenate([outputs, padding], axis=1), padded)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_sequence_of_which_nothing_counts_is_no_match(measured):
    outputs = np.eye(3)[[[1, 2], [0, 1]]]
    assert measured(ExactMatch(), outputs, np.array([[1, 1], [-100, -100]])) == 0.0


@pytest.mark.parametrize("metric", [Accuracy(), F1(), ConfusionMatrix(), TopK(1), Perplexity()])
def test_a_class_index_out_of_range_is_refused(metric):
    with pytest.raises(ValueError, match=r"class index -1 is out of range for 3 classes, 0 to 2.*ignore_index"):
        metric.update(np.zeros((2, 3)), np.array([0, -1]))
    with pytest.raises(ValueError, match="class index 3 is out of range for 3 classes"):
        metric.update(np.zeros((2, 3)), np.array([0, 3]))


@pytest.mark.parametrize("metric", [Accuracy(), F1(), ConfusionMatrix(), TopK(1), ExactMatch()])
def test_no_answer_follows_from_outputs_that_are_nan(metric):
    outputs = np.zeros((2, 2, 3))
    outputs[1, 0, 2] = np.nan
    with pytest.raises(ValueError, match="outputs that are NaN"):
        metric.update(outputs, np.zeros((2, 2), int))


def test_amounts_are_refused_with_the_metrics_that_suit_them():
    with pytest.raises(ValueError, match="the targets are real numbers: use MeanAbsoluteError or R2"):
        Accuracy().update(np.zeros((2, 1)), np.float32([[0.5], [7]]))
