"""One turn of the overhead benchmark: times of small operations, as JSON.

It measures the minigrad on PYTHONPATH. The script needs only NumPy and minigrad, so that it works with any checkout.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from minigrad import Tensor, no_grad, ops

LINKS = 60  # operations in a chain
START, FACTOR = np.full((4, 4), 0.5, np.float32), np.full((4, 4), 1.01, np.float32)
LEAF, TRACKED = Tensor(START, requires_grad=True), Tensor(FACTOR, requires_grad=True)
CONSTANT = Tensor(FACTOR)


class Link(NamedTuple):
    """An operation, and its forward and backward in plain NumPy, which takes g, the input and the output."""

    apply: Callable[[Any], Any]
    forward: Callable[[Any], Any]
    slopes: Callable[[Any, Any, Any], tuple[Any, ...]]


OPERATIONS = {
    "unary": Link(ops.tanh, np.tanh, lambda g, y, out: (g * (1 - out * out),)),
    "binary, one tracked": Link(
        lambda y: ops.multiply(y, CONSTANT), lambda y: np.multiply(y, FACTOR), lambda g, y, out: (g * FACTOR,)
    ),
    "binary, two tracked": Link(
        lambda y: ops.multiply(y, TRACKED), lambda y: np.multiply(y, FACTOR), lambda g, y, out: (g * FACTOR, g * y)
    ),
    "with attributes": Link(
        lambda y: ops.clip(y, -9.0, 9.0),
        lambda y: np.clip(y, -9.0, 9.0),
        lambda g, y, out: (g * ((y >= -9.0) & (y <= 9.0)),),
    ),
    "attributes by keyword": Link(
        lambda y: ops.clip(y, low=-9.0, high=9.0),
        lambda y: np.clip(y, -9.0, 9.0),
        lambda g, y, out: (g * ((y >= -9.0) & (y <= 9.0)),),
    ),
}


def _chain(function: Callable[[Any], Any], y: Any) -> Any:
    for _ in range(LINKS):
        y = function(y)
    return y


def _forward(link: Link) -> Any:
    return _chain(link.apply, LEAF)


def _forward_by_hand(link: Link) -> Any:
    return _chain(link.forward, START)


def _no_grad(link: Link) -> None:
    with no_grad():
        _chain(link.apply, LEAF)


def _backward(link: Link) -> None:
    LEAF.grad = TRACKED.grad = None
    _chain(link.apply, LEAF).sum().backward()


def _backward_by_hand(link: Link) -> None:
    values = [START]
    for _ in range(LINKS):
        values.append(link.forward(values[-1]))
    g, total = np.ones_like(START), np.zeros_like(START)
    for i in reversed(range(LINKS)):
        g, *others = link.slopes(g, values[i], values[i + 1])
        for other in others:
            total += other


WAYS: dict[str, tuple[Callable[[Link], Any], Callable[[Link], Any]]] = {
    "forward": (_forward, _forward_by_hand),
    "no_grad": (_no_grad, _forward_by_hand),
    "forward and backward": (_backward, _backward_by_hand),
}


def least(way: Callable[[Link], Any], link: Link, repeats: int) -> float:
    """Return the seconds of an operation: the minimum of several runs, because disturbances only add time."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        way(link)
        times.append(perf_counter() - start)
    return min(times) / LINKS


if __name__ == "__main__":
    found = {
        f"{name}: {manner}": [least(way, link, int(sys.argv[1])) for way in ways]
        for name, link in OPERATIONS.items()
        for manner, ways in WAYS.items()
    }
    print(json.dumps(found))
