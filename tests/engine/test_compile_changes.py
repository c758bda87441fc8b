"""A compiled function is recorded anew when a module that it uses was changed, and only then."""

import copy

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn

from .programs import counting, network, plainly, replayed, rows


class Scaled(nn.Module):
    """A linear layer with a factor, which is an attribute, and a child that is never called."""

    def __init__(self):
        self.linear = nn.Linear(5, 3)
        self.tied = nn.Linear(5, 3)
        self.factor = 2.0

    def forward(self, x):
        return self.linear(x) * self.factor + x @ self.tied.weight.T

    def total(self, x):
        return (self.forward(x) * 3.0).sum()


def recorded(model):
    """A compiled function of a model after five calls, the last a replay, and the calls of the function itself."""
    function, calls = counting(model)
    step = minigrad.compile(function)
    for seed in range(5):
        step(rows(seed=seed))
    assert len(calls) == 3  # the recording, and the proofs at calls 2 and 4
    return step, calls


OTHER = network()
HANDLE = OTHER[1].register_forward_hook(lambda module, args, output: output * 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda: setattr(OTHER[0], "note", 1),
        lambda: OTHER.train(),
        lambda: OTHER[0].register_forward_hook(lambda module, args, output: None),
        lambda: HANDLE.remove(),
        lambda: setattr(OTHER, "1", nn.ReLU()),
        lambda: network(),
        lambda: nn.CrossEntropyLoss(),
    ],
    ids=["attribute", "train", "hook", "hook removed", "layer", "a new network", "a new loss"],
)
def test_a_change_of_another_module_records_nothing_anew(change):
    step, calls = recorded(network())
    change()
    step(rows(seed=5))
    assert len(calls) == 3


CHANGES = {
    "attribute": lambda model: setattr(model, "factor", 5.0),
    "eval": lambda model: model.eval(),
    "hook": lambda model: model.linear.register_forward_hook(lambda module, args, output: output * 3),
    "hook on the whole": lambda model: model.register_forward_pre_hook(lambda module, args: (args[0] * 2,)),
    "layer": lambda model: setattr(model, "linear", nn.Linear(5, 3, bias=False)),
    "parameter": lambda model: setattr(model.linear, "weight", nn.Parameter(np.ones((3, 5), np.float32))),
    "no parameter": lambda model: setattr(model.linear, "bias", None),
    "parameter of a child that is not called": lambda model: setattr(
        model.tied, "weight", nn.Parameter(np.ones((3, 5), np.float32))
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_a_module_that_is_used_is_followed_at_once(change):
    model = Scaled()
    step, calls = recorded(model)
    change(model)
    assert replayed(step, model, rows(seed=5)) == plainly(lambda x: model(x).sum(), model, rows(seed=5))
    assert len(calls) == 4
    step(rows(seed=6))  # the second call of the new recording, which is proved
    step(rows(seed=7))
    assert len(calls) == 5


def test_a_hook_that_is_removed_is_followed_at_once():
    model = Scaled()
    handle = model.linear.register_forward_hook(lambda module, args, output: output * 3)
    step, _ = recorded(model)
    handle.remove()
    assert replayed(step, model, rows(seed=5)) == plainly(lambda x: model(x).sum(), model, rows(seed=5))


def test_an_attribute_that_is_deleted_is_followed_at_once():
    class Optional(Scaled):
        factor = 7.0  # of the class, behind that of the object

    model = Optional()
    step, _ = recorded(model)
    del model.factor
    assert replayed(step, model, rows(seed=5)) == plainly(lambda x: model(x).sum(), model, rows(seed=5))


@pytest.mark.parametrize(
    "uses",
    [
        lambda model: model.total,
        lambda model: lambda x: model.total(x),
        lambda model: lambda x: ((x @ model.linear.weight.T) * model.factor).sum(),
    ],
    ids=["bound method", "method", "attributes"],
)
def test_a_module_that_is_used_without_being_called_is_followed_too(uses):
    model = Scaled()
    function = uses(model)
    step = minigrad.compile(function)
    for seed in range(5):
        step(rows(seed=seed))
    model.factor = 11.0
    assert replayed(step, model, rows(seed=5)) == plainly(function, model, rows(seed=5))


def test_a_module_that_the_function_only_changes_counts_as_used():
    model, log = Scaled(), nn.Module()

    def function(x):
        log.seen = len(x)
        return model(x).sum()

    step = minigrad.compile(function)
    step(rows())
    with pytest.raises(minigrad.engine.CompileError, match="an attribute of a module is set whenever"):
        step(rows())


def test_two_functions_of_one_module_are_both_recorded_anew():
    model = Scaled()
    one, calls_of_one = recorded(model)
    other, calls_of_other = recorded(model)
    model.factor = 3.0
    one(rows())
    other(rows())
    assert (len(calls_of_one), len(calls_of_other)) == (4, 4)


def test_a_copy_of_a_module_is_another_module():
    model = Scaled()
    step, calls = recorded(model)
    twin = copy.deepcopy(model)
    twin.factor = 3.0
    step(rows(seed=5))
    assert len(calls) == 3
    assert twin(Tensor(rows())).shape == (6, 3)
