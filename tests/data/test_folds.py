"""Folds: each example is validated on once, as scikit-learn divides them: by class, by group, by time."""

import numpy as np
import pytest

from minigrad.data import Arrays, DataError, Digits, Table, Windows
from minigrad.data.folds import Fold, FoldError, fold_bounds, folding
from minigrad.data.splits import split, split_groups, split_in_time
from minigrad.engine import random


def folds_of(divide, count):
    found = []
    for index in range(1, count + 1):
        with random.at(seed=3), folding(index, count) as fold:
            found.append(divide())
        assert fold.used
    return found


def test_every_example_but_those_for_the_test_is_validated_on_once():
    folds = folds_of(lambda: split(103), 5)
    (test,) = {tuple(test) for _, _, test in folds}
    assert sorted(np.concatenate([val for _, val, _ in folds])) == sorted(set(range(103)) - set(test))
    for train, val, _ in folds:
        assert sorted([*train, *val, *test]) == list(range(103))
    assert np.ptp([len(val) for _, val, _ in folds]) <= 1


def test_the_classes_have_their_share_in_each_fold():
    classes = np.repeat([0, 1, 2], [60, 30, 10])
    for _, val, _ in folds_of(lambda: split(100, classes=classes), 4):
        assert np.abs(np.bincount(classes[val]) - np.array([12, 6, 2])).max() <= 1


def test_stratified_folds_have_the_sizes_of_those_of_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection")
    classes = np.repeat([0, 1, 2], [40, 24, 16])
    folds = folds_of(lambda: split(100, 0.2, 0.2, np.repeat([0, 1, 2], [50, 30, 20])), 4)
    theirs = selection.StratifiedKFold(4).split(classes, classes)
    assert [len(val) for _, val, _ in folds] == [len(val) for _, val in theirs]


def test_the_members_of_a_group_are_in_one_part():
    groups = np.random.default_rng(0).integers(0, 30, 200)
    folds = folds_of(lambda: split_groups(groups), 4)
    for train, val, test in folds:
        parts = [set(groups[part]) for part in (train, val, test)]
        assert len(set.union(*parts)) == sum(map(len, parts))
        assert sorted([*train, *val, *test]) == list(range(200))
    vals = np.concatenate([val for _, val, _ in folds])
    assert len(np.unique(vals)) == len(vals) == 200 - len(folds[0][2])


def test_folds_in_time_validate_on_what_follows_as_those_of_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection")
    folds = folds_of(lambda: split_in_time(np.arange(100), 0.2, 0.2), 4)
    for (train, val, test), (their_train, their_val) in zip(
        folds, selection.TimeSeriesSplit(4).split(np.arange(80)), strict=True
    ):
        np.testing.assert_array_equal(train, their_train)
        np.testing.assert_array_equal(val, their_val)
        np.testing.assert_array_equal(test, np.arange(80, 100))


def test_one_large_group_leaves_every_fold_a_group():
    sizes = np.array([1, 1, 1000, 1, 1])
    bounds = [fold_bounds(Fold(i, 5), sizes, False, "groups") for i in range(1, 6)]
    assert bounds == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert [fold_bounds(Fold(i, 2), np.array([1000, 1, 1]), True, "times") for i in (1, 2)] == [(1, 2), (2, 3)]


def test_a_series_is_divided_in_time():
    data = []
    for index in (1, 2, 3):
        with folding(index, 3):
            data.append(Windows(np.arange(100.0), length=4, horizon=1))
    assert [len(each.train) for each in data] == [16, 36, 56]
    assert {len(each.val) for each in data} == {16}
    assert {len(each.test) for each in data} == {16}


def test_digits_that_ship_are_divided():
    with folding(1, 5):
        data = Digits()
    assert len(data.val) + len(data.train) == 1438
    assert len(data.val) == 288


def test_a_class_with_fewer_examples_than_folds_is_named(tmp_path):
    path = tmp_path / "few.csv"
    rows = [f"{i},{'common' if i % 2 else 'usual'}\n" for i in range(40)] + ["50,rare\n", "51,rare\n", "52,rare\n"]
    path.write_text("x,y\n" + "".join(rows))
    said = r"class 'rare' has 2 examples besides those for the test, and each of 5 folds needs one: take at most 2"
    with pytest.raises(DataError, match=said), folding(1, 5):
        Table(str(path), "y")
    np.savez(tmp_path / "few.npz", inputs=np.zeros((20, 2), np.float32), targets=np.repeat([0, 1], [18, 2]))
    with pytest.raises(DataError, match=r"class '?1'? has [12] examples? besides"), folding(1, 3):
        Arrays(str(tmp_path / "few.npz"))


@pytest.mark.parametrize(("divide", "said"), [
    (lambda: split(9), "examples besides those for the test do not make 12 folds"),
    (lambda: split_groups(np.arange(40) // 4), "different groups besides those for the test do not make 12 folds"),
    (lambda: split_in_time(np.arange(40) // 4), "different times besides those for the test do not make 12 folds"),
])  # fmt: skip
def test_too_few_for_so_many_folds_is_said(divide, said):
    with pytest.raises(DataError, match=said), folding(1, 12):
        divide()


@pytest.mark.parametrize("fold", [(0, 5), (6, 5), (1, 1), (-1, -2)])
def test_a_fold_that_there_is_not_is_refused(fold):
    with pytest.raises(FoldError, match=r"fold is \[i, k\]"), folding(*fold):
        pass
