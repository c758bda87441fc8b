"""How wrong a model is, as one number: the base of losses, and those that compare numbers with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.module import Module

Reduction = Literal["mean", "sum", "none"]
Weights = Sequence[float] | np.ndarray


class Loss(Module):
    """The base of losses: a subclass defines `forward(input, target)`, which compares outputs with targets.

    Args:
        reduction: the "mean" of all single losses, their "sum", or "none" to keep each.

    Raises: ValueError for any other word.
    """

    _reductions: ClassVar[tuple[str, ...]] = ("mean", "sum", "none")

    def __init__(self, reduction: Reduction = "mean") -> None:
        if reduction not in self._reductions:
            *words, last = map(repr, self._reductions)
            raise ValueError(f"reduction must be {', '.join(words)} or {last}, got {reduction!r}")
        self.reduction: str = reduction

    def count(self, target: np.ndarray) -> float:
        """Returns how much a batch with this target, examples first, counts in the mean over several: by default the
        number of examples. What the "mean" of a batch divides by, up to a factor that all batches share."""
        return len(target)

    def _reduce(self, losses: Tensor) -> Tensor:
        if self.reduction == "none":
            return losses
        return ops.mean(losses) if self.reduction == "mean" else ops.sum(losses)


def as_tensor(values: Tensor | ArrayLike) -> Tensor:
    """The values as a tensor; a list of integers stays integer."""
    return values if isinstance(values, Tensor) else Tensor(np.asarray(values))


def of_dtype(values: Tensor | ArrayLike, input: Tensor) -> Tensor:
    """The values as a tensor in the dtype of the input."""
    values = as_tensor(values)
    return values if values.dtype == input.dtype else ops.astype(values, input.dtype)


def matching(values: Tensor | ArrayLike, input: Tensor, expected: str = "a target of the input's shape") -> Tensor:
    """The values in the dtype of the input. Raises: ValueError if they have another shape: it would be broadcast."""
    values = as_tensor(values)
    if values.shape != input.shape:
        hint = f"; reshape it with .reshape({input.shape})" if values.size == input.size else ""
        raise ValueError(f"expected {expected} {input.shape}, got {values.shape}{hint}")
    return of_dtype(values, input)


def require(rule: str, holds: np.ndarray | np.bool_, values: np.ndarray) -> None:
    """Raises: ValueError with the rule and the first of the values for which it does not hold."""
    if not holds.all():
        raise ValueError(f"{rule}, got {values[~holds][0]}")


class Elementwise(Loss):
    """The base of losses whose target has the input's shape: a subclass defines `each`, the loss of each element."""

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss. Raises: ValueError if the shapes differ, or a value is out of its range."""
        return self._reduce(self.each(input, matching(target, input)))

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns the losses, of the shape that input and target have."""
        raise NotImplementedError(f"{type(self).__name__} must define each()")


class MSELoss(Elementwise):
    """(input - target)²; input and target are of one shape.

    Args:
        reduction: "mean", "sum" or "none".
    """

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss. Raises: ValueError if the shapes differ."""
        if self.reduction == "mean":
            return ops.mse_loss(input, matching(target, input))
        return super().forward(input, target)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns (input - target)²."""
        return ops.square(ops.subtract(input, target))


class L1Loss(Elementwise):
    """|input - target|, with derivative 0 where they are equal; input and target are of one shape.

    Args:
        reduction: "mean", "sum" or "none".
    """

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns |input - target|."""
        return ops.abs(ops.subtract(input, target))


class HuberLoss(Elementwise):
    """d² / 2 where |d| = |input - target| is at most delta, else delta · (|d| - delta / 2) (Huber, 1964).

    Args:
        reduction: "mean", "sum" or "none".
        delta: where the parabola becomes a line.

    Raises: ValueError if delta is not above 0.
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        if not delta > 0:
            raise ValueError(f"delta must be above 0, got {delta}")
        self.delta = delta

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns the parabola or the line."""
        return _huber(ops.subtract(input, target), self.delta)


class SmoothL1Loss(Elementwise):
    """d² / (2 beta) where |d| = |input - target| is below beta, else |d| - beta / 2 (Girshick, arXiv:1504.08083).

    Args:
        reduction: "mean", "sum" or "none".
        beta: where the parabola becomes a line; 0 makes it `L1Loss`.

    Raises: ValueError if beta is below 0.
    """

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        if not beta >= 0:
            raise ValueError(f"beta must be at least 0, got {beta}")
        self.beta = beta

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns the parabola or the line."""
        difference = ops.subtract(input, target)
        return ops.divide(_huber(difference, self.beta), self.beta) if self.beta else ops.abs(difference)


def _huber(difference: Tensor, delta: float) -> Tensor:
    """d²/2, but delta (|d| - delta/2) where |d| is larger: in one formula c (d - c/2), c being d cut at ±delta."""
    cut = ops.clip(difference, -delta, delta)
    return ops.multiply(cut, ops.subtract(difference, ops.multiply(cut, 0.5)))


class PoissonNLLLoss(Elementwise):
    """exp(input) - target · input, the negative log-likelihood of counts whose mean is exp(input).

    Args:
        log_input: False: the input is the mean itself, and the loss input - target · log(input + eps).
        full: also adds Stirling's approximation of log(target!), for targets above 1, which does not depend on input.
        eps: keeps log(0) finite.
        reduction: "mean", "sum" or "none".

    Raises: ValueError if eps is not above 0.
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.log_input = log_input
        self.full = full
        self.eps = _positive(eps)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns the losses. Raises: ValueError for a target below 0, or such an input if it is the mean."""
        require("targets are counts, from 0", target.data >= 0, target.data)
        if self.log_input:
            losses = ops.subtract(ops.exp(input), ops.multiply(target, input))
        else:
            require("with log_input=False inputs are means of counts, from 0", input.data >= 0, input.data)
            losses = ops.subtract(input, ops.multiply(target, ops.log(ops.add(input, self.eps))))
        if not self.full:
            return losses
        above = ops.greater(target, 1)
        n = ops.where(above, target, 1.0)
        stirling = n * ops.log(n) - n + ops.log(2 * pi * n) * 0.5
        return ops.add(losses, ops.where(above, stirling, 0.0))


class GaussianNLLLoss(Loss):
    """(log(var) + (input - target)² / var) / 2, the negative log-likelihood of a normal distribution.

    `input` and `target` are of one shape; so is `var`, the variance that the model predicts, or it lacks the last
    axis, or that is 1 long, or it is one number (Nix & Weigend, ICNN 1994).

    Args:
        full: also adds the constant log(2π) / 2.
        eps: a smaller variance counts as this, with the derivative that the formula has there.
        reduction: "mean", "sum" or "none".

    Raises: ValueError if eps is not above 0.
    """

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.full = full
        self.eps = _positive(eps)

    def forward(self, input: Tensor, target: Tensor | ArrayLike, var: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss. Raises: ValueError if the shapes do not fit, or a variance is below 0."""
        target, variance = matching(target, input), of_dtype(var, input)
        require("variances are at least 0", variance.data >= 0, variance.data)
        rows = input.shape[:-1]
        if variance.shape not in (input.shape, (*rows, 1), rows, ()):
            raise ValueError(f"expected variances of shape {input.shape}, {rows} or (), got {variance.shape}")
        if variance.shape == rows != input.shape:
            variance = ops.expand_dims(variance, -1)
        variance = ops.add(variance, ops.maximum(ops.subtract(self.eps, variance.detach()), 0))
        losses = ops.add(ops.log(variance), ops.divide(ops.square(ops.subtract(input, target)), variance))
        return self._reduce(ops.multiply(ops.add(losses, log(2 * pi)) if self.full else losses, 0.5))


def _positive(eps: float) -> float:
    if not eps > 0:
        raise ValueError(f"eps must be above 0, got {eps}")
    return eps
