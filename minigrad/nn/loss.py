"""How wrong a model is, as one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

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

    def __init__(self, reduction: Reduction = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction = reduction

    def _reduce(self, losses: Tensor) -> Tensor:
        if self.reduction == "none":
            return losses
        return ops.mean(losses) if self.reduction == "mean" else ops.sum(losses)


def _tensor(target: Tensor | ArrayLike) -> Tensor:
    """The target as a tensor; a list of integers stays integer."""
    return target if isinstance(target, Tensor) else Tensor(np.asarray(target))


def _matching(target: Tensor | ArrayLike, input: Tensor) -> Tensor:
    """The target in the dtype of the input. Raises: ValueError if it is of another shape, which would be broadcast."""
    target = _tensor(target)
    if target.shape != input.shape:
        hint = f"; reshape it, e.g. target.reshape({input.shape})" if target.size == input.size else ""
        raise ValueError(f"expected a target of the input's shape {input.shape}, got {target.shape}{hint}")
    return target if target.dtype == input.dtype else ops.astype(target, input.dtype)


class MSELoss(Loss):
    """(input - target)²; input and target are of one shape.

    Args:
        reduction: "mean", "sum" or "none".
    """

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss. Raises: ValueError if the shapes differ."""
        target = _matching(target, input)
        if self.reduction == "mean":
            return ops.mse_loss(input, target)
        return self._reduce(ops.square(ops.subtract(input, target)))


class L1Loss(Loss):
    """|input - target|, with derivative 0 where they are equal; input and target are of one shape.

    Args:
        reduction: "mean", "sum" or "none".
    """

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss. Raises: ValueError if the shapes differ."""
        return self._reduce(ops.abs(ops.subtract(input, _matching(target, input))))


class BCEWithLogitsLoss(Loss):
    """-t log σ(x) - (1 - t) log(1 - σ(x)), the cross-entropy of yes and no, for scores x and probabilities t.

    Computed as t softplus(-x) + (1 - t) softplus(x), which neither overflows nor cancels for any x.

    Args:
        weight: factors of the single losses, of a shape that broadcasts to theirs.
        reduction: "mean", "sum" or "none".
        pos_weight: factors of the first term, one for each class (the last axis): above 1, a missed yes counts more.
    """

    def __init__(
        self, weight: Weights | None = None, reduction: Reduction = "mean", pos_weight: Weights | None = None
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss. Raises: ValueError if the shapes differ, or a target is not from 0 to 1."""
        target = _matching(target, input)
        values = target.data
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            wrong = values[~((values >= 0) & (values <= 1))][0]
            raise ValueError(f"targets are probabilities of yes, from 0 to 1, got {wrong}")
        if_yes = ops.multiply(target, ops.softplus(ops.negative(input)))
        if self.pos_weight is not None:
            if_yes = ops.multiply(if_yes, self.pos_weight.data.astype(input.dtype, copy=False))
        losses = ops.add(if_yes, ops.multiply(ops.subtract(1.0, target), ops.softplus(input)))
        if self.weight is not None:
            losses = ops.multiply(losses, self.weight.data.astype(input.dtype, copy=False))
        return self._reduce(losses)


class CrossEntropyLoss(Loss):
    """-log(softmax(input)) of the right class; input are scores (N, C), (C,) or (N, C, d1, …).

    The target holds class indices, integers of shape (N,), () or (N, d1, …), or probabilities of the input's shape and
    dtype, of which each class then has its part.

    Args:
        weight: a factor for each class, (C,). With class indices, "mean" divides by the sum of the factors.
        ignore_index: a class index whose rows count for nothing, such as padding.
        reduction: "mean", "sum" or "none".
        label_smoothing: the part of each target, from 0 to 1, that is spread evenly over all classes (Szegedy et al.,
            arXiv:1512.00567).

    Raises: ValueError for a `label_smoothing` out of that range, or a `weight` that is not a row of numbers.
    """

    def __init__(
        self,
        weight: Weights | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing is a share, from 0 to 1, got {label_smoothing}")
        self.register_buffer("weight", weight)
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(f"weight is one factor for each class, (C,), got shape {self.weight.shape}")
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss.

        Raises: ValueError for shapes that do not fit, a class index out of range, or no row to take the mean of;
            TypeError for class indices that are not integers.
        """
        axis = 1 if input.ndim > 1 else 0
        target = _tensor(target)
        if target.shape == input.shape and target.dtype.kind == "f":
            losses = self._of_probabilities(_rows(input, axis), _rows(_matching(target, input), axis))
        elif target.shape == input.shape[:axis] + input.shape[axis + 1 :]:
            losses = self._of_classes(_rows(input, axis), target.data.reshape(-1))
        else:
            raise ValueError(
                f"beside an input of shape {input.shape} expected class indices of shape "
                f"{input.shape[:axis] + input.shape[axis + 1 :]} or probabilities of shape {input.shape}, "
                f"got {target.dtype} of shape {target.shape}"
            )
        if self.reduction == "none":
            return ops.reshape(losses, input.shape[:axis] + input.shape[axis + 1 :])
        return losses

    def _of_classes(self, scores: Tensor, labels: NDArray[Any]) -> Tensor:
        """The sum over the rows of `scores` (N, C), weighted so that it is the mean if that is asked for, or each."""
        if labels.dtype.kind not in "iu":
            raise TypeError(f"class indices are integers, got {labels.dtype}; convert with .astype(np.int64)")
        counted = labels != self.ignore_index
        smoothing = self.label_smoothing
        if self.reduction == "mean" and self.weight is None and not smoothing and counted.all():
            return ops.cross_entropy(scores, labels)
        factors = self._factors(scores)
        labels = np.where(counted, labels, 0)
        if labels.size and not (labels.min() >= 0 and labels.max() < len(factors)):
            wrong = labels[(labels < 0) | (labels >= len(factors))][0]
            raise ValueError(f"class index {wrong} is out of range for {len(factors)} classes, 0 to {len(factors) - 1}")
        share = counted.astype(scores.dtype)
        if self.reduction == "mean":
            total = (share * factors[labels]).sum()
            if total == 0:
                raise ValueError(
                    f"no row to take the mean of: every class index is {self.ignore_index} or has weight 0"
                )
            share /= total
        if self.reduction != "none" and not smoothing:
            return ops.cross_entropy(scores, labels, share * factors[labels])
        logs = ops.log_softmax(scores, 1)
        rights = ops.getitem(logs, (np.arange(len(labels)), labels))
        losses = ops.multiply(rights, (smoothing - 1) * factors[labels] * share)
        if smoothing:
            evens = ops.sum(ops.multiply(logs, factors), 1)
            losses = ops.subtract(losses, ops.multiply(evens, share * (smoothing / len(factors))))
        return losses if self.reduction == "none" else ops.sum(losses)

    def _of_probabilities(self, scores: Tensor, target: Tensor) -> Tensor:
        """As `_of_classes`, for a target (N, C)."""
        factors = self._factors(scores)
        if self.label_smoothing:
            even = self.label_smoothing / len(factors)
            target = ops.add(ops.multiply(target, 1 - self.label_smoothing), even)
        logs = ops.multiply(ops.log_softmax(scores, 1), factors)
        return self._reduce(ops.negative(ops.sum(ops.multiply(logs, target), 1)))

    def _factors(self, scores: Tensor) -> NDArray[Any]:
        """The weight of each class, (C,), in the dtype of the scores."""
        classes = scores.shape[1]
        if self.weight is None:
            return np.ones(classes, scores.dtype)
        if len(self.weight) != classes:
            raise ValueError(f"weight has {len(self.weight)} factors, and the input has {classes} classes")
        return self.weight.data.astype(scores.dtype, copy=False)


def _rows(x: Tensor, axis: int) -> Tensor:
    """x with its classes, on `axis`, last, and all other axes as one: (N, C)."""
    if x.ndim == 2:
        return x
    return ops.reshape(ops.moveaxis(x, axis, -1), (-1, x.shape[axis]))
