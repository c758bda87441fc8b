"""Binary cross-entropy, of probabilities and of logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.loss import (
    Balanced,
    BalanceError,
    Elementwise,
    Reduction,
    Weights,
    factors_of,
    of_dtype,
    require,
    require_balance,
    weights,
)
from minigrad.ops.elementwise import chain
from minigrad.targets import Comparison


class _BinaryCrossEntropy(Elementwise):
    """The base of binary cross-entropies.

    The loss is -t log p - (1 - t) log(1 - p), and a subclass computes the logarithms. The arguments are those of
    `BCELoss`.
    """

    def __init__(self, weight: Weights | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weights("weight", weight))

    def each(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the weighted losses.

        Raises:
            ValueError: if a target is outside [0, 1].
        """
        values = target.data
        require("targets are probabilities of yes, from 0 to 1", (values >= 0) & (values <= 1), values)
        if_yes, if_no = self._minus_logs(input)
        losses = ops.add(chain(target, if_yes), chain(ops.subtract(1.0, target), if_no))
        return losses if self.weight is None else ops.multiply(losses, of_dtype(self.weight, input))

    def _minus_logs(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Return -log p and -log(1 - p), where p is the predicted probability."""
        raise NotImplementedError(f"{type(self).__name__} must define _minus_logs()")


class BCELoss(_BinaryCrossEntropy):
    """Binary cross-entropy of probabilities.

    The loss is -t log p - (1 - t) log(1 - p), for probabilities p and targets t from 0 to 1. As in PyTorch, logarithms
    are clamped at -100, with derivative 0 below. Prefer `BCEWithLogitsLoss` on logits: it is accurate even where p
    rounds to 0 or 1.

    Args:
        weight: factors of the losses, broadcast to their shape.
        reduction: "mean", "sum" or "none".
    """

    _comparison = Comparison("yes_no", middle=0.5, least=0.0, most=1.0)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the outputs, which are probabilities."""
        return outputs

    def _minus_logs(self, input: Tensor) -> tuple[Tensor, Tensor]:
        values = input.data
        rule = "inputs are probabilities of yes, from 0 to 1 (for scores there is BCEWithLogitsLoss)"
        require(rule, (values >= 0) & (values <= 1), values)
        with np.errstate(divide="ignore"):
            logs = ops.log(input), ops.log1p(ops.negative(input))
        yes, no = (ops.negative(ops.clip(log, -100.0, None)) for log in logs)
        return yes, no


class BCEWithLogitsLoss(_BinaryCrossEntropy):
    """Binary cross-entropy of logits.

    The loss is -t log σ(x) - (1 - t) log(1 - σ(x)), for logits x and targets t from 0 to 1. It is computed as
    t softplus(-x) + (1 - t) softplus(x), which neither overflows nor loses digits for any x.

    Args:
        weight: factors of the losses, broadcast to their shape.
        reduction: "mean", "sum" or "none".
        pos_weight: factors of the first term, one per class (the last axis). Above 1, false negatives cost more.
            "balanced" is the number of negative examples divided by the number of positive ones, in the targets that
            `balance` is given.
    """

    _comparison = Comparison("yes_no", middle=0.0, least=0.0, most=1.0)

    def __init__(
        self,
        weight: Weights | None = None,
        reduction: Reduction = "mean",
        pos_weight: Weights | Balanced | None = None,
    ) -> None:
        super().__init__(weight, reduction)
        self.is_balanced = isinstance(pos_weight, str)
        self.register_buffer("pos_weight", factors_of("pos_weight", pos_weight))

    def balance(self, targets: NDArray[Any], num_classes: int | None = None) -> None:
        """Compute a "balanced" `pos_weight` from targets (N, ...).

        Raises:
            BalanceError: if all targets of a class are positive, or all are negative.
        """
        if not self.is_balanced:
            return
        yes = (targets > 0.5).reshape(-1, *targets.shape[-1:] if targets.ndim > 1 else ()).sum(axis=0)
        no = targets.size // yes.size - yes
        if not (np.all(yes) and np.all(no)):
            raise BalanceError("pos_weight 'balanced' weighs yes against no, and one of them is in no target")
        self.register_buffer("pos_weight", (no / yes).astype(np.float32))

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return σ(outputs)."""
        return ops.sigmoid(outputs)

    def _minus_logs(self, input: Tensor) -> tuple[Tensor, Tensor]:
        require_balance(self.is_balanced and self.pos_weight is None)
        if_yes = ops.softplus(ops.negative(input))
        if self.pos_weight is not None:
            if_yes = ops.multiply(if_yes, of_dtype(self.pos_weight, input))
        return if_yes, ops.softplus(input)
