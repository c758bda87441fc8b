"""What a sample is: a call of an operation, and a function that was not written here and gives the same."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

_random = np.random.default_rng(0)


class Call(NamedTuple):
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Case(NamedTuple):
    reference: Callable[..., Any]
    calls: list[Call]


def call(*args: Any, **kwargs: Any) -> Call:
    return Call(args, kwargs)


def floats(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Random numbers of float64, no two alike."""
    return np.asarray(_random.uniform(low, high, shape))


def apart(*shape: int) -> np.ndarray:
    """Numbers in random order, each at least 0.3 from all others: for what orders or compares them."""
    return 0.3 * _random.permutation(int(np.prod(shape))).reshape(shape) - 1


def integers(*shape: int, below: int) -> np.ndarray:
    return np.asarray(_random.integers(0, below, shape))


def unary(reference: Callable[..., Any], low: float = -2.0, high: float = 2.0) -> Case:
    """An operation on each element: a matrix, a 0-d and an empty array."""
    return Case(reference, [call(floats(*shape, low=low, high=high)) for shape in [(2, 3), (), (0, 3)]])


def binary(
    reference: Callable[..., Any], x: tuple[float, float] = (-2.0, 2.0), y: tuple[float, float] = (-2.0, 2.0)
) -> Case:
    """An operation on pairs of elements: alike, broadcast this way and that, 0-d, empty, and with a Python number."""
    shapes = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((), ()), ((0, 3), (3,))]
    pairs = [call(floats(*a, low=x[0], high=x[1]), floats(*b, low=y[0], high=y[1])) for a, b in shapes]
    return Case(
        reference, [*pairs, call(floats(2, low=x[0], high=x[1]), y[1]), call(x[1], floats(2, low=y[0], high=y[1]))]
    )
