"""Fully connected layers: linear and bilinear."""

from __future__ import annotations

from math import sqrt

import numpy as np

from minigrad import ops
from minigrad.arguments import as_flag, as_integer
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.low_rank import LowRank
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter


class Linear(Module):
    """A fully connected layer: x @ weight.T + bias.

    It maps the last axis: (..., in_features) to (..., out_features). `weight` is (out_features, in_features), `bias`
    (out_features,) or None. As in PyTorch, both are initialized uniformly in ±1/sqrt(in_features).

    Args:
        in_features: the length of the last axis of the input.
        out_features: the length of the last axis of the output.
        bias: whether to add a bias.

    Raises:
        ValueError: for sizes below 1.
    """

    weight_lora: LowRank | None = None
    """The low-rank update of `weight`, if there is one (see `LoRA`)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features = in_features = as_integer("in_features", in_features, 1)
        self.out_features = out_features = as_integer("out_features", out_features, 1)
        bound = 1 / sqrt(in_features)
        self.weight = Parameter(np.empty((out_features, in_features), np.float32))
        init.uniform_(self.weight, -bound, bound)
        self.bias = Parameter(np.empty(out_features, np.float32)) if as_flag("bias", bias) else None
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ weight.T + bias.

        Raises:
            ValueError: if the last axis of x does not have the length in_features.
        """
        y = ops.linear(x, self.weight, self.bias)
        return y if self.weight_lora is None else y + self.weight_lora(x)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """A bilinear layer: x1ᵀ A x2 + bias.

    There is a matrix A for each output: (..., in1_features) and (..., in2_features) become (..., out_features).
    `weight` is (out_features, in1_features, in2_features), `bias` (out_features,) or None. As in PyTorch, both are
    initialized uniformly in ±1/sqrt(in1_features).

    Args:
        in1_features: the length of the last axis of the first input.
        in2_features: the length of the last axis of the second input.
        out_features: the length of the last axis of the output.
        bias: whether to add a bias.

    Raises:
        ValueError: for sizes below 1.
    """

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True) -> None:
        self.in1_features = as_integer("in1_features", in1_features, 1)
        self.in2_features = as_integer("in2_features", in2_features, 1)
        self.out_features = as_integer("out_features", out_features, 1)
        bound = 1 / sqrt(self.in1_features)
        shape = (self.out_features, self.in1_features, self.in2_features)
        self.weight = init.uniform_(Parameter(np.empty(shape, np.float32)), -bound, bound)
        has_bias = as_flag("bias", bias)
        self.bias = init.uniform_(Parameter(np.empty(out_features, np.float32)), -bound, bound) if has_bias else None

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Return x1ᵀ A x2 + bias.

        Raises:
            ValueError: if the last axes have the wrong lengths, or the other axes differ.
        """
        lead = input1.shape[:-1]
        if (input1.shape, input2.shape) != ((*lead, self.in1_features), (*lead, self.in2_features)):
            raise ValueError(
                f"expected (..., {self.in1_features}) and (..., {self.in2_features}) with the same leading axes, got "
                f"{input1.shape} and {input2.shape}"
            )
        products = ops.einsum("...i,oij,...j->...o", input1, self.weight, input2)
        return products if self.bias is None else ops.add(products, self.bias)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"
