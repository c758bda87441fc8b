"""Convolutions and transposed convolutions, of signals and images."""

from __future__ import annotations

from math import prod, sqrt
from typing import ClassVar, Literal

import numpy as np

from minigrad import ops
from minigrad.arguments import as_choice, as_flag, as_integer
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.windows import each


class _Kernel(Module):
    """The base of convolutions: sizes, weight and bias.

    Weight and bias are initialized uniformly in ±1/sqrt(weight[0].size).
    """

    _axes: ClassVar[int]
    _transposed: ClassVar[bool] = False

    def _begin(
        self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, ...], groups: int, bias: bool
    ) -> None:
        self.in_channels = in_channels = as_integer("in_channels", in_channels, 1)
        self.out_channels = out_channels = as_integer("out_channels", out_channels, 1)
        self.groups = groups = as_integer("groups", groups, 1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be a multiple of groups={groups}, got {channels}")
        self.kernel_size = each("kernel_size", kernel_size, self._axes)
        first, second = (in_channels, out_channels) if self._transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        bound = 1 / sqrt(prod(shape[1:]))
        self.weight = init.uniform_(Parameter(np.empty(shape, np.float32)), -bound, bound)
        has_bias = as_flag("bias", bias)
        self.bias = init.uniform_(Parameter(np.empty(out_channels, np.float32)), -bound, bound) if has_bias else None

    def extra_repr(self) -> str:
        """Sizes and non-default settings, as PyTorch shows them."""
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
        strides = each("stride", stride, self._axes)
        each("dilation", dilation, self._axes)
        if isinstance(padding, str):
            as_choice("padding", padding, ("same", "valid"))
            if padding == "same" and max(strides) > 1:
                raise ValueError(f"padding='same' is for stride 1, got stride {stride}; give the padding in numbers")
        else:
            each("padding", padding, self._axes, 0)
        self._begin(in_channels, out_channels, kernel_size, groups, bias)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation


class Conv1d(_Convolution):
    """A convolution along one axis.

    The input is (N, in_channels, L), the output (N, out_channels, L'). The arguments are those of `Conv2d`.
    """

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution.

        Raises:
            ValueError: for a wrong shape; see `ops.conv1d`.
        """
        return ops.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Convolution):
    """A convolution over two axes.

    The input is (N, in_channels, H, W), the output (N, out_channels, H', W'), both without N for a single image, with
    H' = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.

    `weight` is (out_channels, in_channels / groups, *kernel_size), `bias` (out_channels,) or None. As in PyTorch, both
    are initialized uniformly in ±1/sqrt(n), where n = in_channels / groups · kernel elements is the fan-in.

    Args:
        in_channels: the number of input channels.
        out_channels: the number of output channels.
        kernel_size: the size of the kernel, one number or one per axis.
        stride: the step of the kernel.
        padding: the zeros on both sides; "same" to keep the size, "valid" for none.
        dilation: the step between the elements of the kernel.
        groups: the number of groups of channels, each convolved separately.
        bias: whether to add a bias to each output channel.

    Raises:
        ValueError: for channels that are not a multiple of `groups`, numbers that are too small, and padding="same"
            with a stride.
    """

    _axes = 2

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution.

        Raises:
            ValueError: for a wrong shape; see `ops.conv2d`.
        """
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
        for name, value, least in (("stride", stride, 1), ("dilation", dilation, 1), ("padding", padding, 0)):
            each(name, value, self._axes, least)
        each("output_padding", output_padding, self._axes, 0)
        self._begin(in_channels, out_channels, kernel_size, groups, bias)
        self.stride = stride
        self.padding = padding
        self.output_padding = output_padding
        self.dilation = dilation


class ConvTranspose1d(_TransposedConvolution):
    """A transposed convolution along one axis.

    The input is (N, in_channels, L), the output (N, out_channels, L'). The arguments are those of `ConvTranspose2d`.
    """

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        """Return the result.

        Raises:
            ValueError: for a wrong shape; see `ops.conv_transpose1d`.
        """
        return ops.conv_transpose1d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose2d(_TransposedConvolution):
    """A transposed convolution over two axes, for upsampling.

    The input is (N, in_channels, H, W), the output (N, out_channels, H', W'), with
    H' = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.

    `weight` is (in_channels, out_channels / groups, *kernel_size), `bias` (out_channels,) or None. As in PyTorch, both
    are initialized uniformly in ±1/sqrt(n), where n is the size of weight[0].

    Args:
        in_channels: the number of input channels.
        out_channels: the number of output channels.
        kernel_size: the size of the kernel, one number or one per axis.
        stride: the step in the output per element of the input.
        padding: the elements cropped from both sides of the output.
        output_padding: the elements added at the end of each axis.
        groups: the number of groups of channels, each convolved separately.
        bias: whether to add a bias to each output channel.
        dilation: the step between the elements of the kernel.

    Raises:
        ValueError: for channels that are not a multiple of `groups`, and numbers that are too small.
    """

    _axes = 2

    def forward(self, x: Tensor) -> Tensor:
        """Return the result.

        Raises:
            ValueError: for a wrong shape; see `ops.conv_transpose2d`.
        """
        return ops.conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )
