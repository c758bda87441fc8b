import math

import numpy as np
import pytest

from minigrad.metrics import ExactMatch


def scores_for(answers: np.ndarray, classes: int = 5) -> np.ndarray:
    return np.eye(classes)[answers]


def test_a_sequence_counts_where_every_token_is_right():
    targets = np.array([[0, 1, 2], [3, 4, 0], [1, 1, 1]])
    answers = targets.copy()
    answers[1, 2] = 2
    metric = ExactMatch()
    metric.update(scores_for(answers), targets)
    assert metric.compute() == 2 / 3
    metric.update(scores_for(targets[:1]), targets[:1])
    assert metric.compute() == 3 / 4


def test_padding_counts_for_nothing():
    metric = ExactMatch(ignore_index=4)
    metric.update(scores_for(np.array([[0, 1, 2], [0, 0, 2]])), np.array([[0, 1, 4], [0, 1, 4]]))
    assert metric.compute() == 1 / 2


def test_nothing_measured_is_nan_again_after_a_reset():
    metric = ExactMatch()
    assert math.isnan(metric.compute())
    metric.update(scores_for(np.array([[0]])), np.array([[0]]))
    metric.reset()
    assert math.isnan(metric.compute())


def test_outputs_that_are_no_sequences_are_refused():
    with pytest.raises(ValueError, match=r"expected outputs \(N, T, C\) and targets \(N, T\), got \(4, 3\) and \(4,\)"):
        ExactMatch().update(np.zeros((4, 3)), np.zeros(4, int))


def test_its_name_is_that_of_two_words():
    assert ExactMatch().name == "exact_match"
