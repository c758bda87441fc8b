import numpy as np
import pytest

from minigrad.arguments import as_choice, as_flag, as_integer, as_number
from minigrad.nn import GRU, LSTM, BatchNorm1d, Conv2d, Embedding, LayerNorm, Linear, MultiHeadAttention

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("size", [1, 7, np.int64(3), np.uint8(200)])
def test_an_integer_comes_back_as_pythons(size):
    assert type(as_integer("size", size, 1)) is int


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.int8(1)])
def test_a_number_comes_back_as_pythons(value):
    number = as_number("rate", value)
    assert type(number) in (int, float)
    assert number == value


@pytest.mark.parametrize("value", [True, np.True_, 2.0, "2", None, [2], NAN])
def test_what_is_no_integer_is_refused_by_the_name_of_the_argument(value):
    with pytest.raises(TypeError, match=r"^size must be an integer, got "):
        as_integer("size", value)


@pytest.mark.parametrize("value", [True, np.False_, "0.5", None, [0.5], np.zeros(1), 1j])
def test_what_is_no_number_is_refused_by_the_name_of_the_argument(value):
    with pytest.raises(TypeError, match=r"^rate must be a number, got "):
        as_number("rate", value)


@pytest.mark.parametrize(
    ("bounds", "value", "message"),
    [
        ({"at_least": 0}, -1, "rate must be at least 0, got -1"),
        ({"at_least": 0}, NAN, "rate must be at least 0, got nan"),
        ({"at_least": 0}, INF, "rate must be finite, got inf"),
        ({"above": 0}, 0, "rate must be above 0, got 0"),
        ({"above": 0, "below": 1}, 1, "rate must be above 0 and below 1, got 1"),
        ({"at_least": 0, "at_most": 1}, 1.5, "rate must be from 0 to 1, got 1.5"),
        ({"at_most": 1}, 2, "rate must be at most 1, got 2"),
        ({}, NAN, "rate must be a number, got nan"),
        ({}, -INF, "rate must be finite, got -inf"),
        ({"above": 0, "finite": False}, NAN, "rate must be above 0, got nan"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_the_bounds(bounds, value, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        as_number("rate", value, **bounds)


def test_numbers_on_a_bound_that_belongs_to_the_range_are_taken():
    assert as_number("rate", 0, at_least=0, at_most=1) == 0
    assert as_number("rate", INF, above=0, finite=False) == INF


def test_an_integer_that_is_too_small_is_refused_with_the_bound():
    with pytest.raises(ValueError, match=r"^height must be at least 1, got 0$"):
        as_integer("height", 0, 1)


def test_truth_values_are_those_alone():
    assert as_flag("bias", np.True_) is True
    for value in (0, 1, "False", None):
        with pytest.raises(TypeError, match=r"^bias must be True or False, got "):
            as_flag("bias", value)


def test_a_word_is_one_of_the_choices():
    assert as_choice("mode", "min", ("min", "max")) == "min"
    for value in ("lowest", None, 1):
        with pytest.raises(ValueError, match=r"^mode must be 'min' or 'max', got "):
            as_choice("mode", value, ("min", "max"))


@pytest.mark.parametrize(
    ("build", "name", "got"),
    [
        (lambda: Linear(1, "a"), "out_features", "'a'"),
        (lambda: Linear(1.5, 2), "in_features", r"1\.5"),
        (lambda: Conv2d(1, None, 3), "out_channels", "None"),
        (lambda: Embedding("10", 3), "num_embeddings", "'10'"),
        (lambda: LayerNorm((3, 2.0)), "normalized_shape", r"2\.0"),
        (lambda: BatchNorm1d([3]), "num_features", r"\[3\]"),
        (lambda: GRU(2, "8"), "hidden_size", "'8'"),
        (lambda: MultiHeadAttention(8, 2.0), "num_heads", r"2\.0"),
    ],
)
def test_a_size_that_is_no_integer_is_refused_by_the_name_of_the_argument(build, name, got):
    with pytest.raises(TypeError, match=f"^{name} must be an integer, got {got}$"):
        build()


def test_sizes_of_a_small_dtype_do_not_overflow_in_the_sizes_made_of_them():
    assert LSTM(np.uint8(3), np.uint8(100)).weight_hh_l0.shape == (400, 100)
    assert MultiHeadAttention(np.uint8(100), np.uint8(4)).in_proj_weight.shape == (300, 100)
