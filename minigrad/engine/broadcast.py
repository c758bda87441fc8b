"""The operations that the walk itself needs: to undo a broadcast and to cast a gradient to its tensor's dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minigrad.engine.dispatch import primitive
from minigrad.engine.tensor import Tensor


def _sum_to(x: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Sums the axes of x along which an array of `shape` would be broadcast to it: the adjoint of `broadcast_to`."""
    lead = x.ndim - len(shape)
    if lead < 0:
        raise ValueError(f"nothing of shape {shape} was broadcast to it: it has fewer axes")
    stretched = [lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1]
    total = np.add.reduce(x, axis=(*range(lead), *stretched), keepdims=True)
    if total.shape[lead:] != tuple(shape):  # as reshape would let, say, (2, 3) pass for (3, 2)
        raise ValueError(f"nothing of shape {shape} was broadcast to it: an axis is neither as long nor 1")
    return total.reshape(shape)


def _broadcast_to(x: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Repeats x along new axes and axes of length one until it has `shape`; a read-only view, no copy is made."""
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        raise ValueError(
            f"it does not broadcast to {shape}: counted from the last, each of its axes has to be as long, or 1"
        ) from None


def _cast(x: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Converts x to another dtype of floating point, or a constant to any."""
    return x.astype(dtype)


sum_to = primitive("sum_to", _sum_to, lambda g, x_shape: broadcast_to(g, x_shape))
broadcast_to = primitive("broadcast_to", _broadcast_to, lambda g, x_shape: sum_to(g, x_shape), numpy=np.broadcast_to)
cast = primitive("cast", _cast, lambda g, x_dtype: cast(g, x_dtype))


def astype(x: Any, dtype: DTypeLike) -> Any:
    """Converts x to another dtype; what becomes integers or truth values is a constant."""
    if isinstance(x, Tensor) and np.dtype(dtype).kind != "f":
        x = x.detach()
    return cast(x, dtype)
