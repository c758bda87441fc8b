"""Margin losses: of scores, rankings and distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from minigrad import ops
from minigrad.arguments import as_flag, as_number
from minigrad.engine import Tensor
from minigrad.nn.loss import Elementwise, Loss, Reduction, matching, require
from minigrad.targets import Comparison


def _signs(target: Tensor) -> Tensor:
    require("targets are 1 or -1", np.abs(target.data) == 1, target.data)
    return target


def _hinge(x: Tensor) -> Tensor:
    """max(x, 0), with derivative 1 at 0, so that equal scores are pushed apart even with a margin of 0."""
    return ops.clip(x, 0.0, None)


class SoftMarginLoss(Elementwise):
    """Logistic loss of targets 1 or -1.

    The loss is log(1 + exp(-target · input)). Input and target have the same shape.

    Args:
        reduction: "mean", "sum" or "none".
    """

    _comparison = Comparison("yes_no", middle=0.0, least=-1.0, most=1.0)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the losses.

        Raises:
            ValueError: for a target that is not 1 or -1.
        """
        return ops.softplus(ops.negative(ops.multiply(_signs(target), input)))


class HingeEmbeddingLoss(Elementwise):
    """Hinge loss of distances of pairs.

    The inputs are distances of pairs. The loss is the input for similar pairs (target 1), and max(0, margin - input)
    for dissimilar pairs (target -1). Input and target have the same shape.

    Args:
        margin: the distance from which on dissimilar pairs have no loss.
        reduction: "mean", "sum" or "none".
    """

    _comparison = Comparison("amounts")  # distances of pairs

    def __init__(self, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = as_number("margin", margin)

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the losses.

        Raises:
            ValueError: for a target that is not 1 or -1.
        """
        return ops.where(ops.greater(_signs(target), 0), input, _hinge(ops.subtract(self.margin, input)))


class MarginRankingLoss(Loss):
    """Ranking loss: which of two inputs should be larger.

    The loss is max(0, -target · (input1 - input2) + margin). All three have the same shape. input1 should be larger
    where the target is 1, input2 where it is -1.

    Args:
        margin: the difference from which on there is no loss.
        reduction: "mean", "sum" or "none".
    """

    def __init__(self, margin: float = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = as_number("margin", margin)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: if the shapes differ, or a target is not 1 or -1.
        """
        lead = ops.subtract(input1, matching(input2, input1, "a second input of the first's shape"))
        signs = _signs(matching(target, lead))
        return self._reduce(_hinge(ops.subtract(self.margin, ops.multiply(signs, lead))))


class CosineEmbeddingLoss(Loss):
    """Cosine loss of pairs of vectors.

    The loss is 1 - cos(input1, input2) for similar pairs (target 1), and max(0, cos(input1, input2) - margin) for
    dissimilar pairs (target -1). The inputs are vectors (..., D), the targets (...). As in PyTorch, 1e-12 is added to
    both squared lengths, so that a zero vector has cosine 0.

    Args:
        margin: the cosine up to which dissimilar pairs have no loss.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: for a margin outside [-1, 1].
    """

    def __init__(self, margin: float = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = as_number("margin", margin, at_least=-1, at_most=1)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor | ArrayLike) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: if the shapes do not match, or a target is not 1 or -1.
        """
        input2 = matching(input2, input1, "a second input of the first's shape")
        (x, length_of_x), (y, length_of_y) = map(_direction, (input1, input2))
        cosine = ops.divide(ops.divide(ops.sum(ops.multiply(x, y), -1), length_of_x), length_of_y)
        alike = ops.greater(_signs(matching(target, cosine, "a target for each pair,")), 0)
        return self._reduce(ops.where(alike, ops.subtract(1.0, cosine), _hinge(ops.subtract(cosine, self.margin))))


def _direction(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return vectors and their lengths, both divided by the largest element.

    The division keeps squares within the dtype. The length is √(length² + 1e-12).
    """
    largest = ops.max(ops.abs(x.detach()), axis=-1, keepdims=True)
    unit = ops.where(ops.greater(largest, 0), largest, 1.0)
    scaled = ops.divide(x, unit)
    squares = ops.add(ops.sum(ops.square(scaled), -1), ops.squeeze(ops.square(ops.divide(1e-6, unit)), -1))
    return scaled, ops.sqrt(squares)


class TripletMarginLoss(Loss):
    """Triplet loss of anchor, positive and negative.

    The loss is max(0, d(anchor, positive) - d(anchor, negative) + margin), with d(x, y) = ‖x - y + eps‖ in the norm of
    order p (Balntas et al., "Learning local feature descriptors with triplets", BMVC 2016). All three are vectors of
    the same shape, (..., D).

    Args:
        margin: how much farther than the positive the negative must be for there to be no loss.
        p: the order of the norm.
        eps: added to the differences, to keep the derivative finite where vectors are equal.
        swap: whether to use d(positive, negative) in place of d(anchor, negative) where it is smaller.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: if the margin or p is not above 0.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.margin = as_number("margin", margin, above=0)
        self.p = as_number("p", p, above=0, finite=False)
        self.eps = as_number("eps", eps)
        self.swap = as_flag("swap", swap)

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the reduced loss.

        Raises:
            ValueError: if the shapes differ.
        """
        positive = matching(positive, anchor, "a positive of the anchor's shape")
        negative = matching(negative, anchor, "a negative of the anchor's shape")
        far = self._distance(anchor, negative)
        if self.swap:
            far = ops.minimum(far, self._distance(positive, negative))
        return self._reduce(_hinge(ops.add(ops.subtract(self._distance(anchor, positive), far), self.margin)))

    def _distance(self, x: Tensor, y: Tensor) -> Tensor:
        return ops.vector_norm(ops.add(ops.subtract(x, y), self.eps), self.p, -1)
