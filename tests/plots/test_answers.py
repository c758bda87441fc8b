"""Outputs read as classes and amounts, in each form that targets have."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")

from minigrad.data import Dataset, Examples
from minigrad.metrics import Accuracy
from minigrad.nn import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from minigrad.plots.answers import Amounts, Classes, Labels, read_answers


class Data(Dataset):
    """Targets, the same in all parts, of `classes` classes or none."""

    class_names = ()

    def __init__(self, targets, classes=None):
        self.train = self.val = self.test = Examples(np.zeros((len(targets), 1), np.float32), np.asarray(targets))
        self._num_classes = classes


def experiment(targets, loss, classes=None, metrics=()):
    return SimpleNamespace(data=Data(targets, classes), loss=loss, metrics=list(metrics))


OUTPUTS = np.array([[2.0, 0.0, -1.0], [0.0, 0.5, 3.0], [1.0, 1.5, 0.0]])


def test_cross_entropy_makes_scores_probabilities():
    answers = read_answers(experiment([0, 1, 1], CrossEntropyLoss(), 3), OUTPUTS)
    assert answers.said.tolist() == [0, 2, 1]
    assert answers.right.tolist() == [True, False, True]
    np.testing.assert_allclose(answers.scores, np.exp(OUTPUTS) / np.exp(OUTPUTS).sum(axis=1, keepdims=True))
    assert answers.names == ("0", "1", "2")


def test_the_lead_of_a_wrong_answer_is_negative():
    answers = read_answers(experiment([0, 1, 1], MSELoss(), 3), OUTPUTS)
    np.testing.assert_allclose(answers.lead, [2.0, -2.5, 0.5])


def test_one_hot_targets_are_classes():
    answers = read_answers(experiment(np.eye(3, dtype=np.float32)[[0, 2, 0]], MSELoss(), 3), OUTPUTS)
    assert answers.truth.tolist() == [0, 2, 0]
    np.testing.assert_array_equal(answers.scores, OUTPUTS)


def test_one_logit_answers_with_two_classes():
    outputs = np.array([[-1.0], [2.0]])
    answers = read_answers(experiment(np.float32([[1], [1]]), BCEWithLogitsLoss(), 2), outputs)
    assert (answers.truth.tolist(), answers.said.tolist()) == ([1, 1], [0, 1])
    yes = 1 / (1 + np.exp(-outputs[:, 0]))
    np.testing.assert_allclose(answers.scores, np.stack([1 - yes, yes], axis=1))


def test_the_threshold_of_a_metric_divides_one_output():
    outputs = np.array([[0.4], [0.6]])
    metrics = [Accuracy(threshold=0.5)]
    answers = read_answers(experiment(np.float32([[0], [1]]), MSELoss(), 2, metrics), outputs)
    assert answers.said.tolist() == [0, 1]


def test_examples_that_are_to_be_ignored_are_left_out():
    answers = read_answers(experiment([0, -100, 1], CrossEntropyLoss(), 3), OUTPUTS)
    assert isinstance(answers, Classes)
    assert answers.rows.tolist() == [0, 2]
    assert answers.said.tolist() == [0, 1]


def test_real_targets_are_amounts():
    answers = read_answers(experiment(np.float32([[1], [2]]), MSELoss()), np.array([[1.5], [2.5]]))
    assert isinstance(answers, Amounts)
    np.testing.assert_array_equal(answers.said, [[1.5], [2.5]])


def test_a_class_at_each_of_many_places_is_not_read():
    assert read_answers(experiment(np.zeros((2, 4), np.int64), CrossEntropyLoss(), 3), np.zeros((2, 4, 3))) is None


def test_labels_are_read_one_by_one_and_not_as_a_regression():
    targets = np.float32([[1, 1, 0], [0, 0, 0], [0, 1, 0]])
    answers = read_answers(experiment(targets, BCEWithLogitsLoss()), OUTPUTS)
    assert isinstance(answers, Labels)
    np.testing.assert_array_equal(answers.truth, targets == 1)
    np.testing.assert_array_equal(answers.said, OUTPUTS > 0)
    np.testing.assert_allclose(answers.scores, 1 / (1 + np.exp(-OUTPUTS)))


def test_another_index_that_the_loss_ignores_is_left_out():
    answers = read_answers(experiment([0, 2, 1], CrossEntropyLoss(ignore_index=2), 3), OUTPUTS)
    assert answers.rows.tolist() == [0, 2]
