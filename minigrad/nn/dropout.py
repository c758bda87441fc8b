"""Layers that forget on purpose."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.engine import Tensor, random
from minigrad.nn.module import Module


class Dropout(Module):
    """In training sets each element to 0 with probability p and divides the others by 1 - p; else does nothing.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.

    Args:
        p: the probability, from 0 to 1.

    Raises: ValueError for a p out of that range.
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, from 0 to 1, got {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Returns x with holes, of its shape and dtype."""
        if not self.training or self.p == 0:
            return x
        kept = random.generator("dropout").random(x.shape, np.float32) >= self.p
        scale = 0 if self.p == 1 else 1 / (1 - self.p)
        return ops.multiply(x, np.multiply(kept, scale, dtype=x.dtype))

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
