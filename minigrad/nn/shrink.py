"""Shrinkage functions, which set small elements to zero."""

from __future__ import annotations

from minigrad import ops
from minigrad.arguments import as_number
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class _Threshold(Module):
    """The base of shrinkage functions with a threshold."""

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = as_number("lambd", lambd, at_least=0)

    def extra_repr(self) -> str:
        """The threshold."""
        return f"lambd={self.lambd}"


class Hardshrink(_Threshold):
    """Hard shrinkage: 0 where |x| is at most lambd.

    Other elements are unchanged.

    Args:
        lambd: the threshold, from 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the shrunk x, of its shape."""
        return ops.where(ops.less_equal(ops.abs(x), self.lambd), 0.0, x)


class Softshrink(_Threshold):
    """Soft shrinkage: x moved towards 0 by lambd.

    It is 0 where |x| is at most lambd: the proximal operator of an L1 penalty (Donoho, 1995).

    Args:
        lambd: the threshold, from 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the shrunk x, of its shape.

        The derivative at ±lambd is 0.
        """
        return ops.where(ops.less_equal(ops.abs(x), self.lambd), 0.0, ops.subtract(x, ops.sign(x) * self.lambd))


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x - tanh(x), of the shape of x."""
        return ops.subtract(x, ops.tanh(x))
