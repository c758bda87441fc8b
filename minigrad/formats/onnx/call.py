"""An operation of a model, as passed to converters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from minigrad.formats.onnx.errors import OnnxError
from minigrad.formats.onnx.graph import Graph
from minigrad.formats.onnx.recording import Step, Value


class Call:
    """An operation with its arguments in each recording.

    `call[i]` is the name of argument i in the graph, `call.attribute(i)` its value if it is not part of the graph.

    Args:
        graph: the graph that receives the nodes.
        steps: the operation in each recording.

    Attributes:
        op: adds a node, see `Graph.op`.
        dtype: the dtype of the result.
    """

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self.graph, self.steps = graph, steps
        self.op, self.ints, self.opset = graph.op, graph.ints, graph.opset
        self.dtype = steps[0].result.dtype
        self.ndim = len(steps[0].result.shape)

    def __getitem__(self, i: int) -> str:
        return self.graph.name(self.values(i), self.dtype)

    def values(self, i: int) -> list[Any]:
        """Return argument i in each recording."""
        return [step.arguments[i] for step in self.steps]

    def given(self, i: int) -> bool:
        """Return whether argument i is not None."""
        return self.steps[0].arguments[i] is not None

    def attribute(self, i: int) -> Any:
        """Return argument i.

        Raises:
            OnnxError: if it differs between recordings.
        """
        first, *others = self.values(i)
        if any(repr(other) != repr(first) for other in others):
            parameter = list(self.steps[0].operation.parameters)[i]
            self.refuse(f"{parameter}={first!r} depends on the sizes of inputs, but is a constant in ONNX")
        return first

    def shape(self, i: int) -> tuple[int, ...]:
        """Return the shape of argument i in the first recording.

        The shape of a number is ().
        """
        return np.shape(_with_shape(self.steps[0].arguments[i]))

    def shapes(self, i: int) -> list[tuple[int, ...]]:
        """Return the shape of argument i in each recording."""
        return [np.shape(_with_shape(value)) for value in self.values(i)]

    def dtype_of(self, i: int) -> Any:
        """Return the dtype of argument i.

        For a Python number it is the number itself, since its dtype is weak.
        """
        value = self.steps[0].arguments[i]
        return value.dtype if isinstance(value, (Value, np.ndarray)) else value

    def cast(self, i: int, dtype: Any) -> str:
        """Return the name of argument i in a dtype."""
        own = self.dtype_of(i)
        if not isinstance(own, np.dtype):
            return self.graph.name(self.values(i), dtype)
        return self[i] if own == dtype else self.graph.cast(self[i], dtype)

    def number(self, value: Any, dtype: Any = None) -> str:
        """Return the name of a constant.

        By default it has the dtype of the result.
        """
        return self.graph.constant(value, self.dtype if dtype is None else dtype)

    @property
    def result_shapes(self) -> list[tuple[int, ...]]:
        """The shape of the result in each recording."""
        return [step.result.shape for step in self.steps]

    def reshape(self, name: str, shapes: Sequence[Sequence[int]] | None = None) -> str:
        """Return the name of a reshaped value.

        `shapes` has the shape in each recording, by default that of the result.
        """
        shapes = self.result_shapes if shapes is None else shapes
        moving = [i for i, lengths in enumerate(zip(*shapes, strict=True)) if len(set(lengths)) > 1]
        if len(moving) == 1 and 0 not in shapes[0]:
            return self.op("Reshape", name, self.ints(*(-1 if i == moving[0] else n for i, n in enumerate(shapes[0]))))
        return self.op("Reshape", name, self.graph.lengths(shapes), allowzero=1 if 0 in shapes[0] else None)

    def slice(self, name: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """Return the name of a slice along one axis."""
        return self.op("Slice", name, self.ints(start), self.ints(stop), self.ints(axis), self.ints(step))

    def refuse(self, reason: str) -> NoReturn:
        """Raise OnnxError with the reason against this call."""
        raise OnnxError(reason)


def _with_shape(value: Any) -> Any:
    return np.broadcast_to(0, value.shape) if isinstance(value, Value) else value


Converter = Callable[[Call], str]
"""Adds the nodes of an operation and returns the name of its result."""
