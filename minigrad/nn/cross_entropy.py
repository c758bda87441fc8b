"""Cross-entropy and divergence losses for class probabilities."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad import ops
from minigrad.arguments import as_flag, as_integer, as_number
from minigrad.devices import on_cpu
from minigrad.engine import Tensor
from minigrad.engine.arrays import filled
from minigrad.nn.loss import (
    Balanced,
    BalanceError,
    Elementwise,
    Loss,
    Reduction,
    Weights,
    as_tensor,
    factors_of,
    matching,
    of_dtype,
    require,
    require_balance,
)
from minigrad.ops.elementwise import chain
from minigrad.targets import IGNORED, Comparison


class KLDivLoss(Elementwise):
    """Kullback-Leibler divergence of exp(input) from the target.

    The loss of an element is t · (log t - input), for log-probabilities `input` and probabilities `target` t, of the
    same shape; it is 0 where t is 0. Their sum is the divergence (Kullback and Leibler, 1951).

    Args:
        reduction: "batchmean" for the mean divergence, which divides the sum by the length of axis 0; "mean" (over
            elements), "sum" or "none".
        log_target: whether the targets are log-probabilities too.
    """

    _comparison = Comparison("classes")
    _reductions = ("mean", "sum", "none", "batchmean")

    def __init__(
        self, reduction: Literal["mean", "sum", "none", "batchmean"] = "mean", log_target: bool = False
    ) -> None:
        super().__init__(reduction)  # type: ignore[arg-type]  # one reduction more than other losses have
        self.log_target = as_flag("log_target", log_target)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return exp(outputs)."""
        return np.exp(outputs)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the losses.

        Raises:
            ValueError: for a target below 0, unless `log_target`.
        """
        if self.log_target:
            share = ops.exp(target)
            return chain(share, ops.where(ops.equal(share, 0), 0.0, ops.subtract(target, input)))
        require(
            "targets are probabilities, at least 0 (logarithms need log_target=True)", target.data >= 0, target.data
        )
        logs = ops.log(ops.where(ops.greater(target, 0), target, 1.0))
        return chain(target, ops.subtract(logs, input))

    def _reduce(self, losses: Tensor) -> Tensor:
        if self.reduction == "batchmean":
            return ops.divide(ops.sum(losses), float(losses.shape[0] if losses.ndim else 1))
        return super()._reduce(losses)


class _OfClasses(Loss):
    """The base of losses whose targets are class indices. The arguments are those of `NLLLoss`."""

    _other_targets = ""

    def __init__(
        self,
        weight: Weights | Balanced | None = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        axis: int = 1,
    ) -> None:
        super().__init__(reduction)
        self.is_balanced = isinstance(weight, str)
        self.register_buffer("weight", factors_of("weight", weight))
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(f"weight is one factor for each class, (C,), got shape {self.weight.shape}")
        self.ignore_index = as_integer("ignore_index", ignore_index)
        self.axis = as_integer("axis", axis)

    @property
    def comparison(self) -> Comparison:
        """Classes, without `ignore_index`."""
        return Comparison("classes", self.axis, self.ignore_index)

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: for shapes that do not match, a class index out of range, or no row to take the mean of.
            TypeError: for class indices that are not integers.
        """
        target = as_tensor(target)
        places = self._places(input)
        if target.shape != places:
            remedy = "; classes on the last axis need axis=-1" if target.shape == input.shape[:-1] else ""
            raise ValueError(
                f"beside an input of shape {input.shape} expected class indices of shape {places}"
                f"{self._other_targets.format(input.shape)}, got {target.dtype} of shape {target.shape}{remedy}"
            )
        if target.dtype.kind not in "iu":
            raise TypeError(f"class indices are integers, got {target.dtype}; convert with .astype(np.int64)")
        losses = self._of_rows(self._rows(input), target if target.ndim == 1 else ops.reshape(target, (-1,)))
        return ops.reshape(losses, places) if self.reduction == "none" else losses

    def balance(self, targets: NDArray[Any], num_classes: int | None = None) -> None:
        """Compute a "balanced" class `weight` from targets.

        The weight of class c is n / (C n_c), where n_c of all n targets belong to it.

        Args:
            targets: class indices, or probabilities of the classes.
            num_classes: C; if None, the largest index + 1.

        Raises:
            BalanceError: for targets that are not classes, or a class without targets.
        """
        if not self.is_balanced:
            return
        if targets.dtype.kind in "iu":
            counted = targets[targets != self.ignore_index]
            if counted.size == 0 or counted.min() < 0:
                raise BalanceError("weight 'balanced' counts class indices from 0, and these targets have others")
            parts = np.bincount(counted.reshape(-1), minlength=num_classes or 0).astype(np.float64)
        else:
            axis = self.axis % max(targets.ndim, 1)
            parts = targets.sum(axis=tuple(i for i in range(targets.ndim) if i != axis), dtype=np.float64)
        if not np.all(parts > 0):
            raise BalanceError(f"weight 'balanced' needs an example of each class, and class {parts.argmin()} has none")
        self.register_buffer("weight", (parts.sum() / (len(parts) * parts)).astype(np.float32))

    def count(self, target: NDArray[Any]) -> float:
        """Return the number of targets that are not ignored.

        With class weights it is the sum of their weights. For probabilities it is the number of examples.
        """
        if target.dtype.kind not in "iu":
            return super().count(target)
        counted = target != self.ignore_index
        if self.weight is None:
            return float(np.count_nonzero(counted))
        return float(on_cpu(self.weight.data).take(on_cpu(target)[on_cpu(counted)], mode="clip").sum())

    def counts(self, target: NDArray[Any]) -> NDArray[Any]:
        """Return the weight of each target, 0 where ignored; 1 for probabilities."""
        if target.dtype.kind not in "iu":
            return filled(self._places(Tensor(target)), 1, target, np.float32)
        counted = target != self.ignore_index
        if self.weight is None:
            return counted.astype(np.float32)
        factors, counted, target = on_cpu(self.weight.data), on_cpu(counted), on_cpu(target)
        return np.where(counted, factors.take(np.where(counted, target, 0), mode="clip"), factors.dtype.type(0))

    def _axis_of(self, input: Tensor) -> int:
        """The axis of the classes, counted from the front."""
        if input.ndim < 2:
            return 0
        if not -input.ndim <= self.axis < input.ndim:
            raise ValueError(f"an input of shape {input.shape} has no axis {self.axis} for the classes")
        return self.axis % input.ndim

    def _places(self, input: Tensor) -> tuple[int, ...]:
        """The shape of the targets."""
        axis = self._axis_of(input)
        return input.shape[:axis] + input.shape[axis + 1 :]

    def _rows(self, x: Tensor) -> Tensor:
        """x as (N, C): classes last, other axes flattened."""
        axis = self._axis_of(x)
        if axis < x.ndim - 1:
            x = ops.moveaxis(x, axis, -1)
        return x if x.ndim == 2 else ops.reshape(x, (-1, x.shape[-1]))

    def _of_rows(self, input: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each row of the input (N, C), or their sum or mean.

        If the reduction is "mean" or "sum", it is a single number.
        """
        raise NotImplementedError(f"{type(self).__name__} must define _of_rows()")

    def _shares(self, input: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the labels (0 where ignored), the row weights without class weights, and the class weights."""
        factors = self._factors(input)
        counted = ops.not_equal(labels, self.ignore_index)
        labels = ops.where(counted, labels, 0)
        numbers = labels.data
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < len(factors)):
            wrong = numbers[(numbers < 0) | (numbers >= len(factors))][0]
            raise ValueError(f"class index {wrong} is out of range for {len(factors)} classes, 0 to {len(factors) - 1}")
        shares = ops.astype(counted, input.dtype)
        if self.reduction == "mean":
            total = ops.sum(ops.multiply(shares, factors[labels]))
            if total.data == 0:
                raise ValueError(
                    f"no row to take the mean of: every class index is {self.ignore_index} or has weight 0"
                )
            shares = ops.divide(shares, total)
        return labels, shares, factors

    def _factors(self, input: Tensor) -> Tensor:
        """The class weights, (C,), in the input's dtype."""
        require_balance(self.is_balanced and self.weight is None)
        classes = input.shape[1]
        if self.weight is None:
            return Tensor(filled(classes, 1, input))
        if len(self.weight) != classes:
            raise ValueError(f"weight has {len(self.weight)} factors, and the input has {classes} classes")
        return of_dtype(self.weight, input)


def _at_labels(logs: Tensor, labels: Tensor, factors: Tensor) -> Tensor:
    """Return the entry of each row at its label, times a factor: (N,). A factor of 0 gives 0 even for infinity."""
    return chain(factors, logs[np.arange(len(labels), like=labels.data), labels])


class NLLLoss(_OfClasses):
    """Negative log-likelihood of class indices.

    The loss is -input at the target class. The input holds log-probabilities, (N, C), (C,) or (N, C, d1, …); the target
    holds class indices, integers of shape (N,), () or (N, d1, …).

    Args:
        weight: the weight of each class, (C,); "mean" divides by the sum of the weights of the targets. "balanced"
            computes the weights from the training targets (see `balance`).
        ignore_index: a target to ignore, such as padding.
        reduction: "mean", "sum" or "none".
        axis: the axis of the classes: 1 as in PyTorch, or -1 for an input (N, …, C) with targets (N, …).

    Raises:
        ValueError: for a `weight` that is not a vector of numbers.
    """

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return exp(outputs)."""
        return np.exp(outputs)

    def _of_rows(self, input: Tensor, labels: Tensor) -> Tensor:
        labels, shares, factors = self._shares(input, labels)
        losses = _at_labels(input, labels, -shares * factors[labels])
        return losses if self.reduction == "none" else ops.sum(losses)


class CrossEntropyLoss(_OfClasses):
    """Cross-entropy of logits.

    The loss is -log(softmax(input)) at the target class. The input holds logits, (N, C), (C,) or (N, C, d1, …). The
    target holds class indices, integers of shape (N,), () or (N, d1, …), or class probabilities with the input's shape
    and dtype.

    Args:
        weight: the weight of each class, (C,). With class indices, "mean" divides by the sum of the weights of the
            targets. "balanced" computes the weights from the training targets (see `balance`).
        ignore_index: a target to ignore, such as padding.
        reduction: "mean", "sum" or "none".
        label_smoothing: the fraction of each target, from 0 to 1, that is spread evenly over all classes (Szegedy et
            al., arXiv:1512.00567).
        axis: the axis of the classes: 1 as in PyTorch, or -1 for an input (N, …, C) with targets (N, …).

    Raises:
        ValueError: for a `label_smoothing` out of range, or a `weight` that is not a vector of numbers.
    """

    _other_targets = " or probabilities of shape {}"

    def __init__(
        self,
        weight: Weights | Balanced | None = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        axis: int = 1,
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis)
        self.label_smoothing = as_number("label_smoothing", label_smoothing, at_least=0, at_most=1)

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: for shapes that do not match, a class index out of range, or no row to take the mean of.
            TypeError: for class indices that are not integers.
        """
        target = as_tensor(target)
        if target.shape != input.shape or target.dtype.kind != "f":
            return super().forward(input, target)
        if self.ignore_index >= 0:
            raise ValueError(
                f"ignore_index={self.ignore_index} is for class indices, and the target holds probabilities"
            )
        losses = self._of_probabilities(self._rows(input), self._rows(matching(target, input)))
        return ops.reshape(losses, self._places(input)) if self.reduction == "none" else losses

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return softmax(outputs)."""
        return ops.softmax(outputs, self.axis if outputs.ndim > 1 else 0)

    def _of_rows(self, input: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.label_smoothing
        if self.reduction == "mean" and self.weight is None and not smoothing and not self.is_balanced:
            return ops.cross_entropy(input, labels, None, self.ignore_index)
        labels, shares, factors = self._shares(input, labels)
        if self.reduction != "none" and not smoothing:
            return ops.cross_entropy(input, labels, shares * factors[labels])
        logs = ops.log_softmax(input, 1)
        losses = _at_labels(logs, labels, (smoothing - 1) * factors[labels] * shares)
        if smoothing:
            evens = ops.sum(chain(factors, logs), 1)
            losses = ops.subtract(losses, chain(shares * (smoothing / len(factors)), evens))
        return losses if self.reduction == "none" else ops.sum(losses)

    def _of_probabilities(self, input: Tensor, target: Tensor) -> Tensor:
        """As `_of_rows`, for a target (N, C)."""
        factors = self._factors(input)
        if self.label_smoothing:
            even = self.label_smoothing / len(factors)
            target = ops.add(ops.multiply(target, 1 - self.label_smoothing), even)
        logs = ops.log_softmax(input, 1)
        return self._reduce(ops.negative(ops.sum(chain(ops.multiply(factors, target), logs), 1)))
