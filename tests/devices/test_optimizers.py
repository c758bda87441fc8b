"""Every optimizer on parameters of another make: weights, state, and a state that comes from the CPU."""

import inspect

import numpy as np
import pytest

from minigrad import Tensor, nn, optim
from minigrad.devices import device_of

from .stand_in import NAME, asarray, asnumpy

KINDS = [
    kind
    for kind in vars(optim).values()
    if inspect.isclass(kind) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
]
OPTIONS = [{kind: {} for kind in KINDS}, {optim.SGD: {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True}}]
CASES = [(kind, options) for table in OPTIONS for kind, options in table.items()]
CASES += [(optim.Adam, {"amsgrad": True, "maximize": True}), (optim.RMSprop, {"centered": True, "momentum": 0.5})]
CASES += [(optim.LBFGS, {"line_search_fn": "strong_wolfe"})]


def layer(device):
    made = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 2, bias=False))
    for i, p in enumerate(made.parameters()):
        p.data = np.linspace(-0.5, 0.7 + i, p.size, dtype=np.float32).reshape(p.shape)
    return made.to(device)


def train(kind, options, device, steps=3, state=None):
    """The parameters after some steps with the norm of the gradients cut, and the state of the optimizer."""
    model = layer(device)
    optimizer = kind(model.parameters(), lr=0.05, **options)
    if state is not None:
        optimizer.load_state_dict(state)
    x = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
    x = Tensor(x if device == "cpu" else asarray(x))

    def closure():
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        if kind is not optim.LBFGS:  # which wants the gradient of the loss that it is given
            optim.clip_grad_norm_(model.parameters(), 0.5)
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    assert {device_of(p.data) for p in model.parameters()} == {device}
    return [asnumpy(p.data) for p in model.parameters()], optimizer.state_dict()


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_a_step_is_that_on_the_cpu(kind, options):
    found, _ = train(kind, options, NAME)
    wanted, _ = train(kind, options, "cpu")
    for x, y in zip(found, wanted, strict=True):
        # the many steps of LBFGS's search each take differences of what is nearly equal
        tolerance = 1e-3 if kind is optim.LBFGS else 1e-5
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=tolerance)


@pytest.mark.parametrize("kind", [optim.AdamW, optim.SGD, optim.LBFGS])
def test_a_state_from_the_cpu_goes_on_elsewhere_and_back(kind):
    options = {"momentum": 0.9} if kind is optim.SGD else {}
    _, state = train(kind, options, "cpu")
    found, moved = train(kind, options, NAME, state=state)
    wanted, _ = train(kind, options, "cpu", state=state)
    again, _ = train(kind, options, "cpu", state=moved)
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)
    assert all(np.isfinite(x).all() for x in again)
