"""Operations that backpropagation needs: sum-to-shape, broadcast and cast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minigrad.engine.apply import primitive
from minigrad.engine.tensor import Tensor
from minigrad.unfit import as_dtype, expect_numbers


def _sum_to(x: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Sum x to `shape`: the adjoint of `broadcast_to`.

    It sums the axes along which an array of `shape` would be broadcast.
    """
    lead = x.ndim - len(shape)
    if lead < 0:
        raise ValueError(f"nothing of shape {shape} was broadcast to it: it has fewer axes")
    stretched = [lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1]
    total = np.add.reduce(x, axis=(*range(lead), *stretched), keepdims=True)
    if total.shape[lead:] != tuple(shape):  # reshape would accept (2, 3) for (3, 2)
        raise ValueError(f"nothing of shape {shape} was broadcast to it: an axis is neither as long nor 1")
    return total.reshape(shape)


def _broadcast_to(x: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Broadcast x to `shape`, as a read-only view."""
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        raise ValueError(
            f"it does not broadcast to {shape}: counted from the last, each of its axes has to be as long, or 1"
        ) from None


def _cast(x: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Convert x to another floating-point dtype, or a constant to any dtype."""
    expect_numbers(x)  # complex numbers would lose their imaginary part, structures all fields but one
    return x.astype(dtype)


sum_to = primitive("sum_to", _sum_to, lambda g, x_shape: broadcast_to(g, x_shape))
broadcast_to = primitive("broadcast_to", _broadcast_to, lambda g, x_shape: sum_to(g, x_shape), numpy=np.broadcast_to)
cast = primitive("cast", _cast, lambda g, x_dtype: cast(g, x_dtype))


def astype(x: Any, dtype: DTypeLike) -> Any:
    """Convert x to another dtype.

    A result of integers or booleans is a constant.
    """
    if isinstance(x, Tensor) and as_dtype(dtype).kind != "f":
        x = x.detach()
    return cast(x, as_dtype(dtype))
