"""What a state may hold that another optimizer or schedule has written."""

import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import SGD, Adam, AdamW, ExponentialLR, OneCycleLR, ReduceLROnPlateau, StepLR


def stepped(kind, **options):
    p = Parameter(np.ones(2))
    optimizer = kind([p], **options)
    p.grad = np.ones(2)
    optimizer.step()
    return optimizer


def with_option(optimizer, **options):
    state = optimizer.state_dict()
    return {**state, "param_groups": [{**group, **options} for group in state["param_groups"]]}


@pytest.mark.parametrize("option", [{"amsgrad": True}, {"centered": True}, {"rho": 0.9}])
def test_an_option_that_acts_and_is_not_there_is_refused_by_its_name(option):
    ((name, value),) = option.items()
    optimizer = stepped(SGD, lr=0.1)
    with pytest.raises(ValueError, match=f"made with {name}={value}, and SGD has no such option"):
        optimizer.load_state_dict(with_option(stepped(SGD, lr=0.5), **option))
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_options_that_are_off_or_a_matter_of_implementation_are_taken():
    optimizer = stepped(SGD, lr=0.1)
    off = {"maximize": False, "differentiable": False, "foreach": None, "fused": True, "capturable": True}
    optimizer.load_state_dict(with_option(stepped(SGD, lr=0.5), **off))
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert set(optimizer.param_groups[0]) == {"params", *optimizer.defaults}


@pytest.mark.parametrize(
    ("ours", "other", "message"),
    [
        (Adam, SGD, "state of another optimizer than Adam: it has no betas, eps"),
        (SGD, Adam, "made with betas=.*, eps=1e-08, and SGD has no such option"),
    ],
)
def test_the_state_of_another_optimizer_is_refused(ours, other, message):
    with pytest.raises(ValueError, match=message):
        stepped(ours, lr=0.1).load_state_dict(stepped(other, lr=0.1).state_dict())


def test_the_two_ways_to_decay_are_told_apart_where_the_state_says_which():
    decoupled = with_option(stepped(Adam, lr=0.1), decoupled_weight_decay=True)
    with pytest.raises(ValueError, match="decoupled_weight_decay=True, and Adam has no such option"):
        stepped(Adam, lr=0.1).load_state_dict(decoupled)
    stepped(AdamW, lr=0.1).load_state_dict(decoupled)
    with pytest.raises(ValueError, match="decoupled_weight_decay=False, and AdamW has no such option"):
        stepped(AdamW, lr=0.1).load_state_dict(with_option(stepped(Adam, lr=0.1), decoupled_weight_decay=False))


def test_arrays_that_the_optimizer_does_not_keep_are_refused():
    state = stepped(Adam, lr=0.1).state_dict()
    state["state"][0]["exp_inf"] = np.ones(2)
    with pytest.raises(ValueError, match="parameter 0 has the state 'exp_inf', which Adam has not"):
        stepped(Adam, lr=0.1).load_state_dict(state)


def test_an_option_out_of_range_is_refused_when_it_is_loaded():
    optimizer = stepped(SGD, lr=0.1)
    with pytest.raises(ValueError, match="lr must be at least 0, got -1"):
        optimizer.load_state_dict(with_option(stepped(SGD, lr=0.1), lr=-1))
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("wrong", [{}, {"state": {}}, [], None, {"param_groups": []}])
def test_what_is_no_state_is_refused(wrong):
    with pytest.raises(TypeError, match='expected the state_dict of an optimizer, with "state" and "param_groups"'):
        stepped(SGD).load_state_dict(wrong)


@pytest.mark.parametrize(
    ("make", "wrong", "message"),
    [
        (lambda o: StepLR(o, 2), {"last_epoch": 3}, r"the state of a StepLR has steps; this one has \['last_epoch'\]"),
        (lambda o: ReduceLROnPlateau(o), {"steps": 3}, r"has best, num_bad_epochs, cooldown_counter; this one has"),
        (lambda o: ExponentialLR(o, 0.9), 3, "this one has int"),
    ],
)
def test_the_state_of_another_schedule_is_refused(make, wrong, message):
    with pytest.raises(ValueError, match=message):
        make(stepped(SGD, lr=0.1)).load_state_dict(wrong)


@pytest.mark.parametrize("make", [lambda o: StepLR(o, 2), lambda o: ReduceLROnPlateau(o), lambda o: OneCycleLR(o, 1.0)])
def test_a_schedule_of_what_is_no_optimizer_is_refused(make):
    with pytest.raises(TypeError, match=r"takes an optimizer first, got 0.1"):
        make(0.1)


def test_a_rate_that_grows_beyond_all_numbers_is_refused_with_its_step():
    schedule = ExponentialLR(stepped(SGD, lr=0.1), 1e200)
    schedule.step()
    with pytest.raises(ValueError, match=r"ExponentialLR makes the learning rate inf at step 2, from 0.1"):
        schedule.step()


@pytest.mark.parametrize("options", [{"threshold": 1.0}, {"threshold": 2.0}])
def test_the_first_value_is_the_best_so_far_whatever_the_threshold(options):
    plateau = ReduceLROnPlateau(stepped(SGD, lr=0.1), **options)
    plateau.step(5.0)
    assert plateau.best == 5.0
    plateau.step(float("nan"))
    assert (plateau.best, plateau.num_bad_epochs) == (5.0, 1)


def test_a_consumed_generator_is_named_as_a_reason_for_no_parameters():
    listed = iter([Parameter([1.0])])
    SGD(listed, lr=0.1)
    with pytest.raises(ValueError, match=r"got no parameters; .* a generator such as module.parameters\(\) is used up"):
        SGD(listed, lr=0.1)


@pytest.mark.parametrize("group", [{"lr": 0.1}, [Parameter([1.0])], None])
def test_a_group_that_is_no_dict_with_params_is_refused(group):
    with pytest.raises(TypeError, match='takes groups as dicts with "params" and options, got'):
        stepped(SGD).add_param_group(group)
