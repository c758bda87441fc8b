"""What a compiled function does besides computing: it draws random numbers and writes into buffers, as plainly."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, no_grad
from minigrad.engine import CompileError, random

from .programs import gradients, network, rows


class Remembering(nn.Module):
    """Counts its calls, and keeps the last means, the first row and a running mean of its inputs."""

    def __init__(self):
        self.linear = nn.Linear(5, 3)
        self.calls = nn.Buffer(np.zeros((), np.int64))
        self.mean = nn.Buffer(np.zeros(5, np.float32))
        self.history = nn.Buffer(np.zeros((2, 5), np.float32))

    def forward(self, x):
        self.calls += 1
        with no_grad():
            self.mean += (x.mean(axis=0) - self.mean) * 0.1
            self.history[0] = self.history[1]
            self.history[1, 1:] = x[0, 1:]
        return self.linear(x - self.mean) * self.calls


MODELS = {
    "dropout": lambda: network(nn.Linear(5, 9), nn.Dropout(0.5), nn.ReLU(), nn.Dropout(0.1), nn.Linear(9, 3)),
    "batch norm": lambda: network(nn.Linear(5, 9), nn.BatchNorm1d(9), nn.Linear(9, 3)),
    "batch norm that averages": lambda: network(nn.Linear(5, 9), nn.BatchNorm1d(9, momentum=None), nn.Linear(9, 3)),
    "buffers": Remembering,
}


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_replay_draws_and_writes_as_the_function_does(name, verify):
    def steps(compiled):
        random.seed(3)
        model = MODELS[name]()
        step = minigrad.compile(lambda x: (model(x) ** 2).sum(), verify=verify)
        found = []
        for seed in range(9):
            model.zero_grad()
            if compiled:
                value = step(rows(seed=seed))
            else:
                value = (model(Tensor(rows(seed=seed))) ** 2).sum()
                value.backward()
            found.append((value.item(), gradients(model), [buffer.data.tobytes() for buffer in model.buffers()]))
        return found

    assert steps(True) == steps(False)


def test_a_replay_draws_the_numbers_of_its_own_place():
    model = network(nn.Dropout(0.5), nn.Linear(5, 3))

    def values(step):
        found = []
        for position in (0, 1, 2, 3, 4, 2):
            with random.at(position):
                found.append(step(rows()).item())
        return found

    found = values(minigrad.compile(lambda x: model(x).sum()))
    assert found == values(lambda x: model(Tensor(x)).sum())
    assert len(set(found)) == 5
    assert found[2] == found[5]


def test_a_write_that_differs_in_a_replay_is_found_out_and_the_right_one_stays():
    model = Remembering()
    outside = iter(range(1, 9))

    def function(x):
        model.mean[...] = np.full(5, next(outside), np.float32)
        return model(x).sum()

    step = minigrad.compile(function)
    step(rows())
    with pytest.raises(CompileError, match="a replay gave other numbers"):
        step(rows())
    assert model.calls.item() == 2
    assert model.mean.data[0] == pytest.approx(2 + (rows()[:, 0].mean() - 2) * 0.1)


def test_a_replayed_write_makes_a_graph_stale_that_needs_the_old_values():
    model = Remembering()
    step = minigrad.compile(lambda x: model(x).sum())
    for seed in range(3):
        step(rows(seed=seed))
    scale = Tensor(np.ones(5, np.float32), requires_grad=True)
    out = (scale * model.mean).sum()
    step(rows(seed=3))
    step(rows(seed=4))
    with pytest.raises(RuntimeError, match="has been written to in place since"):
        out.backward()
