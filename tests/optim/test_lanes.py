"""Steps in parts that may run at the same time."""

import numpy as np
import pytest

from minigrad.nn import Parameter
from minigrad.optim import SGD, Adam
from minigrad.optim import optimizer as module

SHAPES = {"a": (3, 4), "b": (5,), "c": (2, 2), "d": (7,)}
DTYPES = {"a": np.float32, "b": np.float64, "c": np.float16, "d": np.float32}


def parameters():
    made = []
    for name, shape in SHAPES.items():
        values = np.random.default_rng(len(made))
        made.append(Parameter(values.normal(size=shape).astype(DTYPES[name])))
        made[-1].grad = values.normal(size=shape).astype(DTYPES[name])
    return made


def bits(params):
    return [p.data.tobytes() for p in params]


@pytest.mark.parametrize("kind", [lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, lr=0.1)])
def test_the_lanes_of_a_step_in_any_order_are_that_step(kind):
    whole, in_parts = parameters(), parameters()
    first, second = kind(whole), kind(in_parts)
    for _ in range(3):
        first.step()
        lanes = second.lanes()
        assert len(lanes) > 1
        for update in reversed(lanes):
            update()
        assert bits(whole) == bits(in_parts)
    assert bits(whole) != bits(parameters())


def test_a_large_step_is_halved_and_gives_the_same_bits(monkeypatch):
    calls = []

    def in_halves(run, count, size):
        calls.append((count, size))
        run(0, 1)
        run(1, count)

    small, large = parameters(), parameters()
    first, second = Adam(small, lr=0.1), Adam(large, lr=0.1)
    first.step()
    monkeypatch.setattr(module, "in_halves", in_halves)
    elements = sum(p.size for p in large)
    monkeypatch.setattr(module, "LARGE", elements)
    second.step()
    [(count, size)] = calls
    assert count > 1
    assert size == elements
    assert bits(small) == bits(large)
    monkeypatch.setattr(module, "LARGE", elements + 1)
    second.step()
    assert len(calls) == 1
