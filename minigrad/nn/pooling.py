"""Layers that make images smaller: one number for what a kernel sees."""

from __future__ import annotations

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class MaxPool2d(Module):
    """The largest element that a kernel sees as it moves: (N, C, H, W) to (N, C, H', W').

    H' is (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1. Elements that are equal share the gradient
    (in PyTorch the first has it all).

    Args:
        kernel_size: the size of the kernel, for both axes or each.
        stride: its step; the kernel's size if None.
        padding: on both sides, at most half of the kernel; it is never the largest.
        dilation: the step between the elements of the kernel.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        """Returns the largest elements. Raises: ValueError if x does not fit; see `ops.max_pool2d`."""
        return ops.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        """The kernel and how it moves."""
        stride = self.kernel_size if self.stride is None else self.stride
        return f"kernel_size={self.kernel_size}, stride={stride}, padding={self.padding}, dilation={self.dilation}"


class AvgPool2d(Module):
    """The mean of what a kernel sees as it moves: (N, C, H, W) to (N, C, H', W').

    Args:
        kernel_size: the size of the kernel, for both axes or each.
        stride: its step; the kernel's size if None.
        padding: the zeros on both sides, at most half of the kernel.
        count_include_pad: whether the zeros count as elements of a mean.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        *,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.count_include_pad = count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        """Returns the means. Raises: ValueError if x does not fit; see `ops.avg_pool2d`."""
        return ops.avg_pool2d(x, self.kernel_size, self.stride, self.padding, count_include_pad=self.count_include_pad)

    def extra_repr(self) -> str:
        """The kernel and how it moves."""
        stride = self.kernel_size if self.stride is None else self.stride
        return f"kernel_size={self.kernel_size}, stride={stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """The means of a grid of stretches, whatever the size of the image: (N, C, H, W) to (N, C, *output_size).

    Args:
        output_size: the size of the grid, for both axes or each; None leaves an axis as it is.
    """

    def __init__(self, output_size: int | tuple[int | None, int | None] | None) -> None:
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        """Returns the means. Raises: ValueError if x has fewer than two axes."""
        return ops.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        """The grid."""
        return f"output_size={self.output_size}"
