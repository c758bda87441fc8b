import math

import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import (
    SGD,
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    Schedule,
    StepLR,
    WarmupCosine,
)


def optimizer(lr=1.0):
    return SGD([Parameter([1.0])], lr=lr)


def rates(schedule, steps):
    result = []
    for _ in range(steps):
        result.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.step()
    return result


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (StepLR(optimizer(), 2, gamma=0.5), [1, 1, 0.5, 0.5, 0.25, 0.25]),
        (MultiStepLR(optimizer(), [4, 1], gamma=0.5), [1, 0.5, 0.5, 0.5, 0.25, 0.25]),
        (ExponentialLR(optimizer(), 0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
        (ConstantLR(optimizer(), 0.25, total_iters=2), [0.25, 0.25, 1, 1, 1, 1]),
        (LinearLR(optimizer(), 0.2, 1.0, total_iters=4), [0.2, 0.4, 0.6, 0.8, 1, 1]),
        (CosineAnnealingLR(optimizer(), 2, eta_min=0.5), [1, 0.75, 0.5, 0.75, 1, 0.75]),
        (WarmupCosine(optimizer(), 1, total_steps=5, min_lr=0.5), [0.5, 1, 0.5 + 0.25 * (1 + math.sqrt(0.5)), 0.75]),
        (WarmupCosine(optimizer(), 3, total_steps=4), [0.25, 0.5, 0.75, 1, 0, 0]),
        (WarmupCosine(optimizer(), 0, total_steps=2), [1, 0.5, 0, 0]),
        (WarmupCosine(optimizer(), 3, total_steps=2), [0.25, 0.5, 0.75, 1, 0]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_rates_follow_the_plan(schedule, expected):
    assert rates(schedule, len(expected)) == pytest.approx(expected, abs=1e-15)


def test_every_group_follows_from_its_own_rate():
    two = SGD([{"params": [Parameter([1.0])]}, {"params": [Parameter([1.0])], "lr": 0.5}], lr=1.0)
    schedule = ExponentialLR(two, 0.5)
    schedule.step()
    assert [group["lr"] for group in two.param_groups] == [0.5, 0.25]
    two.add_param_group({"params": [Parameter([1.0])], "lr": 2.0})
    schedule.step()
    assert [group["lr"] for group in two.param_groups] == [0.25, 0.125, 0.5]


def test_the_end_may_be_set_when_it_is_known():
    schedule = WarmupCosine(optimizer(), warmup_steps=1)
    schedule.total_steps = 3
    assert rates(schedule, 4) == pytest.approx([0.5, 1, 0.5, 0])


def test_without_an_end_the_cosine_says_so():
    schedule = WarmupCosine(optimizer(), warmup_steps=1)
    schedule.step()
    with pytest.raises(ValueError, match=r"WarmupCosine must know where it ends: give total_steps"):
        schedule.step()


def test_a_loaded_schedule_goes_on_at_the_same_place():
    first = WarmupCosine(optimizer(), 2, total_steps=9)
    rates(first, 4)
    resumed_optimizer = optimizer(lr=0.3)
    resumed = WarmupCosine(resumed_optimizer, 2, total_steps=9)
    resumed_optimizer.load_state_dict(first.optimizer.state_dict())
    resumed.load_state_dict(first.state_dict())
    assert rates(resumed, 6) == rates(first, 6)


def test_the_optimizer_takes_steps_of_the_scheduled_size():
    one = optimizer()
    (p,) = one.param_groups[0]["params"]
    schedule = ExponentialLR(one, 0.5)
    for _ in range(3):
        p.grad = np.array([1.0])
        one.step()
        schedule.step()
    assert p.item() == 1 - (1 + 0.5 + 0.25)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda o: StepLR(o, 0), "step_size must be at least 1, got 0"),
        (lambda o: LinearLR(o, start_factor=0), "start_factor must be above 0 and at most 1, got 0"),
        (lambda o: LinearLR(o, end_factor=1.5), "end_factor must be from 0 to 1, got 1.5"),
        (lambda o: LinearLR(o, total_iters=0), "total_iters must be at least 1, got 0"),
        (lambda o: ConstantLR(o, factor=2), "factor must be from 0 to 1, got 2"),
        (lambda o: CosineAnnealingLR(o, 0), "T_max must be at least 1, got 0"),
        (lambda o: WarmupCosine(o, -1), "warmup_steps must be at least 0, got -1"),
        (lambda o: WarmupCosine(o, 1, total_steps=-1), "total_steps must be at least 0, got -1"),
        (lambda o: WarmupCosine(o, 1, min_lr=-0.1), "min_lr must be at least 0, got -0.1"),
    ],
)
def test_arguments_out_of_range_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build(optimizer())


def test_the_base_says_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Schedule must define lr\(\)"):
        Schedule(optimizer())
