import numpy as np
import pytest

from minigrad.metrics import F1, Accuracy, ConfusionMatrix, Perplexity, Precision, Recall, TopK
from minigrad.metrics.classification import _Averaged

UNEQUAL = [(), (1,), (7, 8, 30), (49,)]


def scores_and_labels(n=50, classes=4, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, classes)), generator.integers(classes, size=n)


def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics", reason="the comparison needs scikit-learn")


# Accuracy


@pytest.mark.parametrize("cuts", UNEQUAL)
def test_accuracy_is_the_same_however_the_examples_are_cut_into_batches(measured, cuts):
    outputs, labels = scores_and_labels()
    assert measured(Accuracy(), outputs, labels, cuts) == np.mean(outputs.argmax(1) == labels)


def test_one_hot_targets_count_as_their_class(measured):
    outputs, labels = scores_and_labels()
    assert measured(Accuracy(), outputs, np.eye(4)[labels]) == np.mean(outputs.argmax(1) == labels)
    assert measured(TopK(2), outputs, np.eye(4)[labels]) == measured(TopK(2), outputs, labels)


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_one_output_answers_yes_above_the_threshold(measured, shape, threshold):
    generator = np.random.default_rng(1)
    outputs, targets = generator.normal(size=shape), generator.integers(2, size=50).reshape(shape)
    assert measured(Accuracy(threshold), outputs, targets) == np.mean((outputs > threshold) == (targets == 1))


def test_one_output_in_a_column_fits_targets_in_a_row(measured):
    outputs, targets = np.array([[1.0], [-1.0], [2.0]]), np.array([1, 0, 0])
    assert measured(Accuracy(), outputs, targets) == 2 / 3
    assert measured(ConfusionMatrix(), outputs, targets) == [[1, 1], [0, 1]]


def test_a_class_for_each_place_of_a_sequence_is_counted_one_by_one(measured):
    outputs = np.random.default_rng(2).normal(size=(3, 5, 7))
    labels = outputs.argmax(-1)
    labels[0, :2] += 1
    assert measured(Accuracy(), outputs, labels % 7) == 13 / 15
    assert measured(Recall("micro"), outputs, labels % 7) == 13 / 15


@pytest.mark.parametrize("metric", [Accuracy, F1, ConfusionMatrix])
def test_targets_of_the_ignored_index_count_for_nothing(measured, metric):
    outputs, labels = scores_and_labels()
    padded = np.concatenate([labels, np.full(10, -100)])
    more = np.concatenate([outputs, np.ones((10, 4))])
    assert measured(metric(ignore_index=-100), more, padded) == measured(metric(), outputs, labels)


@pytest.mark.parametrize("metric", [Accuracy(), TopK(2), F1(), ConfusionMatrix(), Perplexity()])
def test_targets_of_another_shape_are_refused_with_the_shapes_that_fit(metric):
    name = type(metric).__name__
    with pytest.raises(ValueError, match=rf"{name} .*\(3,\) \(class indices\) or \(3, 4\) \(one-hot\).*got \(2,\)"):
        metric.update(np.zeros((3, 4)), np.zeros(2, int))


@pytest.mark.parametrize("metric", [Accuracy(), TopK(2), Precision(), Recall(), F1(), Perplexity()])
def test_a_metric_of_no_batch_is_nan(metric):
    assert np.isnan(metric.compute())


# TopK


@pytest.mark.parametrize("cuts", UNEQUAL)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_is_that_of_scikit_learn(measured, k, cuts):
    outputs, labels = scores_and_labels()
    expected = sklearn_metrics().top_k_accuracy_score(labels, outputs, k=k, labels=range(4))
    assert measured(TopK(k), outputs, labels, cuts) == pytest.approx(expected, rel=1e-12)


def test_equal_outputs_are_taken_in_the_order_of_the_classes_as_accuracy_does(measured):
    outputs, labels = np.zeros((4, 4)), np.arange(4)
    assert measured(TopK(1), outputs, labels) == measured(Accuracy(), outputs, labels) == 1 / 4
    assert measured(TopK(3), outputs, labels) == 3 / 4


def test_top_k_is_named_after_its_k():
    assert [TopK().name, TopK(1).name] == ["top_5", "top_1"]


def test_a_k_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        TopK(0)
    with pytest.raises(ValueError, match="k=4 of 4 classes is always correct: use a smaller k"):
        TopK(4).update(*scores_and_labels())


# Precision, Recall, F1


@pytest.mark.parametrize("cuts", UNEQUAL)
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize(
    ("metric", "function"), [(Precision, "precision_score"), (Recall, "recall_score"), (F1, "f1_score")]
)
@pytest.mark.parametrize("unused", [0, 3], ids=["all classes", "classes without targets"])
def test_averages_over_classes_are_those_of_scikit_learn(measured, metric, function, average, cuts, unused):
    outputs, labels = scores_and_labels(classes=4 + unused)
    labels = labels % 4
    expected = getattr(sklearn_metrics(), function)(labels, outputs.argmax(1), average=average, zero_division=0)
    assert measured(metric(average), outputs, labels, cuts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("average", ["binary", "auto"])
@pytest.mark.parametrize(
    ("metric", "function"), [(Precision, "precision_score"), (Recall, "recall_score"), (F1, "f1_score")]
)
def test_of_two_classes_the_score_is_that_of_class_1_as_in_scikit_learn(measured, metric, function, average):
    outputs, labels = scores_and_labels(classes=2)
    expected = getattr(sklearn_metrics(), function)(labels, outputs.argmax(1))
    assert measured(metric(average), outputs, labels) == pytest.approx(expected, rel=1e-12)
    one_output = outputs[:, 1:] - outputs[:, :1]
    assert measured(metric(average), one_output, labels[:, np.newaxis]) == pytest.approx(expected, rel=1e-12)


def test_precision_recall_and_f1_are_their_definitions(measured):
    right = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    answers = np.eye(2)[[1, 1, 1, 0, 1, 0, 0, 0, 0, 0]]  # 3 hits, 4 answers, 4 targets
    assert measured(Precision(), answers, right) == 3 / 4
    assert measured(Recall(), answers, right) == 3 / 4
    answers = np.eye(2)[[1, 1, 1, 0, 1, 1, 1, 0, 0, 0]]  # 3 hits, 6 answers, 4 targets
    precision, recall = measured(Precision(), answers, right), measured(Recall(), answers, right)
    assert (precision, recall) == (1 / 2, 3 / 4)
    assert measured(F1(), answers, right) == pytest.approx(2 * precision * recall / (precision + recall), rel=1e-12)


def test_micro_averages_are_the_accuracy(measured):
    outputs, labels = scores_and_labels()
    accuracy = measured(Accuracy(), outputs, labels)
    assert [measured(metric("micro"), outputs, labels) for metric in (Precision, Recall, F1)] == [accuracy] * 3


def test_more_classes_than_two_average_to_macro_where_nothing_is_said(measured):
    outputs, labels = scores_and_labels()
    assert measured(F1(), outputs, labels) == measured(F1("macro"), outputs, labels)


def test_a_class_that_is_never_answered_has_precision_0(measured):
    assert measured(Precision(), np.array([[1.0, 0.0]]), np.array([1])) == 0.0


def test_binary_of_more_classes_is_refused_with_what_to_use():
    with pytest.raises(ValueError, match="'binary' needs two classes, but F1 got 4: use 'macro'"):
        F1("binary").update(*scores_and_labels())


def test_an_unknown_average_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="binary, macro, micro, weighted; got 'mean'"):
        Recall("mean")


# ConfusionMatrix


@pytest.mark.parametrize("cuts", UNEQUAL)
def test_the_confusion_matrix_is_that_of_scikit_learn(measured, cuts):
    outputs, labels = scores_and_labels()
    expected = sklearn_metrics().confusion_matrix(labels, outputs.argmax(1))
    assert measured(ConfusionMatrix(), outputs, labels, cuts) == expected.tolist()


# Perplexity


@pytest.mark.parametrize("cuts", UNEQUAL)
def test_perplexity_is_e_to_the_log_loss_of_scikit_learn(measured, cuts):
    outputs, labels = scores_and_labels()
    probabilities = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    expected = np.exp(sklearn_metrics().log_loss(labels, probabilities))
    assert measured(Perplexity(), outputs, labels, cuts) == pytest.approx(expected, rel=1e-12)


def test_equal_outputs_are_as_uncertain_as_a_fair_choice(measured):
    assert measured(Perplexity(), np.ones((3, 5, 7)), np.zeros((3, 5), int)) == pytest.approx(7, rel=1e-12)


def test_padding_does_not_count_in_perplexity(measured):
    outputs, labels = scores_and_labels()
    padded = np.where(np.arange(50) < 30, labels, -100)
    expected = measured(Perplexity(), outputs[:30], labels[:30])
    assert measured(Perplexity(), outputs, padded) == pytest.approx(expected, rel=1e-12)


def test_a_hopeless_model_has_an_infinite_perplexity(measured):
    assert measured(Perplexity(), np.array([[1e4, 0.0]]), np.array([1])) == np.inf
    assert not Perplexity().higher_is_better


def test_an_average_of_no_ratio_says_what_is_missing(measured):
    with pytest.raises(NotImplementedError, match=r"must define _ratio\(\)"):
        measured(_Averaged(), *scores_and_labels())
