import pytest

from minigrad.nn import Parameter
from minigrad.optim import SGD, AdamW, OneCycleLR, Optimizer


def optimizer(**options):
    return SGD([Parameter([1.0])], lr=1.0, **options)


def course(schedule, steps, option="lr"):
    result = []
    for _ in range(steps):
        result.append(schedule.optimizer.param_groups[0][option])
        schedule.step()
    return result


def test_the_rate_rises_to_the_top_falls_below_the_start_and_stays_there():
    schedule = OneCycleLR(
        optimizer(), 8.0, 9, pct_start=5 / 9, anneal_strategy="linear", div_factor=2, final_div_factor=4
    )
    assert course(schedule, 11) == pytest.approx([4, 5, 6, 7, 8, 6.25, 4.5, 2.75, 1, 1, 1])


def test_the_cosine_is_half_way_where_the_line_is():
    schedule = OneCycleLR(optimizer(), 8.0, 9, pct_start=5 / 9, div_factor=2)
    assert course(schedule, 5) == pytest.approx([4, 6 - 2 / 2**0.5, 6, 6 + 2 / 2**0.5, 8])


def test_with_three_phases_it_passes_the_first_rate_on_its_way_down():
    schedule = OneCycleLR(
        optimizer(),
        4.0,
        8,
        pct_start=3 / 8,
        anneal_strategy="linear",
        div_factor=2,
        three_phase=True,
        final_div_factor=4,
    )
    assert course(schedule, 8) == pytest.approx([2, 3, 4, 3, 2, 1.5, 1, 0.5])


def test_the_momentum_goes_the_other_way():
    schedule = OneCycleLR(
        optimizer(momentum=0.5), 1.0, 5, pct_start=0.6, base_momentum=0.5, max_momentum=0.9, anneal_strategy="linear"
    )
    assert course(schedule, 6, "momentum") == pytest.approx([0.9, 0.7, 0.5, 0.7, 0.9, 0.9])


def test_of_adam_the_first_beta_is_the_momentum():
    schedule = OneCycleLR(AdamW([Parameter([1.0])]), 1.0, 5, pct_start=0.6, anneal_strategy="linear")
    assert [betas[0] for betas in course(schedule, 3, "betas")] == pytest.approx([0.95, 0.9, 0.85])
    assert schedule.optimizer.param_groups[0]["betas"][1] == 0.999


def test_the_momentum_may_be_left_alone():
    schedule = OneCycleLR(optimizer(momentum=0.3), 1.0, 5, cycle_momentum=False)
    assert course(schedule, 5, "momentum") == [0.3] * 5


def test_the_end_may_be_set_when_it_is_known():
    schedule = OneCycleLR(optimizer(), 1.0)
    schedule.total_steps = 6
    assert course(schedule, 6) == course(OneCycleLR(optimizer(), 1.0, epochs=2, steps_per_epoch=3), 6)


def test_without_an_end_the_cycle_says_so():
    with pytest.raises(ValueError, match=r"OneCycleLR must know where it ends: give total_steps"):
        OneCycleLR(optimizer(), 1.0).step()


def test_a_loaded_schedule_goes_on_at_the_same_place():
    first = OneCycleLR(optimizer(momentum=0.9), 1.0, 12)
    course(first, 5)
    resumed = OneCycleLR(optimizer(momentum=0.9), 1.0, 12)
    resumed.optimizer.load_state_dict(first.optimizer.state_dict())
    resumed.load_state_dict(first.state_dict())
    assert resumed.optimizer.param_groups[0]["momentum"] == first.optimizer.param_groups[0]["momentum"]
    assert course(resumed, 7) == course(first, 7)


class Plain(Optimizer):
    pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"total_steps": 0}, "total_steps must be at least 1, got 0"),
        ({"pct_start": 1.5}, "pct_start must be from 0 to 1, got 1.5"),
        ({"div_factor": 0}, "div_factor must be above 0, got 0"),
        ({"final_div_factor": -1}, "final_div_factor must be above 0, got -1"),
        ({"anneal_strategy": "cosine"}, "anneal_strategy must be 'cos' or 'linear', got 'cosine'"),
        ({"base_momentum": [0.8, 0.9]}, "base_momentum has 2 values, and the optimizer has 1 groups of parameters"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        OneCycleLR(optimizer(), 1.0, **options)


def test_an_optimizer_without_momentum_is_refused_with_the_remedy():
    plain = Plain([Parameter([1.0])], {"lr": 1.0})
    with pytest.raises(ValueError, match=r"Plain has no momentum to cycle: give cycle_momentum=False"):
        OneCycleLR(plain, 1.0, 5)
