import math

import pytest

from minigrad.nn import Parameter
from minigrad.optim import SGD, ReduceLROnPlateau


def optimizer(lr=1.0):
    return SGD([Parameter([1.0])], lr=lr)


def rates(plateau, values):
    result = []
    for value in values:
        plateau.step(value)
        result.append(plateau.optimizer.param_groups[0]["lr"])
    return result


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({"patience": 1}, [3, 2, 2, 2, 2, 2], [1, 1, 1, 0.5, 0.5, 0.25]),
        ({"patience": 0}, [3, 4, 2.9], [1, 0.5, 0.5]),
        ({"patience": 0, "mode": "max"}, [3, 4, 2.9], [1, 1, 0.5]),
        ({"patience": 0, "threshold": 0.5}, [4, 3, 1.9], [1, 0.5, 0.5]),
        ({"patience": 0, "threshold": 0.5, "threshold_mode": "abs"}, [4, 3.6, 3.4], [1, 0.5, 0.5]),
        ({"patience": 0, "cooldown": 2}, [1, 1, 1, 1, 1], [1, 0.5, 0.5, 0.5, 0.25]),
        ({"patience": 0, "min_lr": 0.4}, [1, 1, 1], [1, 0.5, 0.4]),
        ({"patience": 0, "eps": 0.3}, [1, 1, 1], [1, 0.5, 0.5]),
        ({"patience": 0}, [math.nan, 1], [0.5, 0.5]),
        # what is just as much as the threshold is no improvement
        ({"patience": 0, "threshold": 0.5}, [4, 2, 1.5], [1, 0.5, 0.5]),
        ({"patience": 0, "threshold": 0.5, "mode": "max"}, [4, 6, 6.5], [1, 0.5, 0.5]),
        ({"patience": 0, "threshold": 0.5, "threshold_mode": "abs"}, [4, 3.5, 3], [1, 0.5, 0.5]),
        ({"patience": 0, "threshold": 0.5, "threshold_mode": "abs", "mode": "max"}, [4, 4.5, 5], [1, 0.5, 0.5]),
        ({"patience": 0, "threshold": 0}, [4, 4, 3], [1, 0.5, 0.5]),
        ({"patience": 0}, [math.inf, 1, 1], [0.5, 0.5, 0.25]),
        ({"patience": 0, "mode": "max"}, [-math.inf, 9, 9], [0.5, 0.5, 0.25]),
        ({"patience": 0, "eps": 0.5}, [1, 1, 1], [1, 1, 1]),
        ({"patience": 1, "cooldown": 1}, [1, 1, 1, 1, 1, 1, 1], [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
    ],
)
def test_the_rate_falls_when_nothing_has_improved_for_long_enough(options, values, expected):
    assert rates(ReduceLROnPlateau(optimizer(), factor=0.5, **options), values) == expected


def test_each_group_has_its_own_floor():
    two = SGD([{"params": [Parameter([1.0])]}, {"params": [Parameter([1.0])]}], lr=1.0)
    rates(ReduceLROnPlateau(two, patience=0, min_lr=[0.5, 0.2]), [1, 1])
    assert [group["lr"] for group in two.param_groups] == [0.5, 0.2]


def test_a_loaded_plateau_goes_on_at_the_same_place():
    first = ReduceLROnPlateau(optimizer(), factor=0.5, patience=2, cooldown=1)
    rates(first, [1, 1, 1])
    resumed = ReduceLROnPlateau(optimizer(), factor=0.5, patience=2, cooldown=1)
    resumed.load_state_dict(first.state_dict())
    assert rates(resumed, [1] * 7) == rates(first, [1] * 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "lowest"}, "mode must be 'min' or 'max', got 'lowest'"),
        ({"threshold_mode": "relative"}, "threshold_mode must be 'rel' or 'abs', got 'relative'"),
        ({"factor": 1.0}, "factor must be above 0 and below 1, got 1.0"),
        ({"min_lr": [0.1, 0.2]}, "min_lr has 2 values, and the optimizer has 1 groups of parameters"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ReduceLROnPlateau(optimizer(), **options)
