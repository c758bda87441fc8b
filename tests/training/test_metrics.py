import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.training import Accuracy, Metric
from minigrad.training.metrics import Tally


def measured(metric, outputs, targets, cuts=()):
    """The metric over the batches that `cuts` divide the examples into."""
    metric.reset()
    for x, y in zip(np.split(outputs, cuts), np.split(targets, cuts), strict=True):
        metric.update(x, y)
    return metric.compute()


def scores_and_labels(n=50, classes=4):
    generator = np.random.default_rng(0)
    return generator.normal(size=(n, classes)), generator.integers(classes, size=n)


@given(st.lists(st.integers(1, 49), unique=True).map(sorted))
def test_accuracy_is_the_same_however_the_examples_are_cut_into_batches(cuts):
    outputs, labels = scores_and_labels()
    assert measured(Accuracy(), outputs, labels, cuts) == np.mean(outputs.argmax(1) == labels)


def test_one_hot_targets_count_as_their_class():
    outputs, labels = scores_and_labels()
    assert measured(Accuracy(), outputs, np.eye(4)[labels]) == np.mean(outputs.argmax(1) == labels)


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_one_output_answers_yes_above_the_threshold(shape, threshold):
    generator = np.random.default_rng(1)
    outputs, targets = generator.normal(size=shape), generator.integers(2, size=50).reshape(shape)
    assert measured(Accuracy(threshold), outputs, targets) == np.mean((outputs > threshold) == (targets == 1))


def test_one_output_in_a_column_fits_targets_in_a_row():
    outputs, targets = np.array([[1.0], [-1.0], [2.0]]), np.array([1, 0, 0])
    assert measured(Accuracy(), outputs, targets) == 2 / 3


def test_a_class_for_each_place_of_a_sequence_is_counted_one_by_one():
    outputs = np.random.default_rng(2).normal(size=(3, 5, 7))
    labels = outputs.argmax(-1)
    labels[0, :2] += 1
    assert measured(Accuracy(), outputs, labels % 7) == 13 / 15


def test_targets_of_another_shape_are_refused_with_the_shapes_that_fit():
    with pytest.raises(ValueError, match=r"\(3,\) \(class indices\) or \(3, 4\) \(one-hot\).*got \(2,\)"):
        Accuracy().update(np.zeros((3, 4)), np.zeros(2, int))


def test_accuracy_of_no_batch_is_nan():
    assert np.isnan(Accuracy().compute())


def test_the_name_of_a_metric_is_its_class_in_lower_case():
    class TopK(Metric):
        pass

    assert (Accuracy().name, TopK().name) == ("accuracy", "top_k")


@pytest.mark.parametrize("call", [lambda m: m.reset(), lambda m: m.update(0, 0), lambda m: m.compute()])
def test_a_metric_without_its_methods_says_which_one_to_define(call):
    class Half(Metric):
        pass

    with pytest.raises(NotImplementedError, match="Half must define"):
        call(Half())


def test_the_mean_loss_weighs_each_example_alike_in_batches_of_unequal_size():
    losses = np.array([1.0, 2.0, 3.0, 10.0])
    tally = Tally([])
    for batch in np.split(losses, [3]):
        tally.add(batch.mean(), batch, batch)
    assert tally.compute("val") == {"val/loss": losses.mean()}


def test_a_loss_that_is_a_sum_is_told_for_one_example_too():
    losses = np.array([1.0, 2.0, 3.0, 10.0])
    tally = Tally([], reduction="sum")
    for batch in np.split(losses, [3]):
        tally.add(batch.sum(), batch, batch)
    assert tally.compute("val") == {"val/loss": losses.mean()}


def test_a_reset_tally_has_forgotten_loss_and_metrics():
    outputs, labels = scores_and_labels()
    tally = Tally([Accuracy()])
    tally.add(5.0, outputs, labels)
    tally.reset()
    tally.add(1.0, outputs[:10], outputs[:10].argmax(1))
    assert tally.compute("train") == {"train/loss": 1.0, "train/accuracy": 1.0}
