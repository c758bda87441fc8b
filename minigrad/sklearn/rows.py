"""Examples in memory as the data of a config."""

from __future__ import annotations

import numpy as np

from minigrad.data import Dataset, Examples


class Exact(Examples):
    """Examples that keep float64, as in scikit-learn's networks.

    Args:
        inputs: (N, ...).
        targets: (N, ...).
        weights: the weight of each example, (N,); None for equal weights.
    """

    def __init__(self, inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> None:
        super().__init__(inputs, targets, weights)
        self.inputs, self.targets = inputs.view(), targets.view()
        self.inputs.flags.writeable = self.targets.flags.writeable = False


class Rows(Dataset):
    """The data given to `fit`, in place of a config's."""

    _num_targets = 0

    @classmethod
    def of(
        cls,
        inputs: np.ndarray,
        targets: np.ndarray,
        num_classes: int | None,
        weights: np.ndarray | None = None,
        held_out: np.ndarray | None = None,
    ) -> Rows:
        """Create the data from arrays.

        Args:
            inputs: float32 or float64 (N, ...).
            targets: int64 (N,) of classes, or real numbers (N, k) of the inputs' dtype.
            num_classes: the number of classes; None for regression.
            weights: the weight of each example, (N,); None for equal weights.
            held_out: indices of the validation examples, which are not used for training. Without any, some training
                examples are used for validation, since no split may be empty.
        """
        data = cls()
        data._num_classes = num_classes
        data._num_targets = targets[:1].size
        held = np.arange(min(len(inputs), 256)) if held_out is None else held_out
        train = np.arange(len(inputs)) if held_out is None else np.setdiff1d(np.arange(len(inputs)), held_out)
        data.train, data.val, data.test = (
            Exact(inputs[part], targets[part], None if weights is None else weights[part])
            for part in (train, held, held)
        )
        return data

    def first(self) -> Rows:
        """Return data of one example, which has the same sizes."""
        inputs, targets = self.train.batch(slice(1))
        return Rows.of(inputs, targets, self._num_classes)

    @property
    def num_targets(self) -> int:
        """The number of regression targets per example."""
        return self._num_targets
