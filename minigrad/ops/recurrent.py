"""The shared parts of recurrent operations.

`_lstm`, `_gru` and `_rnn` define a step in terms of operations; they are the specification, and compute higher
derivatives. The kernels compute the result and first derivatives with few NumPy calls: the products of all inputs at
once, and loops over the steps, forward and back, in place on arrays that stay in a cache. The gates of a step are
stored one after another, (gates, N, H): each is contiguous, and a small product per gate takes two thirds of the time
of a single large one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine import Tensor, enable_grad, grad
from minigrad.engine.arrays import filled
from minigrad.ops.shape import stack

Array = NDArray[Any]


def unstacked(x: Any) -> list[Any]:
    """Split x into its steps, recursively by halves.

    The gradient of x[t] is as large as x, so indexing L steps one by one would cost L².
    """
    if len(x) < 2:
        return [x[0]] if len(x) else []
    middle = len(x) // 2
    return [*unstacked(x[:middle]), *unstacked(x[middle:])]


def stacked(first: Any, states: Sequence[Any]) -> Any:
    """The states after each step, (L, N, H).

    Without steps they are empty, with the other axes of `first`.
    """
    return stack(states) if states else first[None][:0]


def derived(plain: Callable[..., Any], g: Any, inputs: Sequence[Any]) -> list[Any]:
    """The gradients of the inputs of `plain`, by its graph.

    `plain` is composed of operations; the results are arrays, or tensors if g is one. Each input gets a node of its own
    in that graph, so that gradients do not flow through inputs that depend on one another.
    """
    has_graph = isinstance(g, Tensor)
    with enable_grad():
        named = [x.reshape(x.shape) if isinstance(x, Tensor) else Tensor(x, requires_grad=True) for x in inputs]
        found = grad(plain(*named), named, g, create_graph=has_graph, allow_unused=True)
    # of no steps, the result depends on the first state alone
    slopes: list[Any] = [np.zeros_like(x) if slope is None else slope for x, slope in zip(named, found, strict=True)]
    return slopes if has_graph else [slope.data for slope in slopes]


# Shared by the kernels, which compute half precision in single precision, and round at the end.


def working(arrays: Sequence[Array]) -> list[Array]:
    """The arrays in the dtype of the computation."""
    dtype = np.result_type(*arrays)
    return [x.astype(np.float32 if dtype == np.float16 else dtype, copy=False) for x in arrays]


def products(x: Array, weight: Array, bias: Array | None, out: Array | None = None) -> Array:
    """x (L, N, I) times weight (R, I), plus bias.

    bias is (R,); the result is (L, N, R).
    """
    length, n, inputs = x.shape
    out = empty_aligned((length, n, len(weight)), x) if out is None else out
    np.dot(x.reshape(length * n, inputs), weight.T, out=out.reshape(length * n, len(weight)))
    if bias is not None:
        out += bias
    return out


def weight_gradient(slopes: Array, x: Array) -> Array:
    """The weight's gradient (R, I), from slopes (L, N, R).

    x is (L, N, I).
    """
    flat = slopes.reshape(prod(slopes.shape[:-1]), slopes.shape[-1])
    return flat.T.dot(x.reshape(len(flat), x.shape[-1]))


def bias_gradient(slopes: Array) -> Array:
    """The bias's gradient (R,), from slopes (L, N, R)."""
    flat = slopes.reshape(prod(slopes.shape[:-1]), slopes.shape[-1])
    return filled(len(flat), 1, flat).dot(flat)


def input_gradient(slopes: Array, weight: Array) -> Array:
    """The gradient of x, from slopes (L, N, R).

    x is (L, N, I).
    """
    length, n, rows = slopes.shape
    return slopes.reshape(length * n, rows).dot(weight).reshape(length, n, weight.shape[1])


def by_gate(rows: Array, gates: int) -> Array:
    """View steps with their gates apart.

    (..., L, N, gates · H) becomes (L, gates, ..., N, H).
    """
    apart = rows.reshape(*rows.shape[:-1], gates, rows.shape[-1] // gates)
    return np.moveaxis(apart, (-4, -2), (0, 1))


def empty_aligned(shape: tuple[int, ...], x: Array) -> Array:
    """An empty array in x's dtype, aligned to 64 bytes.

    NumPy aligns to 16 bytes. With 64, small products take two thirds of the time if their second matrix is aligned, and
    element-wise operations in a cache as little as half.
    """
    if type(x) is not np.ndarray:
        return np.empty(shape, x.dtype, like=x)
    size = prod(shape) * x.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return memory[start : start + size].view(x.dtype).reshape(shape)


def aligned(array: Array) -> Array:
    """A contiguous copy, aligned to 64 bytes."""
    copy = empty_aligned(array.shape, array)
    copy[...] = array
    return copy


def transposed(weight: Array, gates: int) -> Array:
    """The recurrent weight as contiguous matrices (gates, H, H).

    weight is (gates · H, H). A state (N, H) is multiplied by the result from the right.
    """
    hidden = weight.shape[1]
    return aligned(weight.reshape(gates, hidden, hidden).mT)


def previous_states(first: Array, h: Array) -> Array:
    """The state before each step, (L, N, H).

    `first` is the initial state, (N, H); h are the states after each step, (L, N, H).
    """
    return np.concatenate([first[None], h])[:-1]


def number(value: float, x: Array) -> Any:
    """A number as an array of x's dtype.

    It has half the overhead of a Python number in each call.
    """
    return np.asarray(value, x.dtype) if type(x) is np.ndarray else value


def sigmoid_from_tanh(gates: Array) -> None:
    """Turn tanh(x) into σ(2x), in place.

    σ(2x) = tanh(x)/2 + ½. The absolute error is that of tanh, 6e-8 in single precision, so smaller values of σ become
    0.
    """
    half = number(0.5, gates)
    gates *= half
    gates += half


def checked(
    name: str, gates: int, x: Any, states: dict[str, Any], weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any
) -> list[Any]:
    """The inputs, checked and converted for the operations.

    Raises:
        ValueError: naming all shapes that do not match.
    """
    if x.ndim != 3 or weight_hh.ndim != 2:
        raise ValueError(f"{name}: expected x (L, N, I) and weight_hh (rows, H), got {x.shape} and {weight_hh.shape}")
    if not len(x):
        raise ValueError(f"{name}: the sequence has no steps; the last state of none is the first")
    if (bias_ih is None) != (bias_hh is None):
        raise ValueError(f"{name}: expected both biases or none of them")
    hidden = weight_hh.shape[1]
    rows = gates * hidden
    expected: dict[str, tuple[Any, tuple[int, ...]]]
    expected = {state: (value, (x.shape[1], hidden)) for state, value in states.items()}
    expected |= {"weight_ih": (weight_ih, (rows, x.shape[2])), "weight_hh": (weight_hh, (rows, hidden))}
    if bias_ih is not None:
        expected |= {"bias_ih": (bias_ih, (rows,)), "bias_hh": (bias_hh, (rows,))}
    faults = [f"{key} {shape}, got {value.shape}" for key, (value, shape) in expected.items() if value.shape != shape]
    if faults:
        raise ValueError(f"{name} of x {x.shape} with {hidden} hidden numbers: expected {'; '.join(faults)}")
    return [x, *(value for value, _ in expected.values())]
