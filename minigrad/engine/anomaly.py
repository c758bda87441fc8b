"""Where a NaN in a gradient came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os.path import dirname, join
from typing import Any

import numpy as np

from minigrad.engine.mode import Mode, Watcher, current_mode, entered
from minigrad.engine.primitive import Primitive
from minigrad.engine.tensor import Node, Tensor

_OURS = tuple(join(dirname(dirname(__file__)), room) for room in ("engine", "ops", "nn"))


class AnomalyError(RuntimeError):
    """A rule made a NaN; the message names the line whose derivative it is."""


class _Lines(Watcher):
    """Remembers for each operation the line that called it."""

    def __init__(self) -> None:
        self.lines: dict[Node, str] = {}

    def made(self, operation: Primitive, node: Node | None, arguments: Sequence[Any], results: tuple[Any, ...]) -> None:
        if node is None:
            return
        import traceback  # not for those who look for nothing

        frames = traceback.extract_stack(limit=12)
        caller = next((f for f in reversed(frames) if not f.filename.startswith(_OURS)), frames[-1])
        self.lines[node] = f'File "{caller.filename}", line {caller.lineno}, in {caller.name}\n    {caller.line}'

    def differentiated(self, node: Node, gradients: Any) -> None:
        for i, gradient in enumerate(gradients):
            array = gradient.data if isinstance(gradient, Tensor) else gradient
            if array is not None and np.isnan(array).any():
                where = self.lines.get(node, "an operation from outside of detect_anomaly()")
                raise AnomalyError(
                    f"the derivative of {node.primitive.name} with respect to its input {i} has NaN in "
                    f"{int(np.isnan(array).sum())} of {np.size(array)} elements; it was called here:\n  {where}"
                )


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within the block, a backward walk that makes a NaN stops with an AnomalyError that names the forward line.

    Both the forward and the backward computation belong into the block. Every operation looks at its call stack and
    every gradient is searched, so that all is many times slower: for the search of an error, not for training.
    """
    with entered(Mode(current_mode().grad, _Lines())):
        yield
