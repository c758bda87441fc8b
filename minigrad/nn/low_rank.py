"""Low-rank changes of a matrix."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import ops
from minigrad.arguments import as_integer, as_number
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class LowRank(Module):
    """A low-rank update of a matrix.

    The update of a matrix (rows, columns) is alpha / rank · B @ A. `A` is (rank, columns), initialized uniformly in
    ±1/sqrt(columns), as in the authors' code; `B` is (rows, rank), initialized to zeros, so that the update is
    initially zero. Hu et al., "LoRA: Low-rank adaptation of large language models", arXiv:2106.09685, section 4.1.

    Args:
        rows: the number of rows of the matrix.
        columns: the number of columns of the matrix.
        rank: the rank of the update.
        alpha: the scale of the update is alpha / rank.
        dtype: the dtype of the matrix.

    Raises:
        ValueError: for a rank below 1, or an alpha that is not positive.
    """

    def __init__(self, rows: int, columns: int, rank: int, alpha: float, dtype: Any = np.float32) -> None:
        self.rank = as_integer("rank", rank, 1)
        self.scale = as_number("alpha", alpha, above=0) / rank
        bound = 1 / sqrt(columns)
        self.A = init.uniform_(Parameter(np.empty((rank, columns), dtype)), -bound, bound)
        self.B = Parameter(np.zeros((rows, rank), dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ update.T, the addition to x @ matrix.T.

        x is (..., columns), the result (..., rows).
        """
        return ops.linear(ops.linear(x, self.A) * self.scale, self.B)

    def rows(self, numbers: NDArray[Any]) -> Tensor:
        """Return the rows of the update at these indices.

        Integers (...) become rows (..., columns).
        """
        return (ops.getitem(self.B, numbers) * self.scale) @ self.A

    def matrix(self) -> Tensor:
        """Return the update of the matrix, (rows, columns)."""
        return (self.B * self.scale) @ self.A

    def extra_repr(self) -> str:
        """Sizes and scale."""
        return f"{self.B.shape[0]}, {self.A.shape[1]}, rank={self.rank}, scale={self.scale:g}"
