"""Convolutions: the same small kernel at every place of a signal or an image."""

from __future__ import annotations

from math import prod, sqrt
from typing import ClassVar, Literal

import numpy as np

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import require_sizes
from minigrad.ops.windows import each


class _Kernel(Module):
    """What all convolutions have: sizes, a weight and a bias, which begin uniform in ±1/sqrt(weight[0].size)."""

    _axes: ClassVar[int]
    _transposed: ClassVar[bool] = False

    def _begin(
        self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, ...], groups: int, bias: bool
    ) -> None:
        require_sizes(in_channels=in_channels, out_channels=out_channels, groups=groups)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be a multiple of groups={groups}, got {channels}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = each("kernel_size", kernel_size, self._axes)
        self.groups = groups
        first, second = (in_channels, out_channels) if self._transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        bound = 1 / sqrt(prod(shape[1:]))
        self.weight = init.uniform_(Parameter(np.empty(shape, np.float32)), -bound, bound)
        self.bias = init.uniform_(Parameter(np.empty(out_channels, np.float32)), -bound, bound) if bias else None

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them, and what is not as usual."""
        usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
        own = vars(self)
        shown = [f"{name}={own[name]}" for name, value in usual.items() if own.get(name, value) != value]
        if self.bias is None:
            shown.append("bias=False")
        return ", ".join([f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}", *shown])


class _Convolution(_Kernel):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | Literal["same", "valid"] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        self._begin(in_channels, out_channels, kernel_size, groups, bias)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation


class Conv1d(_Convolution):
    """A convolution along one axis: (N, in_channels, L) to (N, out_channels, L'); arguments as `Conv2d`."""

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        """Returns the convolution. Raises: ValueError if x does not fit; see `ops.conv1d`."""
        return ops.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Convolution):
    """A convolution over two axes: (N, in_channels, H, W) to (N, out_channels, H', W'), or of one image without N.

    H' is (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1. `weight` is (out_channels,
    in_channels / groups, *kernel_size), `bias` (out_channels,) or None. Both begin uniform in ±1/sqrt(n), n the
    numbers that an output sums, as in PyTorch (which arrives there as kaiming_uniform_ with a = sqrt(5)).

    Args:
        in_channels: the channels of the input.
        out_channels: the channels of the output.
        kernel_size: the size of the kernel, for both axes or each.
        stride: the step of the kernel.
        padding: the zeros on both sides; "same" for as many as keep the size, "valid" for none.
        dilation: the step between the elements of the kernel.
        groups: the channels are divided into so many parts, each of which sees only its own.
        bias: whether to add one number for each output channel.

    Raises: ValueError for channels that groups do not divide, and a kernel below 1.
    """

    _axes = 2

    def forward(self, x: Tensor) -> Tensor:
        """Returns the convolution. Raises: ValueError if x does not fit; see `ops.conv2d`."""
        return ops.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class _TransposedConvolution(_Kernel):
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
    ) -> None:
        self._begin(in_channels, out_channels, kernel_size, groups, bias)
        self.stride = stride
        self.padding = padding
        self.output_padding = output_padding
        self.dilation = dilation


class ConvTranspose1d(_TransposedConvolution):
    """A transposed convolution: (N, in_channels, L) to (N, out_channels, L'); arguments as `ConvTranspose2d`."""

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        """Returns the result. Raises: ValueError if x does not fit; see `ops.conv_transpose1d`."""
        return ops.conv_transpose1d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose2d(_TransposedConvolution):
    """A transposed convolution, which enlarges: (N, in_channels, H, W) to (N, out_channels, H', W').

    H' is (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1. `weight` is (in_channels,
    out_channels / groups, *kernel_size), `bias` (out_channels,) or None. Both begin uniform in ±1/sqrt(n), with n
    the size of weight[0], as in PyTorch.

    Args:
        in_channels: the channels of the input.
        out_channels: the channels of the output.
        kernel_size: the size of the kernel, for both axes or each.
        stride: the step in the output for one in the input.
        padding: what is cut from both sides of the output.
        output_padding: what is added at the end of each axis.
        groups: the channels are divided into so many parts, each of which makes its own.
        bias: whether to add one number for each output channel.
        dilation: the step between the elements of the kernel.

    Raises: ValueError for channels that groups do not divide, and a kernel below 1.
    """

    _axes = 2

    def forward(self, x: Tensor) -> Tensor:
        """Returns the result. Raises: ValueError if x does not fit; see `ops.conv_transpose2d`."""
        return ops.conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )
