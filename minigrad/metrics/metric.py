"""Base class of metrics."""

from __future__ import annotations

import re
from typing import Any

import numpy as np


class Metric:
    """Base class of metrics: `update` by batch, then `compute`.

    A subclass accumulates sums and counts, not means of batches, which are wrong if the last batch is smaller. They are
    attributes, numbers or arrays, which a checkpoint can store. One instance serves training, validation and test in
    turn, with a `reset` in between.
    """

    higher_is_better: bool = True
    """The default `mode` of `monitor`: whether higher values are better."""

    is_number: bool = True
    """Whether `compute` returns one number, which is in every record and can be monitored. A table is only in the test
    results."""

    @property
    def name(self) -> str:
        """The name after `train/`, `val/` and `test/`.

        It is the class's name in snake case: `my_error` for `MyError`.
        """
        return name_of(type(self))

    def reset(self) -> None:
        """Forget all batches; also called before the first one."""
        raise NotImplementedError(f"{type(self).__name__} must define reset()")

    def update(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Add one batch.

        Args:
            outputs: the outputs of the model, (N, ...).
            targets: the targets of the examples, (N, ...).
        """
        raise NotImplementedError(f"{type(self).__name__} must define update(outputs, targets)")

    def compute(self) -> float | list[Any]:
        """Return the value over all batches since `reset`.

        It is NaN without any batch. A table is a list of lists of numbers.
        """
        raise NotImplementedError(f"{type(self).__name__} must define compute()")


def name_of(kind: type[Metric]) -> str:
    """Return the name of a metric's class in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()
