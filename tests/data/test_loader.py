import numpy as np
import pytest

from minigrad.data import DataError, DataLoader, Digits, Examples
from minigrad.engine import Tensor, random


def numbered(n: int) -> Examples:
    return Examples(np.arange(n, dtype=np.float32)[:, np.newaxis], np.arange(n))


def order(loader: DataLoader, epoch: int, start: int = 0) -> list[int]:
    return [int(target) for _, targets in loader.epoch(epoch, start) for target in targets]


def test_an_epoch_visits_each_example_once():
    loader = DataLoader(numbered(10), batch_size=4)
    assert sorted(order(loader, 0)) == list(range(10))


def test_inputs_and_targets_stay_together():
    for inputs, targets in DataLoader(numbered(10), batch_size=4).epoch(0):
        np.testing.assert_array_equal(inputs[:, 0], targets)


def test_the_order_is_a_pure_function_of_seed_and_epoch():
    loader = DataLoader(numbered(50), batch_size=8)
    third = order(loader, 3)
    order(loader, 0)
    np.random.default_rng().random(5)
    random.generator("shuffle").random(5)
    assert order(DataLoader(numbered(50), batch_size=16), 3) == third
    assert order(loader, 4) != third
    random.seed(1)
    assert order(loader, 3) != third


def test_an_epoch_goes_on_where_it_stopped():
    loader = DataLoader(numbered(10), batch_size=4)
    assert order(loader, 2, start=1) == order(loader, 2)[4:]
    assert order(loader, 2, start=3) == []


def test_the_last_batch_has_what_is_left_or_is_dropped():
    kept = DataLoader(numbered(10), batch_size=4)
    dropped = DataLoader(numbered(10), batch_size=4, drop_last=True)
    assert [len(targets) for _, targets in kept.epoch(0)] == [4, 4, 2]
    assert [len(targets) for _, targets in dropped.epoch(0)] == [4, 4]
    assert (len(kept), len(dropped)) == (3, 2)


def test_whole_batches_leave_nothing():
    assert len(DataLoader(numbered(8), batch_size=4)) == 2


def test_unshuffled_batches_are_views_in_the_order_of_the_data():
    examples = numbered(10)
    loader = DataLoader(examples, batch_size=4, shuffle=False)
    assert order(loader, 5) == list(range(10))
    assert all(np.shares_memory(inputs, examples.inputs) for inputs, _ in loader.epoch(0))


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(DataError, match="a batch of 32 is larger than the data: there are 10 examples"):
        DataLoader(numbered(10))


def test_an_empty_batch_is_refused():
    with pytest.raises(DataError, match="batch_size is at least 1, got 0"):
        DataLoader(numbered(10), batch_size=0)


@pytest.mark.parametrize("start", [-1, 4])
def test_a_start_outside_of_the_epoch_is_refused(start):
    with pytest.raises(DataError, match=f"an epoch has 3 batches; it cannot start at batch {start}"):
        DataLoader(numbered(10), batch_size=4).epoch(0, start)


def test_examples_may_be_others_in_each_epoch():
    class Shifted(Examples):
        def epoch(self, n):
            return Examples(self.inputs + n, self.targets + n)

    loader = DataLoader(Shifted(np.zeros((10, 1)), np.arange(10)), batch_size=4)
    assert sorted(order(loader, 3)) == list(range(3, 13))
    unshuffled = DataLoader(Shifted(np.zeros((10, 1)), np.arange(10)), batch_size=4, shuffle=False)
    assert order(unshuffled, 2) == list(range(2, 12))


def test_each_loop_over_a_loader_is_the_next_epoch_in_tensors():
    loader = DataLoader(numbered(10), batch_size=4)
    for epoch in range(2):
        seen = []
        for inputs, targets in loader:
            assert isinstance(inputs, Tensor)
            assert isinstance(targets, Tensor)
            seen += targets.data.tolist()
        assert seen == order(loader, epoch)


def test_a_loop_that_ends_early_does_not_change_the_next():
    loader = DataLoader(numbered(10), batch_size=4)
    next(iter(loader))
    assert [int(target) for _, targets in loader for target in targets.data] == order(loader, 1)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [(Digits(), "got Digits: give it a part of it, as data.train"), ([1, 2], "got list: give it Examples")],
)
def test_what_is_no_examples_is_refused_with_the_remedy(given, remedy):
    with pytest.raises(DataError, match=remedy):
        DataLoader(given)
