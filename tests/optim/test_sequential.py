import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import (
    SGD,
    ConstantLR,
    ExponentialLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
    WarmupCosine,
)


def sgd(lr=0.1):
    return SGD([Parameter([1.0])], lr=lr)


def rates(schedule, steps):
    found = []
    for _ in range(steps):
        found.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.step()
    return found


def test_each_schedule_begins_with_its_own_first_step():
    optimizer = sgd(1.0)
    schedule = SequentialLR(optimizer, [ConstantLR(optimizer, 0.5, 100), ExponentialLR(optimizer, 0.5)], [2])
    assert rates(schedule, 5) == [0.5, 0.5, 1, 0.5, 0.25]


def test_functions_that_make_schedules_do_as_well_as_schedules():
    made = SequentialLR(sgd(), [lambda o: LinearLR(o, 0.1, total_iters=3), lambda o: StepLR(o, 2)], [3])
    optimizer = sgd()
    given = SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=3), StepLR(optimizer, 2)], [3])
    assert rates(made, 9) == rates(given, 9)


def test_a_loaded_state_goes_on_with_the_same_rates():
    def make():
        return SequentialLR(sgd(), [lambda o: LinearLR(o, 0.1), lambda o: ExponentialLR(o, 0.9)], [4])

    schedule, twin = make(), make()
    rates(schedule, 6)
    twin.load_state_dict(schedule.state_dict())
    assert rates(twin, 5) == rates(schedule, 5)


@pytest.mark.parametrize(
    ("schedulers", "milestones", "error", "message"),
    [
        ([], [], ValueError, "0 schedules have 0 milestones|at least one"),
        ([ConstantLR], [3], ValueError, "1 schedules have 0 milestones between them, got 1"),
        ([ConstantLR, ConstantLR, ConstantLR], [3, 3], ValueError, r"milestones must rise, got \[3, 3\]"),
        ([ConstantLR, ReduceLROnPlateau], [3], TypeError, "rates follow from the step alone, got ReduceLROnPlateau"),
        ([ConstantLR, lambda o: StepLR(sgd(), 2)], [3], ValueError, "of its own optimizer, and StepLR has another"),
        ([lambda o: OneCycleLR(o, 1.0, 5, cycle_momentum=False)], [], ValueError, "OneCycleLR sets a momentum too"),
        ([lambda o: WarmupCosine(o, 5)], [], ValueError, "WarmupCosine within SequentialLR must know where it ends"),
        (ConstantLR, [], TypeError, "schedulers must be a list"),
        ([ConstantLR], 3, TypeError, "milestones must be a list, got 3"),
    ],
)
def test_what_does_not_fit_is_refused(schedulers, milestones, error, message):
    with pytest.raises(error, match=message):
        SequentialLR(sgd(), schedulers, milestones)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("parts", "milestones"),
    [
        ([("LinearLR", {"start_factor": 0.1, "total_iters": 4}), ("CosineAnnealingLR", {"T_max": 10})], [4]),
        ([("ConstantLR", {}), ("ExponentialLR", {"gamma": 0.9}), ("StepLR", {"step_size": 2})], [3, 8]),
        ([("ExponentialLR", {"gamma": 0.9}), ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2})], [5]),
        ([("PolynomialLR", {"total_iters": 6}), ("MultiStepLR", {"milestones": [1, 4]})], [6]),
    ],
)
def test_the_rates_are_those_of_pytorch(parts, milestones):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    from minigrad import optim

    ours, theirs = sgd(), torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    mine = SequentialLR(ours, [getattr(optim, name)(ours, **options) for name, options in parts], milestones)
    kinds = torch.optim.lr_scheduler
    reference = kinds.SequentialLR(theirs, [getattr(kinds, name)(theirs, **o) for name, o in parts], milestones)
    for _ in range(20):
        np.testing.assert_allclose(ours.param_groups[0]["lr"], theirs.param_groups[0]["lr"], rtol=1e-9, atol=1e-15)
        theirs.step()
        mine.step()
        reference.step()
