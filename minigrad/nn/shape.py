"""Layers that change the shape."""

from __future__ import annotations

from math import prod

from minigrad import ops
from minigrad.arguments import as_integer
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class Flatten(Module):
    """Flatten several axes into one.

    For example, (N, 1, 28, 28) becomes (N, 784).

    Args:
        start_dim: the first axis to merge.
        end_dim: the last axis to merge.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = as_integer("start_dim", start_dim)
        self.end_dim = as_integer("end_dim", end_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return x with the axes start_dim to end_dim merged.

        Raises:
            IndexError: if x has no such axes.
        """
        ndim = len(x.shape)
        start, end = (dim + ndim if dim < 0 else dim for dim in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < ndim:
            raise IndexError(f"cannot merge the axes {self.start_dim} to {self.end_dim} of shape {x.shape}")
        return ops.reshape(x, (*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
