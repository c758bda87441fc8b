"""Pooling layers: maximum and average, moving and adaptive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from minigrad import ops
from minigrad.arguments import as_flag
from minigrad.engine import Tensor
from minigrad.nn.module import Module
from minigrad.ops.windows import each


class _Pool(Module):
    """The base of pooling layers. A subclass defines the axes, the operation, and the operation's settings."""

    _axes: ClassVar[int]
    _operation: ClassVar[Callable[..., Any]]

    def forward(self, x: Tensor) -> Tensor:
        """Return one element for each window.

        Raises:
            ValueError: if x has the wrong number of axes.
        """
        self._check(x)
        pooled: Tensor = type(self)._operation(x, *self._settings())
        return pooled

    def _settings(self) -> tuple[Any, ...]:
        """The arguments of the operation after x."""
        raise NotImplementedError(f"{type(self).__name__} must define _settings()")

    def _check(self, x: Tensor) -> None:
        if x.ndim not in (self._axes + 1, self._axes + 2):
            what = ("signals, (N, C, L), or one, (C, L)", "images, (N, C, H, W), or one, (C, H, W)")[self._axes - 1]
            raise ValueError(f"expected {what}, got shape {x.shape}")


class _Moving(_Pool):
    """The base of pooling layers with a sliding kernel."""

    def _begin(self, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool) -> None:
        each("kernel_size", kernel_size, self._axes)
        each("stride", kernel_size if stride is None else stride, self._axes)
        each("padding", padding, self._axes, 0)
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.ceil_mode = as_flag("ceil_mode", ceil_mode)

    def extra_repr(self) -> str:
        """The kernel's size, stride and other settings."""
        stride = self.kernel_size if self.stride is None else self.stride
        shown = {"kernel_size": self.kernel_size, "stride": stride, "padding": self.padding}
        shown |= {name: vars(self)[name] for name in ("dilation",) if name in vars(self)}
        shown |= {"ceil_mode": True} if self.ceil_mode else {}
        return ", ".join(f"{name}={value}" for name, value in shown.items())


class _MaxPool(_Moving):
    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        self._begin(kernel_size, stride, padding, ceil_mode)
        each("dilation", dilation, self._axes)
        self.dilation = dilation

    def _settings(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode


class MaxPool1d(_MaxPool):
    """Max pooling of signals.

    The input is (N, C, L), the output (N, C, L'), both without N for a single signal. The arguments are those of
    `MaxPool2d`.
    """

    _axes = 1
    _operation = staticmethod(ops.max_pool1d)


class MaxPool2d(_MaxPool):
    """Max pooling of images.

    The input is (N, C, H, W), the output (N, C, H', W'), both without N for a single image, with H' = (H + 2 padding -
    dilation (kernel_size - 1) - 1) // stride + 1. Equal maxima share the gradient equally; PyTorch gives it to the
    first.

    Args:
        kernel_size: the size of the kernel, one number or one per axis.
        stride: the step of the kernel; its size if None.
        padding: the padding on both sides, at most half of the kernel; it is never the maximum.
        dilation: the step between the elements of the kernel.
        ceil_mode: whether to round H' up: the last window may then extend beyond the end, if it starts before it.

    Raises:
        ValueError: for numbers that are too small.
    """

    _axes = 2
    _operation = staticmethod(ops.max_pool2d)


class _AvgPool(_Moving):
    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self._begin(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = as_flag("count_include_pad", count_include_pad)

    def _settings(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad


class AvgPool1d(_AvgPool):
    """Average pooling of signals.

    The input is (N, C, L), the output (N, C, L'), both without N for a single signal. The arguments are those of
    `AvgPool2d`.
    """

    _axes = 1
    _operation = staticmethod(ops.avg_pool1d)


class AvgPool2d(_AvgPool):
    """Average pooling of images.

    The input is (N, C, H, W), the output (N, C, H', W'), both without N for a single image, with H' as in `MaxPool2d`.

    Args:
        kernel_size: the size of the kernel, one number or one per axis.
        stride: the step of the kernel; its size if None.
        padding: the zeros on both sides, at most half of the kernel.
        ceil_mode: whether to round H' up: the last window may then extend beyond the end, where nothing counts.
        count_include_pad: whether the zeros of the padding count in a mean.

    Raises:
        ValueError: for numbers that are too small.
    """

    _axes = 2
    _operation = staticmethod(ops.avg_pool2d)


class _AdaptivePool(_Pool):
    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * self._axes
        each("output_size", tuple([1 if size is None else size for size in sizes]), self._axes)
        self.output_size = output_size

    def _settings(self) -> tuple[Any, ...]:
        return (self.output_size,)

    def extra_repr(self) -> str:
        """The output size."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Average pooling of signals to a fixed length.

    The input is (N, C, L), with any L, the output (N, C, output_size). The argument is that of `AdaptiveAvgPool2d`.
    """

    _axes = 1
    _operation = staticmethod(ops.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Average pooling of images to a fixed size.

    The input is (N, C, H, W), with any H and W, the output (N, C, *output_size).

    Args:
        output_size: the size of the grid, one number or one per axis; None leaves an axis unchanged.

    Raises:
        ValueError: for sizes below 1.
    """

    _axes = 2
    _operation = staticmethod(ops.adaptive_avg_pool2d)


class AdaptiveMaxPool1d(_AdaptivePool):
    """Max pooling of signals to a fixed length.

    The input is (N, C, L), with any L, the output (N, C, output_size). The argument is that of `AdaptiveMaxPool2d`.
    """

    _axes = 1
    _operation = staticmethod(ops.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptivePool):
    """Max pooling of images to a fixed size.

    The input is (N, C, H, W), with any H and W, the output (N, C, *output_size).

    Args:
        output_size: the size of the grid, one number or one per axis; None leaves an axis unchanged.

    Raises:
        ValueError: for sizes below 1.
    """

    _axes = 2
    _operation = staticmethod(ops.adaptive_max_pool2d)
