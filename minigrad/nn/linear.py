"""The fully connected layer."""

from __future__ import annotations

from math import sqrt

import numpy as np

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import require_sizes


class Linear(Module):
    """x @ weight.T + bias on the last axis: (..., in_features) to (..., out_features).

    `weight` is (out_features, in_features), `bias` (out_features,) or None. Both begin uniform in ±1/sqrt(in_features),
    as in PyTorch (which arrives there as kaiming_uniform_ with a = sqrt(5)).

    Args:
        in_features: the length of the last axis of the input.
        out_features: the length of the last axis of the output.
        bias: whether to add one.

    Raises: ValueError for sizes below 1.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        require_sizes(in_features=in_features, out_features=out_features)
        self.in_features = in_features
        self.out_features = out_features
        bound = 1 / sqrt(in_features)
        self.weight = Parameter(np.empty((out_features, in_features), np.float32))
        init.uniform_(self.weight, -bound, bound)
        self.bias = Parameter(np.empty(out_features, np.float32)) if bias else None
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Returns x @ weight.T + bias. Raises: ValueError if the last axis of x is not in_features long."""
        return ops.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
