import numpy as np
import pytest

from minigrad.data import DataError
from minigrad.data.splits import check_classes, check_order, split_groups, split_in_time
from minigrad.engine import random


def test_a_group_stays_in_one_part_and_the_parts_have_about_their_share():
    groups = np.random.default_rng(0).integers(0, 50, 1000)
    parts = split_groups(groups, 0.2, 0.2)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1000))
    names = [set(groups[part].tolist()) for part in parts]
    assert sum(map(len, names)) == len(set.union(*names))
    np.testing.assert_allclose([len(part) / 1000 for part in parts], [0.6, 0.2, 0.2], atol=0.03)


def test_groups_are_drawn_by_the_seed():
    groups = np.repeat(np.arange(20), 3)
    first, again = split_groups(groups), split_groups(groups)
    np.testing.assert_array_equal(first[2], again[2])
    random.seed(1)
    assert not np.array_equal(first[2], split_groups(groups)[2])


def test_the_last_in_time_are_for_the_test_and_equal_times_stay_together():
    times = np.random.default_rng(0).permutation(np.repeat(np.arange(25.0), 4))
    train, val, test = split_in_time(times, 0.2, 0.2)
    assert (times[train].max(), times[val].min(), times[val].max(), times[test].min()) == (14, 15, 19, 20)


@pytest.mark.parametrize("groups", [np.zeros(10, int), np.repeat([0, 1], 5)])
def test_too_few_groups_for_three_parts_are_refused(groups):
    with pytest.raises(DataError, match="do not make three parts"):
        split_groups(groups)


@pytest.mark.parametrize(("val", "test"), [(0, 0.2), (0.2, 0), (0.5, 0.5), (-1, 0.2)])
def test_fractions_that_are_no_shares_are_refused(val, test):
    with pytest.raises(DataError, match="are shares of all examples"):
        split_in_time(np.arange(10.0), val, test)


def test_a_class_that_training_does_not_have_is_refused_by_its_name():
    parts = [np.array([0, 1]), np.array([2]), np.array([0])]
    with pytest.raises(DataError, match=r"x.csv: class 'c' is in the validation part and not among the 2 examples"):
        check_classes("x.csv", parts, "abc", "mend it")


def test_parts_of_a_file_that_lies_in_the_order_of_its_classes_are_refused():
    parts = np.split(np.repeat([0, 1], 50), [60, 80])
    with pytest.raises(DataError, match=r"the validation part, 20 examples, has none of class 'a'.*in the order"):
        check_order("x.csv", parts, "ab", "mend it")
    check_order("x.csv", np.split(np.arange(100) % 2, [60, 80]), "ab", "mend it")


def test_a_rare_class_may_be_absent_by_chance():
    check_order("x.csv", [np.repeat([0, 1], [9, 1]), np.zeros(3, int), np.array([1, 0, 0])], "ab", "mend it")
