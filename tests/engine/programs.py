"""Functions to compile, and what they give plainly and in a replay."""

import numpy as np

from minigrad import Tensor, nn
from minigrad.engine import random


def rows(n=6, width=5, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


def labels(n=6, classes=3, seed=0):
    return np.random.default_rng(seed).integers(0, classes, n)


def network(*layers):
    random.seed(0)
    return nn.Sequential(*(layers or (nn.Linear(5, 7), nn.Sigmoid(), nn.Linear(7, 3))))


def gradients(module):
    return [None if p.grad is None else p.grad.tobytes() for p in module.parameters()]


def plainly(function, module, *inputs):
    module.zero_grad()
    results = function(*map(Tensor, inputs))
    results = results if isinstance(results, tuple) else (results,)
    results[0].backward()
    return [result.data.tobytes() for result in results], gradients(module)


def replayed(compiled, module, *inputs):
    module.zero_grad()
    results = compiled(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    return [result.data.tobytes() for result in results], gradients(module)


def counting(model):
    """A function that counts how often it is really called."""
    calls = []

    def function(x):
        calls.append(x.shape)
        return model(x).sum()

    return function, calls
