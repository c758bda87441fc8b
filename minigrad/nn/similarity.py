"""Cosine similarity of vectors."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.arguments import as_integer, as_number
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class CosineSimilarity(Module):
    """Cosine similarity along one axis.

    It is x1 · x2 / (‖x1‖ ‖x2‖), from -1 (opposite directions) to 1 (the same direction).

    Args:
        dim: the axis.
        eps: the minimum of the lengths; a shorter one is replaced by it.

    Raises:
        ValueError: if eps is not above 0.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim = as_integer("dim", dim)
        self.eps = as_number("eps", eps, above=0)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the cosines, without the axis `dim`.

        The other axes are broadcast.

        Raises:
            ValueError: if the shapes do not match.
            IndexError: if they have no axis `dim`.
        """
        shape = np.broadcast_shapes(x1.shape, x2.shape)
        return ops.sum(ops.multiply(*(self._direction(ops.broadcast_to(x, shape)) for x in (x1, x2))), self.dim)

    def _direction(self, x: Tensor) -> Tensor:
        """Return the vectors divided by their lengths."""
        length = ops.vector_norm(x, axis=self.dim, keepdims=True)
        return ops.divide(x, ops.add(length, ops.maximum(ops.subtract(self.eps, length.detach()), 0)))

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}, eps={self.eps}"
