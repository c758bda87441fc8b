"""Detection of NaNs in gradients."""

from __future__ import annotations

from os.path import dirname, join

import numpy as np

from minigrad.engine.graph import Node
from minigrad.engine.mode import observed
from minigrad.engine.observer import Observer, Values
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Tensor

_OURS = tuple(join(dirname(dirname(__file__)), room) for room in ("engine", "observers", "ops", "nn"))


class AnomalyError(RuntimeError):
    """A NaN in a gradient.

    The message names the forward line of the operation.
    """


class _Lines(Observer):
    """An observer that records each operation's calling line."""

    def __init__(self) -> None:
        self.lines: dict[Node, str] = {}

    def on_forward(
        self, operation: Primitive, node: Node | None, arguments: Values, values: Values, results: Values
    ) -> None:
        if node is None:
            return
        import traceback  # a slow import

        frames = traceback.extract_stack(limit=12)
        caller = next((f for f in reversed(frames) if not f.filename.startswith(_OURS)), frames[-1])
        self.lines[node] = f'File "{caller.filename}", line {caller.lineno}, in {caller.name}\n    {caller.line}'

    def on_backward(self, node: Node, gradients: Values) -> None:
        for i, gradient in enumerate(gradients):
            array = gradient.data if isinstance(gradient, Tensor) else gradient
            if array is not None and np.isnan(array).any():
                where = self.lines.get(node, "an operation outside of detect_anomaly()")
                raise AnomalyError(
                    f"the derivative of {node.primitive.name} with respect to its input {i} is NaN in "
                    f"{int(np.isnan(array).sum())} of {np.size(array)} elements; it was called here:\n  {where}"
                )


class detect_anomaly(observed):  # noqa: N801 - called like a function
    """Within the block, raise AnomalyError for NaNs in gradients.

    The error names the forward line of the operation whose derivative is NaN. The block must contain both the forward
    and the backward pass. It records the call stack of every operation and searches every gradient, which makes it many
    times slower, so use it only for debugging.
    """

    def __init__(self) -> None:
        super().__init__(_Lines())
