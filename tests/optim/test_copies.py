"""A copy of a model, its optimizer and its schedule goes on as the original does, and apart from it."""

import copy

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, optim

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


class Tied(nn.Module):
    """A model that uses one weight in two places."""

    def __init__(self):
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(np.tanh(self.first(x)))


MODELS = {
    "plain": lambda: nn.Linear(3, 2),
    "deep": lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1)),
    "tied": Tied,
}
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1, decay="matrices", amsgrad=True),
    "NAdam": lambda p: optim.NAdam(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, initial_accumulator_value=0.1),
    "Lion": lambda p: optim.Lion(p, lr=0.1),
}


def trained(model, optimizer, schedule, steps):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = np.square(model(Tensor(X))).mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("make_model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_deep_copy_goes_on_bit_by_bit_and_apart(make_model, make_optimizer, steps):
    minigrad.seed(0)
    model = make_model()
    optimizer = make_optimizer(model.parameters())
    schedule = optim.ExponentialLR(optimizer, 0.9)
    trained(model, optimizer, schedule, steps)
    for _ in range(2):  # a copy of a copy, too
        model_2, optimizer_2, schedule_2 = copy.deepcopy((model, optimizer, schedule))
        assert schedule_2.optimizer is optimizer_2
        expected = trained(model, optimizer, schedule, 3)
        assert trained(model_2, optimizer_2, schedule_2, 3) == expected
        for p, q in zip(model.parameters(), model_2.parameters(), strict=True):
            assert not np.shares_memory(p.data, q.data)
        model, optimizer, schedule = model_2, optimizer_2, schedule_2


def test_a_deep_copy_of_an_optimizer_alone_updates_copies_of_the_parameters():
    p = nn.Parameter(np.ones(3))
    optimizer = optim.Adam([p], lr=0.1)
    p.grad = np.ones(3)
    optimizer.step()
    before = p.data.copy()
    twin = copy.deepcopy(optimizer)
    (q,) = twin.param_groups[0]["params"]
    q.grad = np.ones(3)
    twin.step()
    assert np.array_equal(p.data, before)
    assert not np.array_equal(q.data, before)
    optimizer.step()
    assert np.array_equal(p.data, q.data)


def test_a_shallow_copy_shares_the_parameters_and_their_state():
    p = nn.Parameter(np.ones(3))
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    other = nn.Parameter(np.ones(3))
    expected = optim.SGD([other], lr=0.1, momentum=0.9)
    for stepping in (optimizer, copy.copy(optimizer), optimizer):
        p.grad, other.grad = np.ones(3), np.ones(3)
        stepping.step()
        expected.step()
    assert np.array_equal(p.data, other.data)


def test_a_bucket_of_a_copy_works_in_memory_of_its_own():
    p = nn.Parameter(np.ones(3))
    optimizer = optim.Adam([p, nn.Parameter(np.ones(2))], lr=0.1)
    p.grad = np.ones(3)
    optimizer.step()
    twin = copy.deepcopy(optimizer)
    for group, other in zip(optimizer._buckets, twin._buckets, strict=True):
        for bucket, copied in zip(group, other, strict=True):
            assert not np.shares_memory(bucket.update, copied.update)
            assert all(np.shares_memory(piece, copied.update) for piece in copied._pieces)


def test_a_plateau_is_copied_with_its_optimizer():
    optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
    plateau = optim.ReduceLROnPlateau(optimizer, patience=0)
    plateau.step(1.0)
    optimizer_2, plateau_2 = copy.deepcopy((optimizer, plateau))
    plateau_2.step(2.0)
    assert (optimizer.param_groups[0]["lr"], optimizer_2.param_groups[0]["lr"]) == (1.0, 0.1)


def test_a_copied_state_dict_does_not_follow_the_optimizer():
    p = nn.Parameter(np.ones(2))
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = np.ones(2)
    optimizer.step()
    saved = copy.deepcopy(optimizer.state_dict())
    optimizer.step()
    assert saved["state"][0]["momentum_buffer"].tolist() == [1, 1]
    assert optimizer.state_dict()["state"][0]["momentum_buffer"].tolist() == [1.9, 1.9]
