"""What a step costs besides its numbers, counted in calls, rows and arrays that are alive."""

import sys
from weakref import ref

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import minigrad
from minigrad import nn, ops, optim
from minigrad.data import DataLoader, Dataset, Examples
from minigrad.engine import primitive
from minigrad.ops.row_gradient import RowGradient
from minigrad.training import Experiment, Trainer, Training

RANDOM = np.random.default_rng(0)


def calls_of(function):
    """The Python functions that are entered meanwhile."""
    entered = 0

    def count(frame, event, argument):
        nonlocal entered
        entered += event == "call"

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return entered


@pytest.fixture
def one_blas_thread():
    """Where BLAS has more, setting their number for a step takes some calls more."""
    with threadpool_limits(1, "blas"):
        yield


@pytest.mark.usefixtures("one_blas_thread")
def test_a_replayed_step_makes_no_more_calls_than_a_loop_of_ones_own():
    x, y = RANDOM.random((1, 64), np.float32), RANDOM.random((1, 1), np.float32)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    loss, optimizer = nn.MSELoss(), optim.SGD(model.parameters(), lr=0.01)

    def plain():
        optimizer.zero_grad()
        loss(model(minigrad.Tensor(x)), minigrad.Tensor(y)).backward()
        optimizer.step()

    plain()
    by_hand = calls_of(plain)
    step = minigrad.train_step(model, loss, optimizer)
    for _ in range(5):
        step(x, y)
    assert calls_of(lambda: step(x, y)) <= by_hand


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(2000, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.head(self.embed(x).mean(1))


class Words(Dataset):
    def __init__(self):
        examples = Examples(RANDOM.integers(0, 2000, (8, 4)), RANDOM.integers(0, 3, 8))
        self.train = self.val = self.test = examples


class Seeing(optim.SGD):
    def update(self, bucket, gradients, group):
        self.seen = [*getattr(self, "seen", []), *gradients]
        super().update(bucket, gradients, group)


@pytest.mark.parametrize("compile", [False, True], ids=["plain", "replayed"])
@pytest.mark.parametrize("shards", [1, 2])
def test_gradients_of_few_rows_stay_rows_in_every_step(compile, shards):
    model = Bag()
    optimizer = Seeing(model.parameters(), lr=0.1)
    step = minigrad.train_step(model, nn.CrossEntropyLoss(), optimizer, shards=shards, compile=compile)
    data = Words().train
    for _ in range(3):
        step(data.inputs, data.targets)
    rows = [gradient for gradient in optimizer.seen if gradient.shape == (2000, 64)]
    assert len(rows) > 2
    assert all(isinstance(gradient, RowGradient) for gradient in rows[2:])


def test_gradients_of_few_rows_stay_rows_in_the_trainer():
    model = Bag()
    optimizer = Seeing(model.parameters(), lr=0.1)
    trainer = Trainer(max_steps=3, compile=True)
    loader = lambda examples: DataLoader(examples, 8)
    training = Training(
        Experiment("words", Words(), model, nn.CrossEntropyLoss(), lambda _: optimizer, loader=loader, trainer=trainer)
    )
    training.run()
    assert isinstance([gradient for gradient in optimizer.seen if gradient.shape == (2000, 64)][-1], RowGradient)


def test_a_replay_lets_go_of_a_value_after_the_last_step_that_reads_it():
    made, alive = [], []

    def forward(x):
        alive.append(sum(array() is not None for array in made))
        out = x + 1
        made.append(ref(out))
        return out

    more = primitive("more", forward, lambda g: g)
    weight = minigrad.Tensor(np.ones(4, np.float32), requires_grad=True)

    def chain(x):
        for _ in range(10):
            x = more(x)
        return (x * weight).sum()

    function = minigrad.compile(chain)
    for _ in range(3):
        made.clear()
        alive.clear()
        function(np.ones(4, np.float32))
    assert max(alive) == 1
    assert ops.all(weight.grad == 33)
