"""The base of losses, and regression losses."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from math import log, pi
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from minigrad import ops
from minigrad.arguments import as_choice, as_flag, as_number
from minigrad.engine import Tensor
from minigrad.engine.arrays import asarray, filled, may_be_read
from minigrad.nn.module import Module
from minigrad.targets import Comparison

Reduction = Literal["mean", "sum", "none"]
Weights = Sequence[float] | np.ndarray
Balanced = Literal["balanced"]


class BalanceError(ValueError):
    """Class weights that cannot be computed from the targets."""


class Loss(Module):
    """The base of losses: `forward(input, target)` compares outputs with targets.

    Args:
        reduction: "mean" or "sum" of the losses, or "none" to return each.

    Raises:
        ValueError: for any other reduction.
    """

    _reductions: ClassVar[tuple[str, ...]] = ("mean", "sum", "none")
    _comparison: ClassVar[Comparison] = Comparison()

    def __init__(self, reduction: Reduction = "mean") -> None:
        self.reduction: str = as_choice("reduction", reduction, self._reductions)

    def count(self, target: np.ndarray) -> float:
        """Return the weight of a batch in a mean.

        It is the divisor of the "mean", up to a factor that all batches share; by default the number of examples, the
        length of the target's first axis.
        """
        return len(target)

    def counts(self, target: np.ndarray) -> np.ndarray:
        """Return each single loss's weight in their mean.

        The weights are (N,), or have the shape of the losses with reduction "none". `count` is their sum, up to a
        factor that all batches share.
        """
        return filled(len(target), 1, target, np.float32)

    def weighted_sum(self, input: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        """Return the example-weighted sum of losses, Σ wℓ.

        Divided by `weighted_count`, it is the weighted mean. Class weights, if any, are factors too.

        Args:
            input: the outputs, with examples along the first axis.
            target: the targets.
            weights: the weight of each example, (N,).

        Raises:
            ValueError: if the loss, with reduction "none", does not give a number for each example.
        """
        single = copy(self)
        vars(single)["reduction"] = "none"
        losses = single.forward(input, target)
        shape = self.counts(target.data).shape
        if losses.shape[: len(shape)] != shape:
            raise ValueError(
                f"{type(self).__name__} gives losses of shape {losses.shape} where reduction is 'none': with weights "
                f"of examples it gives one for each, {shape}, as by return self._reduce(losses)"
            )
        if losses.ndim > len(shape):
            inner = tuple(range(len(shape), losses.ndim))
            losses = ops.mean(losses, inner) if self.reduction == "mean" else ops.sum(losses, inner)
        weights = of_dtype(weights, losses)
        return ops.sum(ops.multiply(losses, ops.reshape(weights, (-1, *[1] * (len(shape) - 1)))))

    def weighted_count(self, target: np.ndarray, weights: np.ndarray | None) -> float:
        """Return `count`, with examples weighted by `weights` (N,) unless None."""
        if weights is None:
            return self.count(target)
        counts = self.counts(target).reshape(len(weights), -1)
        return float(np.vdot(weights.astype(np.float64), counts.sum(axis=1, dtype=np.float64)))

    def balance(self, targets: np.ndarray, num_classes: int | None = None) -> None:
        """Compute "balanced" class weights, if any, from training targets.

        Raises:
            BalanceError: if the targets are not classes, or a class has no examples.
        """

    @property
    def comparison(self) -> Comparison:
        """The kind of targets that the loss compares.

        A class of your own may leave it out; it is then inferred from the values of the targets.
        """
        return self._comparison

    def probabilities(self, outputs: np.ndarray) -> np.ndarray | None:
        """Return the probabilities of outputs, or None.

        They have the shape of the outputs. None means that the loss does not define probabilities.
        """
        return None

    def _reduce(self, losses: Tensor) -> Tensor:
        if self.reduction == "none":
            return losses
        return ops.mean(losses) if self.reduction == "mean" else ops.sum(losses)


def as_tensor(values: Tensor | ArrayLike) -> Tensor:
    """Return the values as a tensor; integers stay integers."""
    return values if isinstance(values, Tensor) else Tensor(asarray(values))


def of_dtype(values: Tensor | ArrayLike, input: Tensor) -> Tensor:
    """Return the values as a tensor of the input's dtype."""
    values = as_tensor(values)
    return values if values.dtype == input.dtype else ops.astype(values, input.dtype)


def matching(values: Tensor | ArrayLike, input: Tensor, expected: str = "a target of the input's shape") -> Tensor:
    """Return values in the input's dtype, checked for its shape.

    Raises:
        ValueError: if they have another shape, even one that could be broadcast.
    """
    values = as_tensor(values)
    if values.shape != input.shape:
        hint = f"; reshape it with .reshape({input.shape})" if values.size == input.size else ""
        raise ValueError(f"expected {expected} {input.shape}, got {values.shape}{hint}")
    return of_dtype(values, input)


def require(rule: str, holds: np.ndarray | np.bool_, values: np.ndarray) -> None:
    """Raise ValueError with the first value that breaks a rule."""
    if may_be_read(values) and not holds.all():
        raise ValueError(f"{rule}, got {values[~holds][0]}")


def weights(name: str, values: Weights | None) -> Weights | None:
    """Return factors of losses, checked.

    Raises:
        ValueError: for NaN or infinity, naming the argument.
    """
    if values is not None:
        require(f"{name} holds finite factors", np.isfinite(array := asarray(values)), array)
    return values


def factors_of(name: str, values: Weights | str | None) -> Weights | None:
    """Return the factors; None for "balanced".

    "balanced" factors are computed from targets later.

    Raises:
        ValueError: as `weights`, and for any other string.
    """
    if not isinstance(values, str):
        return weights(name, values)
    if values != "balanced":
        raise ValueError(f"{name} holds factors, or is 'balanced', got {values!r}")
    return None


def require_balance(is_missing: bool) -> None:
    """Raise ValueError for "balanced" weights that were not computed."""
    if is_missing:
        raise ValueError("'balanced' weights follow from targets: call balance(targets) first, as a training does")


class Elementwise(Loss):
    """The base of elementwise losses; a subclass defines `each`.

    The target has the shape of the input. `each` returns the loss of each element.
    """

    _comparison = Comparison("numbers")

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: if the shapes differ, or a value is out of range.
        """
        return self._reduce(self.each(input, matching(target, input)))

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the losses, of the shape of the input."""
        raise NotImplementedError(f"{type(self).__name__} must define each()")


class MSELoss(Elementwise):
    """Squared error: (input - target)².

    Input and target have the same shape.

    Args:
        reduction: "mean", "sum" or "none".
    """

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: if the shapes differ.
        """
        if self.reduction == "mean":
            return ops.mse_loss(input, matching(target, input))
        return super().forward(input, target)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return (input - target)²."""
        return ops.square(ops.subtract(input, target))


class L1Loss(Elementwise):
    """Absolute error: |input - target|.

    The derivative is 0 where they are equal. Input and target have the same shape.

    Args:
        reduction: "mean", "sum" or "none".
    """

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return |input - target|."""
        return ops.abs(ops.subtract(input, target))


class HuberLoss(Elementwise):
    """Huber loss: squared near zero, linear beyond.

    d² / 2 where |d| = |input - target| is at most delta, else delta · (|d| - delta / 2) (Huber, 1964).

    Args:
        reduction: "mean", "sum" or "none".
        delta: the |d| at which the parabola becomes a line.

    Raises:
        ValueError: if delta is not above 0.
    """

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = as_number("delta", delta, above=0)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the losses."""
        return _huber(ops.subtract(input, target), self.delta)


class SmoothL1Loss(Elementwise):
    """Smooth L1 loss: squared near zero, L1 beyond.

    d² / (2 beta) where |d| = |input - target| is below beta, else |d| - beta / 2 (Girshick, arXiv:1504.08083).

    Args:
        reduction: "mean", "sum" or "none".
        beta: the |d| at which the parabola becomes a line; 0 gives `L1Loss`.

    Raises:
        ValueError: if beta is below 0.
    """

    def __init__(self, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = as_number("beta", beta, at_least=0)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the losses."""
        difference = ops.subtract(input, target)
        return _huber(difference, self.beta, self.beta) if self.beta else ops.abs(difference)


def _huber(difference: Tensor, delta: float, unit: float = 1.0) -> Tensor:
    """d²/2, or delta (|d| - delta/2) where |d| > delta, divided by unit: c (d - c/2) / unit, with d clipped to c."""
    cut = ops.clip(difference, -delta, delta)
    return ops.multiply(ops.divide(cut, unit), ops.subtract(difference, ops.multiply(cut, 0.5)))


class PoissonNLLLoss(Elementwise):
    """Negative log-likelihood of counts under a Poisson distribution.

    The loss is exp(input) - target · input: the input is the logarithm of the mean.

    Args:
        log_input: if False, the input is the mean itself, and the loss is input - target · log(input + eps).
        full: whether to add Stirling's approximation of log(target!), for targets above 1, which does not depend on the
            input.
        eps: added to the mean, to avoid log(0).
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: if eps is not above 0.
    """

    _comparison = Comparison("amounts", least=0.0)

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.log_input = as_flag("log_input", log_input)
        self.full = as_flag("full", full)
        self.eps = as_number("eps", eps, above=0)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the losses.

        Raises:
            ValueError: for a target below 0, or a mean below 0.
        """
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
    """Negative log-likelihood under a normal distribution.

    The loss is (log(var) + (input - target)² / var) / 2, where the model predicts both the mean `input` and the
    variance `var` (Nix & Weigend, ICNN 1994). `input` and `target` have the same shape. `var` has that shape too,
    possibly with axes of length 1 or without the last axis, or is one number.

    Args:
        full: whether to add the constant log(2π) / 2.
        eps: the minimum of the variance; a smaller one is replaced by it, but still gets a gradient.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: if eps is not above 0.
    """

    _comparison = Comparison("amounts")

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.full = as_flag("full", full)
        self.eps = as_number("eps", eps, above=0)

    def forward(self, input: Tensor, target: Tensor | ArrayLike, var: Tensor | ArrayLike) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: if the shapes do not match, or a variance is below 0.
        """
        target, variance = matching(target, input), of_dtype(var, input)
        require("variances are at least 0", variance.data >= 0, variance.data)
        rows = input.shape[:-1]
        broadcasts = [n in (1, m) for n, m in zip(variance.shape, input.shape, strict=False)]
        if variance.shape not in (rows, ()) and (variance.ndim != input.ndim or not all(broadcasts)):
            raise ValueError(
                f"expected variances of shape {input.shape}, {rows} or (), got {variance.shape}; in the first of these "
                "each axis may also be 1 long"
            )
        if variance.shape == rows != input.shape:
            variance = ops.expand_dims(variance, -1)
        variance = ops.add(variance, ops.maximum(ops.subtract(self.eps, variance.detach()), 0))
        difference = ops.subtract(input, target)
        losses = ops.add(ops.log(variance), ops.multiply(difference, ops.divide(difference, variance)))
        return self._reduce(ops.multiply(ops.add(losses, log(2 * pi)) if self.full else losses, 0.5))
