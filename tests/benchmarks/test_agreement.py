import numpy as np
import pytest

from benchmarks.agreement import disagreement


@pytest.fixture
def reference():
    random = np.random.default_rng(0)
    return {"losses": [2.0, 1.5, 1.2], "state": [random.normal(size=(200, 10)).tolist(), [0.5, -0.25]]}


def with_array(reference, array):
    return {**reference, "state": [np.asarray(array).tolist(), *reference["state"][1:]]}


def test_numbers_that_differ_by_the_rounding_of_float32_agree(reference):
    rounded = with_array(reference, np.float32(reference["state"][0]))
    assert disagreement(rounded, reference) is None


def test_an_array_that_is_wrong_by_a_thousandth_is_named(reference):
    wrong = with_array(reference, np.multiply(reference["state"][0], 1.001))
    assert "array 0" in disagreement(wrong, reference)


def test_losses_that_differ_are_named(reference):
    assert "losses" in disagreement({**reference, "losses": [2.0, 1.5, 1.3]}, reference)


def test_nan_agrees_with_nothing(reference):
    assert "losses" in disagreement({**reference, "losses": [2.0, 1.5, float("nan")]}, reference)


def test_another_shape_is_told_with_the_one_expected(reference):
    turned = with_array(reference, np.transpose(reference["state"][0]))
    assert disagreement(turned, reference) == "numbers of array 0 of shape (10, 200), expected (200, 10)"


def test_a_missing_array_disagrees(reference):
    assert disagreement({**reference, "state": reference["state"][:1]}, reference) == "1 arrays, expected 2"


def test_a_single_unit_on_the_other_side_of_a_kink_is_no_disagreement(reference):
    array = np.array(reference["state"][0])
    array[7] += 0.01
    assert disagreement(with_array(reference, array), reference) is None
