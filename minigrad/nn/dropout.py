"""Dropout."""

from __future__ import annotations

from minigrad import ops
from minigrad.arguments import as_number
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class Dropout(Module):
    """Dropout: in training, zero elements with probability p.

    The other elements are divided by 1 - p. In evaluation mode it does nothing.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.

    Args:
        p: the probability, from 0 to 1.

    Raises:
        ValueError: for a p out of range.
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = as_number("p", p, at_least=0, at_most=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return x with elements dropped, of its shape and dtype."""
        if not self.training or self.p == 0:
            return x
        return ops.dropout(x, self.p)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
