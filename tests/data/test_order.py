import numpy as np
import pytest

from minigrad.data import DataLoader, Examples
from minigrad.data.order import Shuffled, shuffled
from minigrad.engine import random


def order(n, epoch=0, seed=0):
    random.seed(seed)
    return Shuffled(n, random.stream("shuffle", step=epoch))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 1000, 4097, 100_000])
def test_every_number_comes_once(n):
    np.testing.assert_array_equal(np.sort(order(n)[:n]), np.arange(n))


def test_a_piece_is_that_of_the_whole():
    whole = order(5000)[:5000]
    np.testing.assert_array_equal(order(5000)[4000:4010], whole[4000:4010])
    np.testing.assert_array_equal(order(5000)[4990:6000], whole[4990:])


def test_seeds_and_epochs_have_other_orders():
    orders = [tuple(order(1000, epoch, seed)[:20]) for epoch in range(3) for seed in range(3)]
    assert len(set(orders)) == 9


def test_a_number_is_as_likely_in_one_place_as_in_another():
    places = np.array([order(10, epoch)[:10] for epoch in range(4000)])
    counts = np.array([np.bincount(column, minlength=10) for column in places.T])
    # chi-squared of 10 × 10 cells, 81 degrees of freedom: mean 81, standard deviation 12.7
    assert ((counts - 400) ** 2 / 400).sum() < 81 + 5 * 12.7


def test_neighbours_do_not_stay_neighbours():
    steps = np.diff(order(100_000)[:100_000])
    assert np.mean(np.abs(steps) < 100) < 0.004  # of a random order, 0.002


def test_a_large_set_is_ordered_piece_by_piece_and_a_small_one_kept(monkeypatch):
    assert isinstance(shuffled(100, 0), np.ndarray)
    monkeypatch.setattr("minigrad.data.order.LARGE", 100)
    assert isinstance(shuffled(100, 0), Shuffled)
    numbers = np.arange(103)
    batches = list(DataLoader(Examples(numbers, numbers), batch_size=10).epoch(0))
    assert [len(inputs) for inputs, _ in batches] == [10] * 10 + [3]
    np.testing.assert_array_equal(np.sort(np.concatenate([inputs for inputs, _ in batches])), numbers)
