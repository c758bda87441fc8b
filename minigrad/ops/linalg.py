"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.dispatch import primitive


def _matmul_x(g: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    """g yᵀ, for vectors with the axis that they lack."""
    if y.ndim == 1:
        return g[..., None] * y
    if len(x_shape) == 1:
        return (g[..., None, :] @ y.swapaxes(-1, -2))[..., 0, :]
    return g @ y.swapaxes(-1, -2)


def _matmul_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    """xᵀ g, for vectors with the axis that they lack; for a matrix shared by a stack, as one product."""
    if x.ndim == 1:
        return g * x if len(y_shape) == 1 else x[:, None] * g[..., None, :]
    if len(y_shape) == 1:
        return g.reshape(-1) @ x.reshape((-1, x.shape[-1]))
    if len(y_shape) == 2:
        return x.reshape((-1, x.shape[-1])).swapaxes(0, 1) @ g.reshape((-1, g.shape[-1]))
    return x.swapaxes(-1, -2) @ g


matmul = primitive("matmul", np.matmul, _matmul_x, _matmul_y)
