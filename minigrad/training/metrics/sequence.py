"""How often whole sequences are right."""

from __future__ import annotations

from math import nan

import numpy as np

from minigrad.training.metrics.metric import Metric


class ExactMatch(Metric):
    """The share of sequences of which every token is right, from 0 to 1.

    Outputs are scores (N, T, C), whose largest is the answer, and targets tokens (N, T). A model that was given the
    right tokens so far gets all of them right just where it would have written the whole sequence itself, always
    choosing the likeliest token.

    Args:
        ignore_index: a token whose targets count for nothing, such as padding.
    """

    def __init__(self, ignore_index: int = -100) -> None:
        self.ignore_index = ignore_index
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self.hits = 0
        self.count = 0

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Counts the right sequences of one batch. Raises: ValueError if the shapes do not fit together."""
        if outputs.ndim != 3 or targets.shape != outputs.shape[:-1]:
            raise ValueError(
                f"ExactMatch expected outputs (N, T, C) and targets (N, T), got {outputs.shape} and {targets.shape}"
            )
        right = (outputs.argmax(axis=-1) == targets) | (targets == self.ignore_index)
        self.hits += int(np.count_nonzero(right.all(axis=1)))
        self.count += len(right)

    def compute(self) -> float:
        """Returns hits / sequences."""
        return self.hits / self.count if self.count else nan
