"""Weights that no training changes are found and named."""

import re

import numpy as np
import pytest

from minigrad import Tensor, nn, no_grad
from minigrad.nn import hidden_weights, unlearned
from minigrad.optim import SGD

X = Tensor(np.ones((3, 2), np.float32))


class Net(nn.Module):
    def __init__(self, **more):
        self.first = nn.Linear(2, 2)
        for name, value in more.items():
            setattr(self, name, value)

    def forward(self, x):
        return self.first(x)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ([nn.Linear(2, 2)], "is a list with modules, whose parameters no optimizer gets: make it a ModuleList"),
        ((nn.ReLU(), nn.Linear(2, 2)), "is a tuple with modules, .*: make it a ModuleList"),
        ({"a": nn.Linear(2, 2)}, "is a dict with modules, .*: make it a ModuleDict"),
        ([[nn.Linear(2, 2)]], "is a list with modules"),
        ([nn.Parameter(np.ones(2))], "is a list with tensors or arrays, .*: set each as a Parameter"),
        ([np.ones(2)], "is a list with tensors or arrays"),
        (np.ones(2), "is an array: make it a Parameter, which is learned, or a Buffer"),
        (Tensor(np.ones(2)), "is a Tensor: make it a Parameter, which is learned, or a Buffer"),
        (Tensor(np.ones(2), requires_grad=True), "is a Tensor: make it a Parameter"),
    ],
)
def test_weights_where_no_optimizer_finds_them_are_named_with_the_line_and_the_remedy(value, fault):
    (sentence,) = hidden_weights(nn.Sequential(Net(extra=value)))
    assert re.match(rf"0\.extra of Net {fault}", sentence)


def test_the_line_of_the_attribute_is_told():
    class Listed(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 2)]

    (sentence,) = hidden_weights(Listed())
    line = Listed.__init__.__code__.co_firstlineno + 1
    assert f"test_learning.py:{line})" in sentence


@pytest.mark.parametrize(
    "value",
    [
        [nn.ReLU()],
        [nn.Linear(2, 2).requires_grad_(False)],
        [nn.Parameter(np.ones(2), requires_grad=False)],
        np.ones((2, 2), bool),
        np.arange(3),
        Tensor(np.arange(3)),
        nn.Buffer(np.ones(2)),
        np.zeros(0),
        [1.0, 2.0],
        "text",
        None,
    ],
)
def test_what_is_frozen_or_no_weight_is_silent(value):
    assert hidden_weights(Net(extra=value)) == []


def test_a_list_of_modules_that_are_set_one_by_one_is_silent():
    net = Net()
    net.all = [net.first]
    assert hidden_weights(net) == []


class Faulty(nn.Module):
    """A layer that is called, one that is not, one whose result leaves the graph, and one that is frozen."""

    def __init__(self, leave):
        self.used, self.idle, self.cut = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2)), nn.Linear(2, 2)
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.leave = leave

    def forward(self, x):
        return self.used(x) + self.leave(self.cut(self.frozen(x)))


def inside_no_grad(y):
    with no_grad():
        return y * 1


LEAVE = [lambda y: y.data, lambda y: y.detach(), lambda y: Tensor(np.tanh(y.data)), inside_no_grad]


@pytest.mark.parametrize("leave", LEAVE, ids=["data", "detach", "numpy", "no_grad"])
def test_layers_that_get_no_gradient_are_named_with_the_reason(leave):
    model = Faulty(leave)
    optimizer = SGD(model.parameters(), lr=0.1)
    nn.MSELoss()(model(X), Tensor(np.zeros((3, 2), np.float32))).backward()
    idle, cut = unlearned(model, optimizer, X)
    assert idle.startswith("layer 'idle' (Sequential)")
    assert "is never called: call it in forward(), or leave it out" in idle
    assert cut.startswith("layer 'cut' (Linear)")
    assert "gets no gradient: what follows from it is not used, or leaves the graph, as by .data" in cut


def test_looking_leaves_modes_and_hooks_as_they_were():
    model = Faulty(LEAVE[0])
    model.used.eval()
    nn.MSELoss()(model(X), Tensor(np.zeros((3, 2), np.float32))).backward()
    unlearned(model, None, X)
    assert model.training
    assert not model.used.training
    assert not any(module._forward_hooks for module in model.modules())


def test_a_parameter_that_the_optimizer_has_not_is_named():
    model = Net()
    optimizer = SGD([model.first.weight], lr=0.1)
    nn.MSELoss()(model(X), Tensor(np.zeros((3, 2), np.float32))).backward()
    (sentence,) = unlearned(model, optimizer)
    assert sentence.startswith("parameter 'first.bias' of Linear")
    assert "is not given to the optimizer: pass model.parameters(), or freeze it" in sentence


def test_a_model_that_learns_is_silent():
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = SGD(model.parameters(), lr=0.1)
    nn.MSELoss()(model(X), Tensor(np.zeros((3, 2), np.float32))).backward()
    assert unlearned(model, optimizer, X) == []
