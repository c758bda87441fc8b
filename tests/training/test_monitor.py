import pytest

from minigrad.training import Checkpoint, EarlyStopping
from minigrad.training.monitor import Best

INF, NAN = float("inf"), float("nan")


def updates(best, values):
    return [best.update({best.monitor: value}, step) for step, value in enumerate(values)]


def test_the_smallest_value_is_the_best_where_less_is_better():
    best = Best("val/loss", "min")
    assert updates(best, [3, 2, 2, 4, 1]) == [True, True, False, False, True]
    assert (best.value, best.step) == (1, 4)


def test_the_largest_value_is_the_best_where_more_is_better():
    best = Best("val/accuracy", "max")
    assert updates(best, [0.5, 0.4, 0.6]) == [True, False, True]
    assert (best.value, best.step) == (0.6, 2)


def test_a_change_within_min_delta_is_no_improvement():
    assert updates(Best("val/loss", "min", min_delta=0.5), [3, 2.6, 2.4]) == [True, False, True]


def test_nan_is_never_better_and_anything_is_better_than_nan():
    assert updates(Best("val/loss", "min"), [float("nan"), 3, float("nan"), 2]) == [True, True, False, True]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_nan_after_nan_is_no_improvement(mode):
    assert updates(Best("val/loss", mode, patience=2), [NAN, NAN, NAN]) == [True, False, False]


@pytest.mark.parametrize(("mode", "worst"), [("min", INF), ("max", -INF)])
def test_infinity_is_the_worst_value_and_not_better_than_itself(mode, worst):
    assert updates(Best("val/loss", mode), [worst, worst, 1.0, worst]) == [True, False, True, False]


def test_what_format_1_kept_before_the_first_validation_is_no_best_value():
    best = Best("val/loss", "min")
    assert best.resume({"monitor": "val/loss", "mode": "min", "value": NAN, "step": 0, "since": 0})
    assert best.update({"val/loss": NAN}, 5)


def test_patience_ends_after_so_many_validations_in_a_row_without_an_improvement():
    best = Best("val/loss", "min", patience=2)
    seen = []
    for step, value in enumerate([3, 4, 2, 5, 5]):
        best.update({"val/loss": value}, step)
        seen.append(best.out_of_patience)
    assert seen == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patience": 0}, "at least 1, got 0"),
        ({"min_delta": -1.0}, "min_delta must be at least 0, got -1.0"),
        ({"min_delta": INF}, "finite, got inf"),
    ],
)
def test_early_stopping_refuses_what_could_never_stop_rightly(arguments, message):
    with pytest.raises(ValueError, match=message):
        EarlyStopping(**arguments)


def test_what_was_best_goes_on_only_for_what_was_watched():
    before = Best("val/loss", "min", patience=2)
    updates(before, [3, 1, 2])
    after = Best("val/loss", "min", patience=5)
    assert after.resume(vars(before))
    assert (after.value, after.step, after.since, after.patience) == (1, 1, 1, 5)
    for other in (Best("val/accuracy", "min"), Best("val/loss", "max")):
        assert not other.resume(vars(before))
        assert other.step == 0


def test_a_checkpoint_cannot_be_due_before_it_was_written():
    with pytest.raises(ValueError, match="seconds must be at least 0, got -1"):
        Checkpoint(seconds=-1)
