"""Layers that normalise: over a batch, a row, or a group of channels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.sizes import require_sizes


class _BatchNorm(Module):
    """Each channel less its mean, divided by its deviation, over the batch and all places."""

    decomposes = False
    _shapes: ClassVar[dict[int, str]]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        require_sizes(num_features=num_features)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.weight = init.ones_(Parameter(np.empty(num_features, np.float32))) if affine else None
        self.bias = init.zeros_(Parameter(np.empty(num_features, np.float32))) if affine else None
        self.running_mean = init.zeros_(Buffer(np.empty(num_features, np.float32))) if track_running_stats else None
        self.running_var = init.ones_(Buffer(np.empty(num_features, np.float32))) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.zeros((), np.int64)) if track_running_stats else None

    def forward(self, x: Tensor) -> Tensor:
        """Returns x normalised, of its shape; in training also moves the running mean and variance.

        Raises: ValueError if x has other axes or channels, or in training one number for each channel alone.
        """
        if x.ndim not in self._shapes or x.shape[1] != self.num_features:
            expected = " or ".join(self._shapes.values()).replace("C", str(self.num_features))
            raise ValueError(f"expected {expected}, got {x.shape}")
        over_channels = (self.num_features, *[1] * (x.ndim - 2))
        weight, bias = (None if p is None else p.reshape(over_channels) for p in (self.weight, self.bias))
        if not self.training and self.running_mean is not None and self.running_var is not None:
            scale = 1 / ops.sqrt(self.running_var.reshape(over_channels) + self.eps)
            normal = (x - self.running_mean.reshape(over_channels)) * scale
            return normal if weight is None else normal * weight + bias
        axis = (0, *range(2, x.ndim))
        count = x.size // self.num_features
        if self.training and count < 2:
            raise ValueError(f"a batch of shape {x.shape} has one number for each channel, which has no deviation")
        values = x.data if isinstance(x, Tensor) else x
        mean = values.mean(axis=axis, keepdims=True)
        variance = values.var(axis=axis, mean=mean, keepdims=True)
        if self.training:
            self._track(mean.reshape(-1), variance.reshape(-1) * (count / (count - 1)))
        return ops.standardize(x, weight, bias, axis, self.eps, True, (mean, variance))

    def _track(self, mean: np.ndarray, variance: np.ndarray) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.data[...] += 1
        share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        for running, value in ((self.running_mean, mean), (self.running_var, variance)):
            running.data += share * (value - running.data)
        for buffer in (self.running_mean, self.running_var, self.num_batches_tracked):
            buffer.bump()

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.weight is not None}, "
            f"track_running_stats={self.running_mean is not None}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L); arguments as `BatchNorm2d`."""

    _shapes: ClassVar[dict[int, str]] = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W): each channel less its mean, over its deviation, times weight plus bias.

    In training mean and (biased) variance are those of the batch, and move `running_mean` and (unbiased)
    `running_var`, which serve in evaluation (Ioffe and Szegedy, arXiv:1502.03167). A batch cannot be taken in parts.

    Args:
        num_features: C.
        eps: what is added to the variance.
        momentum: the share of a new batch in the running statistics; None for the mean of all batches.
        affine: whether there are `weight` and `bias`, (C,), which begin as 1 and 0.
        track_running_stats: False to use the statistics of the batch in evaluation, too.

    Raises: ValueError for num_features below 1.
    """

    _shapes: ClassVar[dict[int, str]] = {4: "(N, C, H, W)"}


class LayerNorm(Module):
    """Each row less its mean, divided by its deviation, times weight plus bias (Ba et al., arXiv:1607.06450).

    Args:
        normalized_shape: the lengths of the last axes, which make a row.
        eps: what is added to the variance.
        elementwise_affine: whether there are `weight` and `bias`, of that shape, which begin as 1 and 0.
        bias: False for `weight` alone.

    Raises: ValueError for a length below 1.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape = _row(normalized_shape)
        self.eps = eps
        self.weight = init.ones_(Parameter(np.empty(self.normalized_shape, np.float32))) if elementwise_affine else None
        has_bias = elementwise_affine and bias
        self.bias = init.zeros_(Parameter(np.empty(self.normalized_shape, np.float32))) if has_bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Returns x normalised, of its shape. Raises: ValueError if x does not end in `normalized_shape`."""
        return ops.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class RMSNorm(Module):
    """Each row divided by its root mean square, times weight (Zhang and Sennrich, arXiv:1910.07467).

    Args:
        normalized_shape: the lengths of the last axes, which make a row.
        eps: what is added to the mean square; the spacing of numbers at 1 in the dtype of the input if None.
        elementwise_affine: whether there is a `weight`, of that shape, which begins as 1.

    Raises: ValueError for a length below 1.
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        self.normalized_shape = _row(normalized_shape)
        self.eps = eps
        self.weight = init.ones_(Parameter(np.empty(self.normalized_shape, np.float32))) if elementwise_affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Returns x normalised, of its shape. Raises: ValueError if x does not end in `normalized_shape`."""
        return ops.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class GroupNorm(Module):
    """Each group of channels of an example less its mean, divided by its deviation (Wu and He, arXiv:1803.08494).

    Args:
        num_groups: into so many groups the channels are divided.
        num_channels: C, of inputs (N, C, ...).
        eps: what is added to the variance.
        affine: whether there are `weight` and `bias`, (C,), which begin as 1 and 0.

    Raises: ValueError if num_groups does not divide num_channels.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        require_sizes(num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ValueError(f"num_channels must be a multiple of num_groups={num_groups}, got {num_channels}")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.weight = init.ones_(Parameter(np.empty(num_channels, np.float32))) if affine else None
        self.bias = init.zeros_(Parameter(np.empty(num_channels, np.float32))) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Returns x normalised, of its shape. Raises: ValueError if x is not (N, num_channels, ...)."""
        if x.shape[1:2] != (self.num_channels,):
            raise ValueError(f"expected (N, {self.num_channels}, ...), got {x.shape}")
        return ops.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.weight is not None}"


def _row(normalized_shape: int | tuple[int, ...]) -> tuple[int, ...]:
    row = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    for size in row or (0,):
        require_sizes(normalized_shape=size)
    return row
