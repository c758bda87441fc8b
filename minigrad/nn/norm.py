"""Normalization layers: batch, layer, RMS and group norm."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad import ops
from minigrad.arguments import as_flag, as_integer, as_number
from minigrad.engine import Tensor, no_grad
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.ops.normalization import moments


class _BatchNorm(Module):
    """Batch normalization of each channel, with mean and deviation over the batch and all positions."""

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
        self.num_features = num_features = as_integer("num_features", num_features, 1)
        self.eps = as_number("eps", eps, above=0)
        self.momentum = None if momentum is None else as_number("momentum", momentum, at_least=0, at_most=1)
        affine = as_flag("affine", affine)
        track_running_stats = as_flag("track_running_stats", track_running_stats)
        self.weight = init.ones_(Parameter(np.empty(num_features, np.float32))) if affine else None
        self.bias = init.zeros_(Parameter(np.empty(num_features, np.float32))) if affine else None
        self.running_mean = init.zeros_(Buffer(np.empty(num_features, np.float32))) if track_running_stats else None
        self.running_var = init.ones_(Buffer(np.empty(num_features, np.float32))) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.zeros((), np.int64)) if track_running_stats else None

    def forward(self, x: Tensor) -> Tensor:
        """Return x normalized; in training, update the running statistics.

        Raises:
            ValueError: if x has the wrong axes or channels, or, in training, only one value per channel.
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
        if self.training and count == 1:
            raise ValueError(f"a batch of shape {x.shape} has one number for each channel, which has no deviation")
        mean_and_variance = moments(x, axis)
        if self.training:
            self._track(mean_and_variance, count)
        return ops.standardize(x, weight, bias, axis, self.eps, True, mean_and_variance)

    @no_grad()
    def _track(self, mean_and_variance: Tensor, count: int) -> None:
        """Update the running statistics by those of a batch.

        The batch has `count` values per channel; if 0, nothing changes.
        """
        running_mean: Any = self.running_mean
        running_var: Any = self.running_var
        batches: Any = self.num_batches_tracked
        if batches is None:
            return
        batches += 1
        if count:
            mean, variance = mean_and_variance.reshape(2, -1)
            share = (1 / batches).astype(variance.dtype) if self.momentum is None else self.momentum
            running_mean += (mean - running_mean) * share
            running_var += (variance * (count / (count - 1)) - running_var) * share

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.weight is not None}, "
            f"track_running_stats={self.running_mean is not None}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalization of vectors or signals.

    Inputs are (N, C) or (N, C, L). The arguments are those of `BatchNorm2d`.
    """

    _shapes: ClassVar[dict[int, str]] = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """Batch normalization of images.

    Each channel of (N, C, H, W) is normalized: (x - mean) / sqrt(variance + eps) · weight + bias. In training, the mean
    and the (biased) variance are those of the batch, and update `running_mean` and the (unbiased) `running_var`, which
    are used in evaluation (Ioffe and Szegedy, arXiv:1502.03167). A batch cannot be split.

    Args:
        num_features: C.
        eps: added to the variance for numerical stability.
        momentum: the weight of a new batch in the running statistics; None for the mean of all batches.
        affine: whether there are `weight` and `bias`, (C,), initialized to 1 and 0.
        track_running_stats: whether there are running statistics; if False, evaluation uses those of the batch.

    Raises:
        ValueError: for num_features below 1, an eps that is not above 0, or a momentum outside [0, 1].
    """

    _shapes: ClassVar[dict[int, str]] = {4: "(N, C, H, W)"}


class LayerNorm(Module):
    """Layer normalization, over the last axes.

    Each row is normalized: (x - mean) / sqrt(variance + eps) · weight + bias (Ba et al., arXiv:1607.06450).

    Args:
        normalized_shape: the lengths of the last axes, which form a row.
        eps: added to the variance for numerical stability.
        elementwise_affine: whether there are `weight` and `bias`, of that shape, initialized to 1 and 0.
        bias: False for `weight` only.

    Raises:
        ValueError: for a length below 1, or an eps that is not above 0.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape = _row(normalized_shape)
        self.eps = as_number("eps", eps, above=0)
        has_weight = as_flag("elementwise_affine", elementwise_affine)
        has_bias = as_flag("bias", bias) and has_weight
        self.weight = init.ones_(Parameter(np.empty(self.normalized_shape, np.float32))) if has_weight else None
        self.bias = init.zeros_(Parameter(np.empty(self.normalized_shape, np.float32))) if has_bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return x normalized, of its shape.

        Raises:
            ValueError: if x does not end in `normalized_shape`.
        """
        return ops.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class RMSNorm(Module):
    """Root-mean-square normalization, over the last axes.

    Each row is divided by its root mean square, and multiplied by weight (Zhang and Sennrich, arXiv:1910.07467).

    Args:
        normalized_shape: the lengths of the last axes, which form a row.
        eps: added to the mean square for numerical stability; the machine epsilon of the input's dtype if None.
        elementwise_affine: whether there is a `weight`, of that shape, initialized to 1.

    Raises:
        ValueError: for a length below 1, or an eps that is not above 0.
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        self.normalized_shape = _row(normalized_shape)
        self.eps = None if eps is None else as_number("eps", eps, above=0)
        has_weight = as_flag("elementwise_affine", elementwise_affine)
        self.weight = init.ones_(Parameter(np.empty(self.normalized_shape, np.float32))) if has_weight else None

    def forward(self, x: Tensor) -> Tensor:
        """Return x normalized, of its shape.

        Raises:
            ValueError: if x does not end in `normalized_shape`.
        """
        return ops.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class GroupNorm(Module):
    """Group normalization, over groups of channels.

    Each group of channels of an example is centered and divided by its standard deviation; then each channel is
    multiplied by its weight, and its bias is added (Wu and He, arXiv:1803.08494).

    Args:
        num_groups: the number of groups of channels.
        num_channels: C, for inputs (N, C, ...).
        eps: added to the variance for numerical stability.
        affine: whether there are `weight` and `bias`, (C,), initialized to 1 and 0.

    Raises:
        ValueError: if num_groups does not divide num_channels, or eps is not above 0.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        num_groups, num_channels = as_integer("num_groups", num_groups, 1), as_integer("num_channels", num_channels, 1)
        if num_channels % num_groups:
            raise ValueError(f"num_channels must be a multiple of num_groups={num_groups}, got {num_channels}")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = as_number("eps", eps, above=0)
        affine = as_flag("affine", affine)
        self.weight = init.ones_(Parameter(np.empty(num_channels, np.float32))) if affine else None
        self.bias = init.zeros_(Parameter(np.empty(num_channels, np.float32))) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """Return x normalized, of its shape.

        Raises:
            ValueError: if x is not (N, num_channels, ...).
        """
        if x.shape[1:2] != (self.num_channels,):
            raise ValueError(f"expected (N, {self.num_channels}, ...), got {x.shape}")
        return ops.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes, as PyTorch shows them."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.weight is not None}"


def _row(normalized_shape: int | tuple[int, ...]) -> tuple[int, ...]:
    row = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    return tuple([as_integer("normalized_shape", size, 1) for size in row or (0,)])
