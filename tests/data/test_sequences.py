import numpy as np
import pytest

from minigrad.data import Addition, DataError, Reverse
from minigrad.engine import random

from .conftest import everything


def test_the_answer_to_a_sequence_is_its_reverse():
    data = Reverse(length=5, symbols=7, n_samples=500)
    inputs, targets = everything(data)
    assert (data.source_length, data.target_length, data.vocab_size) == (5, 5, 8)
    np.testing.assert_array_equal(targets, inputs[:, 4::-1])
    assert set(np.unique(targets)) == set(range(7))


def test_the_answer_to_a_sum_is_what_integers_add_to():
    data = Addition(digits=3, n_samples=500)
    inputs, targets = everything(data)
    assert (data.source_length, data.target_length, data.vocab_size) == (7, 4, 12)
    for row, answer in zip(inputs, targets, strict=True):
        first, plus, second = "".join(map(str, row[:3])), row[3], "".join(map(str, row[4:7]))
        assert plus == 10
        assert "".join(map(str, answer)) == f"{int(first) + int(second):04d}"


@pytest.mark.parametrize("data", [Reverse(n_samples=100), Addition(n_samples=100)], ids=["reverse", "addition"])
def test_behind_the_source_stands_the_answer_one_token_later(data):
    inputs, targets = everything(data)
    written = inputs[:, data.source_length :]
    assert inputs.dtype == targets.dtype == np.int64
    assert written.shape == targets.shape
    assert (written[:, 0] == data.vocab_size - 1).all()
    np.testing.assert_array_equal(written[:, 1:], targets[:, :-1])


def test_no_two_examples_are_the_same():
    inputs, _ = everything(Reverse(length=3, symbols=10, n_samples=1000))
    assert len(np.unique(inputs[:, :3], axis=0)) == 1000
    inputs, _ = everything(Addition(digits=1, n_samples=100))
    assert len(np.unique(inputs[:, :3], axis=0)) == 100


def test_the_examples_are_those_of_the_seed():
    first, _ = everything(Reverse(length=13, symbols=26))
    again, _ = everything(Reverse(length=13, symbols=26))
    np.testing.assert_array_equal(first, again)
    random.seed(1)
    other, _ = everything(Reverse(length=13, symbols=26))
    assert (first != other).any()


def test_more_examples_than_there_are_is_refused():
    with pytest.raises(DataError, match="n_samples is from 1 to 100, the number of different examples; got 101"):
        Addition(digits=1, n_samples=101)
    with pytest.raises(DataError, match="n_samples is from 1 to 1,000, the number of different examples; got 0"):
        Reverse(length=3, n_samples=0)


@pytest.mark.parametrize(("length", "symbols"), [(0, 10), (5, 1), (19, 10), (63, 2)])
def test_sequences_that_cannot_be_counted_are_refused(length, symbols):
    with pytest.raises(DataError, match=f"got {length} of {symbols}"):
        Reverse(length=length, symbols=symbols)
