"""Losses of models that predict probabilities: of yes and no, of classes, of whole distributions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.loss import Elementwise, Loss, Reduction, Weights, as_tensor, matching, of_dtype, require


class _BinaryCrossEntropy(Elementwise):
    """-t log p - (1 - t) log(1 - p): a subclass tells the logarithms. Arguments as those of `BCELoss`."""

    def __init__(self, weight: Weights | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns the weighted losses. Raises: ValueError if a target is not from 0 to 1."""
        values = target.data
        require("targets are probabilities of yes, from 0 to 1", (values >= 0) & (values <= 1), values)
        if_yes, if_no = self._minus_logs(input)
        losses = ops.add(ops.multiply(target, if_yes), ops.multiply(ops.subtract(1.0, target), if_no))
        return losses if self.weight is None else ops.multiply(losses, of_dtype(self.weight, input))

    def _minus_logs(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """-log p and -log(1 - p), p being the probability of yes."""
        raise NotImplementedError(f"{type(self).__name__} must define _minus_logs()")


class BCELoss(_BinaryCrossEntropy):
    """-t log p - (1 - t) log(1 - p), the cross-entropy of yes and no, for probabilities p and t.

    A logarithm below -100 counts as that, as in PyTorch, with derivative 0. Prefer `BCEWithLogitsLoss` of scores,
    which is exact where p is 0 or 1 to rounding.

    Args:
        weight: factors of the single losses, of a shape that broadcasts to theirs.
        reduction: "mean", "sum" or "none".
    """

    def _minus_logs(self, input: Tensor) -> tuple[Tensor, Tensor]:
        values = input.data
        rule = "inputs are probabilities of yes, from 0 to 1 (for scores there is BCEWithLogitsLoss)"
        require(rule, (values >= 0) & (values <= 1), values)
        with np.errstate(divide="ignore"):
            logs = ops.log(input), ops.log1p(ops.negative(input))
        yes, no = (ops.negative(ops.clip(log, -100.0, None)) for log in logs)
        return yes, no


class BCEWithLogitsLoss(_BinaryCrossEntropy):
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
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def _minus_logs(self, input: Tensor) -> tuple[Tensor, Tensor]:
        if_yes = ops.softplus(ops.negative(input))
        if self.pos_weight is not None:
            if_yes = ops.multiply(if_yes, of_dtype(self.pos_weight, input))
        return if_yes, ops.softplus(input)


class KLDivLoss(Elementwise):
    """t · (log t - input), whose sum is the divergence of Kullback and Leibler (1951) of exp(input) from t.

    `input` are logarithms of probabilities and `target` probabilities t, of one shape; where t is 0 so is the loss.

    Args:
        reduction: "batchmean" divides the sum by the length of axis 0, which makes it the mean divergence; else "mean"
            (of the single elements), "sum" or "none".
        log_target: whether the targets are logarithms of probabilities too.
    """

    _reductions = ("mean", "sum", "none", "batchmean")

    def __init__(
        self, reduction: Literal["mean", "sum", "none", "batchmean"] = "mean", log_target: bool = False
    ) -> None:
        super().__init__(reduction)  # type: ignore[arg-type]  # one word more than other losses know
        self.log_target = log_target

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Returns the losses. Raises: ValueError for a target below 0, unless it is a logarithm."""
        if self.log_target:
            return ops.multiply(ops.exp(target), ops.subtract(target, input))
        require(
            "targets are probabilities, at least 0 (logarithms need log_target=True)", target.data >= 0, target.data
        )
        logs = ops.log(ops.where(ops.greater(target, 0), target, 1.0))
        return ops.multiply(target, ops.subtract(logs, input))

    def _reduce(self, losses: Tensor) -> Tensor:
        if self.reduction == "batchmean":
            return ops.divide(ops.sum(losses), float(losses.shape[0] if losses.ndim else 1))
        return super()._reduce(losses)


class _OfClasses(Loss):
    """The base of losses whose targets are class indices. Arguments as those of `NLLLoss`."""

    _other_targets = ""

    def __init__(
        self, weight: Weights | None = None, ignore_index: int = -100, reduction: Reduction = "mean", axis: int = 1
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(f"weight is one factor for each class, (C,), got shape {self.weight.shape}")
        self.ignore_index = ignore_index
        self.axis = axis

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss.

        Raises: ValueError for shapes that do not fit, a class index out of range, or no row to take the mean of;
            TypeError for class indices that are not integers.
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

    def count(self, target: NDArray[Any]) -> float:
        """Returns the number of class indices that are not ignored, or the sum of their factors; of probabilities, the
        number of examples."""
        if target.dtype.kind not in "iu":
            return super().count(target)
        counted = target != self.ignore_index
        if self.weight is None:
            return float(np.count_nonzero(counted))
        return float(self.weight.data.take(target[counted], mode="clip").sum())

    def _axis_of(self, input: Tensor) -> int:
        """Where the classes are, counted from the front."""
        if input.ndim < 2:
            return 0
        if not -input.ndim <= self.axis < input.ndim:
            raise ValueError(f"an input of shape {input.shape} has no axis {self.axis} for the classes")
        return self.axis % input.ndim

    def _places(self, input: Tensor) -> tuple[int, ...]:
        """The shape of what has a class."""
        axis = self._axis_of(input)
        return input.shape[:axis] + input.shape[axis + 1 :]

    def _rows(self, x: Tensor) -> Tensor:
        """x with its classes last and all other axes as one: (N, C)."""
        axis = self._axis_of(x)
        if axis < x.ndim - 1:
            x = ops.moveaxis(x, axis, -1)
        return x if x.ndim == 2 else ops.reshape(x, (-1, x.shape[-1]))

    def _of_rows(self, input: Tensor, labels: Tensor) -> Tensor:
        """The loss of each row of the input (N, C), or their sum, weighted so that it is the mean if asked for."""
        raise NotImplementedError(f"{type(self).__name__} must define _of_rows()")

    def _shares(self, input: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The labels, 0 where ignored; how much each row counts, but for its class's factor; the factors."""
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
        """The weight of each class, (C,), in the dtype of the input (N, C)."""
        classes = input.shape[1]
        if self.weight is None:
            return Tensor(np.ones(classes, input.dtype))
        if len(self.weight) != classes:
            raise ValueError(f"weight has {len(self.weight)} factors, and the input has {classes} classes")
        return of_dtype(self.weight, input)


def _chosen(logs: Tensor, labels: Tensor, factors: Tensor) -> Tensor:
    """The entry of each row that its label names, times a factor: (N,)."""
    return ops.multiply(logs[np.arange(len(labels)), labels], factors)


class NLLLoss(_OfClasses):
    """-input of the right class; input are logarithms of probabilities (N, C), (C,) or (N, C, d1, …).

    The target holds class indices, integers of shape (N,), () or (N, d1, …).

    Args:
        weight: a factor for each class, (C,); "mean" divides by the sum of the factors.
        ignore_index: a class index whose rows count for nothing, such as padding.
        reduction: "mean", "sum" or "none".
        axis: where the classes are: 1 as in PyTorch, or -1 for an input (N, …, C) with targets (N, …).

    Raises: ValueError for a `weight` that is not a row of numbers.
    """

    def _of_rows(self, input: Tensor, labels: Tensor) -> Tensor:
        labels, shares, factors = self._shares(input, labels)
        losses = _chosen(input, labels, -shares * factors[labels])
        return losses if self.reduction == "none" else ops.sum(losses)


class CrossEntropyLoss(_OfClasses):
    """-log(softmax(input)) of the right class; input are scores (N, C), (C,) or (N, C, d1, …).

    The target holds class indices, integers of shape (N,), () or (N, d1, …), or probabilities of the input's shape and
    dtype, of which each class then has its part.

    Args:
        weight: a factor for each class, (C,). With class indices, "mean" divides by the sum of the factors.
        ignore_index: a class index whose rows count for nothing, such as padding.
        reduction: "mean", "sum" or "none".
        label_smoothing: the part of each target, from 0 to 1, that is spread evenly over all classes (Szegedy et al.,
            arXiv:1512.00567).
        axis: where the classes are: 1 as in PyTorch, or -1 for an input (N, …, C) with targets (N, …).

    Raises: ValueError for a `label_smoothing` out of that range, or a `weight` that is not a row of numbers.
    """

    _other_targets = " or probabilities of shape {}"

    def __init__(
        self,
        weight: Weights | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        axis: int = 1,
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing is a share, from 0 to 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Returns the reduced loss.

        Raises: ValueError for shapes that do not fit, a class index out of range, or no row to take the mean of;
            TypeError for class indices that are not integers.
        """
        target = as_tensor(target)
        if target.shape != input.shape or target.dtype.kind != "f":
            return super().forward(input, target)
        losses = self._of_probabilities(self._rows(input), self._rows(matching(target, input)))
        return ops.reshape(losses, self._places(input)) if self.reduction == "none" else losses

    def _of_rows(self, input: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.label_smoothing
        if self.reduction == "mean" and self.weight is None and not smoothing:
            return ops.cross_entropy(input, labels, None, self.ignore_index)
        labels, shares, factors = self._shares(input, labels)
        if self.reduction != "none" and not smoothing:
            return ops.cross_entropy(input, labels, shares * factors[labels])
        logs = ops.log_softmax(input, 1)
        losses = _chosen(logs, labels, (smoothing - 1) * factors[labels] * shares)
        if smoothing:
            evens = ops.sum(ops.multiply(logs, factors), 1)
            losses = ops.subtract(losses, ops.multiply(evens, shares * (smoothing / len(factors))))
        return losses if self.reduction == "none" else ops.sum(losses)

    def _of_probabilities(self, input: Tensor, target: Tensor) -> Tensor:
        """As `_of_rows`, for a target (N, C)."""
        factors = self._factors(input)
        if self.label_smoothing:
            even = self.label_smoothing / len(factors)
            target = ops.add(ops.multiply(target, 1 - self.label_smoothing), even)
        logs = ops.multiply(ops.log_softmax(input, 1), factors)
        return self._reduce(ops.negative(ops.sum(ops.multiply(logs, target), 1)))
