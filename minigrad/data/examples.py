"""Examples: inputs and targets, indexed by batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.data.errors import DataError
from minigrad.inputs import count, parts


class Examples:
    """Inputs (N, ...) and targets (N, ...), indexed by batches.

    The arrays are not copied, and are read-only, so that no model can write into its data. Only float64 arrays are
    converted, to float32 like parameters; otherwise a model would compute in float64.

    Args:
        inputs: (N, ...), an array or lists of numbers; or several by name, for a model whose `forward` takes them under
            these names.
        targets: (N, ...).
        weights: the weight of each example in the loss, (N,), at least 0; None for equal weights.
        lines: the line of each example in the data file, (N,), if there is one.

    Raises:
        DataError: for ragged lists or values that are not numbers, if there are no examples, or if the numbers of
            inputs, targets and weights differ.
    """

    inputs: Any
    """A single array, or several by name (see `minigrad.inputs`)."""

    is_computed: bool = False
    """Whether a batch takes enough computation to be prepared in parallel with the previous training step."""

    weights: np.ndarray | None = None
    """float32 (N,), or None."""

    lines: np.ndarray | None = None

    def __init__(
        self,
        inputs: ArrayLike | Mapping[str, ArrayLike],
        targets: ArrayLike,
        weights: ArrayLike | None = None,
        lines: np.ndarray | None = None,
    ) -> None:
        self.lines = lines
        if isinstance(inputs, Mapping):
            if not inputs:
                raise DataError("expected at least one input by name, got none")
            self.inputs = {name: _read_only(array, f"inputs {name!r}") for name, array in inputs.items()}
        else:
            self.inputs = _read_only(inputs, "inputs")
        self.targets = _read_only(targets, "targets")
        self.weights = None if weights is None else _read_only(weights, "weights").astype(np.float32, copy=False)
        n = count(self.inputs)
        for name, array in parts(self.inputs):
            if n != len(array):
                raise DataError(f"expected as many of each input, got {n} and of {name!r} {len(array)}")
        for name, values in (("target", self.targets), ("weight", self.weights)):
            if values is not None and n != len(values):
                raise DataError(f"expected one {name} for each input, got {n} inputs and {len(values)} {name}s")
        if n == 0:
            raise DataError("expected at least one example, got none")
        if self.weights is not None and not (self.weights.ndim == 1 and (self.weights >= 0).all()):
            raise DataError(f"weights are one number of at least 0 for each example, got {_describe(self.weights)}")

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, indices: np.ndarray | slice) -> tuple[Any, np.ndarray]:
        """Return the inputs and targets at `indices`.

        They are copies for an integer array, and views for a slice.
        """
        if isinstance(self.inputs, dict):
            return {name: _rows(array, indices) for name, array in self.inputs.items()}, _rows(self.targets, indices)
        return _rows(self.inputs, indices), _rows(self.targets, indices)

    def epoch(self, n: int) -> Examples:
        """Return the examples of epoch `n`: by default these.

        A subclass may return others, such as random crops, as a pure function of the seed and `n`.
        """
        return self


def _describe(weights: np.ndarray) -> str:
    return f"{weights.min():g}" if weights.ndim == 1 else f"an array of shape {weights.shape}"


def _rows(array: np.ndarray, indices: np.ndarray | slice) -> np.ndarray:
    if isinstance(indices, slice):
        return array[indices]
    return array.take(indices, axis=0)  # takes a sixth less time than [indices]


def _read_only(values: ArrayLike, name: str) -> np.ndarray:
    """Return values as a read-only array, float64 as float32."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} are a full rectangle of numbers, with as many in each row") from error
    if array.dtype.kind not in "biufc" or array.ndim == 0:
        raise DataError(f"{name} are numbers, one row for each example, got {array.dtype} of shape {array.shape}")
    view = array.astype(np.float32) if array.dtype == np.float64 else array.view()
    view.flags.writeable = False
    return view
