"""What targets are, by what the loss compares and by their values in all parts of the data."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.targets import Comparison, target_of

FLAGS = np.float32([[1, 0, 1], [0, 0, 1]])
ONE_HOT = np.eye(3, dtype=np.float32)[[0, 2]]


def kind(loss, shape, *targets, classes=None):
    return target_of(loss.comparison, shape, list(targets), classes).kind


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.NLLLoss(), nn.MSELoss()])
def test_integers_beside_a_row_of_outputs_are_class_indices(loss):
    assert kind(loss, (4, 3), np.array([0, 1, 2, 1])) == "index"


def test_one_class_is_a_class_and_not_yes_or_no():
    target = target_of(nn.CrossEntropyLoss().comparison, (4, 1), [np.zeros(4, int)])
    assert target.kind == "index"
    assert target.predictions(np.array([[-3.0], [3.0]])).tolist() == [0, 0]


@pytest.mark.parametrize("loss", [nn.BCEWithLogitsLoss(), nn.BCELoss(), nn.MSELoss(), nn.Loss()])
def test_zeros_and_ones_are_labels_unless_every_row_has_one_1(loss):
    assert kind(loss, (2, 3), ONE_HOT) == "one_hot"
    assert kind(loss, (2, 3), FLAGS) == "labels"
    assert kind(loss, (2, 3), ONE_HOT, FLAGS) == "labels"
    assert kind(loss, (2, 1), np.float32([[0], [1]])) == "binary"


def test_signs_are_answers_of_yes_and_no_too():
    target = target_of(nn.SoftMarginLoss().comparison, (2, 1), [np.float32([[-1], [1]])])
    assert (target.kind, target.middle) == ("binary", 0)
    assert target.truth(np.float32([[-1], [1]])).tolist() == [[False], [True]]


def test_probabilities_are_read_as_classes_by_a_loss_of_classes_alone():
    soft = np.float32([[0.2, 0.8], [0.9, 0.1]])
    assert kind(nn.CrossEntropyLoss(), (2, 2), soft) == "one_hot"
    assert kind(nn.MSELoss(), (2, 2), soft) == "amounts"
    assert kind(nn.MSELoss(), (2, 2), soft, classes=2) == "one_hot"


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.L1Loss(), nn.HuberLoss()])
def test_other_numbers_are_amounts(loss):
    assert kind(loss, (3, 1), np.float32([[0], [1], [2]])) == "amounts"


def test_counts_are_amounts_though_all_are_0_and_1():
    assert kind(nn.PoissonNLLLoss(), (3, 1), np.float32([[0], [1], [1]])) == "amounts"


@pytest.mark.parametrize(
    ("loss", "middle"), [(nn.BCEWithLogitsLoss(), 0.0), (nn.BCELoss(), 0.5), (nn.MSELoss(), 0.5), (nn.Loss(), 0.0)]
)
def test_yes_begins_in_the_middle_that_the_loss_has(loss, middle):
    assert target_of(loss.comparison, (2, 1), [np.float32([[0], [1]])]).middle == middle


def test_the_loss_says_where_the_classes_are_and_what_is_ignored():
    target = target_of(nn.CrossEntropyLoss(ignore_index=0).comparison, (2, 5, 5), [np.ones((2, 5), int)])
    assert (target.axis, target.ignore_index) == (1, 0)
    outputs = np.random.default_rng(0).normal(size=(2, 5, 5))
    np.testing.assert_array_equal(target.predictions(outputs), outputs.argmax(1))
    assert target.counted(np.array([[0, 1], [2, -100]])).tolist() == [[False, True], [True, True]]


def test_amounts_are_no_answers():
    target = target_of(Comparison(), (2, 1), [np.float32([[0.5], [3]])])
    with pytest.raises(ValueError, match="real numbers, which are neither classes nor yes and no"):
        target.predictions(np.zeros((2, 1)))
