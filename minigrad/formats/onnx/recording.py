"""Recordings (traces) of what a model computes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from minigrad.config.shipped import shipped_folder
from minigrad.engine import Tensor, no_grad
from minigrad.engine.graph import Node
from minigrad.engine.mode import observed
from minigrad.engine.observer import Observer
from minigrad.engine.primitive import Primitive
from minigrad.formats.onnx.errors import OnnxError
from minigrad.nn import Module

Array = NDArray[Any]

_PACKAGE = str(Path(__file__).parents[2] / "_").removesuffix("_")
_MODELS = str(shipped_folder("models") / "_").removesuffix("_")
_MODULE_CALL = Module.__call__.__code__


@dataclass(frozen=True)
class Value:
    """An array that has a name in the graph.

    Attributes:
        number: its sequence number, the same in all recordings of a model.
        shape: of the array.
        dtype: of its elements.
    """

    number: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        operation: its declaration.
        arguments: for each parameter a Value, an array that is not in the graph, a list or tuple of these, or any other
            object.
        result: its output.
        layer: the innermost module that applied it, as `h.0.attn (MultiHeadAttention)`.
        line: the line of the model that led to it, as `models/gpt.py:37`.
    """

    operation: Primitive
    arguments: list[Any]
    result: Value
    layer: str
    line: str


class _RefusedError(Exception):
    """What a model may not do. It is not a ValueError, to which enclosing modules would add their names."""


class Recording(Observer):
    """Writes down what a model does with some inputs.

    Only shapes of results are kept, not their numbers, so that a large model needs no more memory than to predict.

    Args:
        model: a module in eval mode.
        inputs: by name, arrays that are the model's arguments, in order.
        by_name: whether they are given to the model under their names.

    Attributes:
        inputs: a Value for each.
        parameters: parameters and buffers by their names, and the Value of each by the same.
        steps: the operations, in order.
        results: by name, what the model returned; `output` of a single one.
        outputs: the Values of the same.

    Raises:
        OnnxError: if what the model does depends on the numbers it is given; and what the model raises.
    """

    def __init__(self, model: Module, inputs: Mapping[str, Array], by_name: bool) -> None:
        self._layers = {
            id(module): f"{path or 'model'} ({type(module).__name__})" for path, module in model.named_modules()
        }
        self._known: dict[int, tuple[ref[Array], Value]] = {}
        self._count = 0
        self.steps: list[Step] = []
        self.parameters: dict[str, tuple[Value, Array]] = {}
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            self.parameters[name] = self._add(tensor.data), tensor.data
        tensors = {name: Tensor(array.view()) for name, array in inputs.items()}
        self.inputs = {name: self._add(tensor.data) for name, tensor in tensors.items()}
        with no_grad(), observed(self), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # such as the variance of a single number
            try:
                results = model(**tensors) if by_name else model(*tensors.values())
            except _RefusedError as refused:
                raise OnnxError(str(refused)) from None
        name = next(name for name in ("output", "outputs", "result", "results", "/output") if name not in inputs)
        self.results = {key: tensor.data for key, tensor in _named(results, name).items()}
        self.outputs = {name: self._resolve(array) for name, array in self.results.items()}

    def on_forward(  # noqa: D102 - as in Observer, like the next three
        self, operation: Primitive, node: Node | None, arguments: Sequence[Any], values: Sequence[Any], results: Any
    ) -> None:
        given = [self._resolve(value) for value in values]
        layer, line = self._whereabouts()
        self.steps.append(Step(operation, given, self._add(results[0]), layer, line))

    def on_read(self, array: Array) -> None:  # noqa: D102
        layer, line = self._whereabouts()
        raise _RefusedError(
            f"{line}: the values of a tensor of shape {array.shape} are read, in {layer}: what follows would depend "
            "on them, but a graph is the same for all inputs; use operations on tensors, as where(x > 0, a, b) "
            "instead of if"
        )

    def on_write(self, tensor: Any, index: Any, value: Any) -> None:  # noqa: D102
        layer, line = self._whereabouts()
        raise _RefusedError(
            f"{line}: a tensor of shape {tensor.shape} is written to in place, in {layer}: a graph has no state; make "
            "new tensors, as by x = x + 1 or where()"
        )

    def on_draw(self, purpose: str) -> None:  # noqa: D102
        layer, line = self._whereabouts()
        raise _RefusedError(f"{line}: random numbers are drawn for {purpose}, in {layer}: a graph is deterministic")

    def _add(self, array: Array) -> Value:
        value = Value(self._count, array.shape, array.dtype)
        self._count += 1
        self._known[id(array)] = ref(array), value
        return value

    def _resolve(self, given: Any) -> Any:
        """Replace arrays by their Values."""
        if type(given) in (list, tuple):
            return type(given)(self._resolve(part) for part in given)
        array = given.data if isinstance(given, Tensor) else given
        if isinstance(array, np.ndarray):
            known = self._known.get(id(array))
            return known[1] if known is not None and known[0]() is array else array
        return given

    def _whereabouts(self) -> tuple[str, str]:
        """Return the innermost module being called, and the innermost line outside of minigrad, or of that module."""
        frame: FrameType | None = sys._getframe(2)
        inner: FrameType | None = None  # the frame called by a module's call
        layer, own, theirs = "", "", ""
        while frame is not None and frame.f_code is not _BEGIN:
            if frame.f_code is _MODULE_CALL and not layer:
                layer = self._layers.get(id(frame.f_locals["self"]), "a module created in forward")
                own = _place(inner) if inner is not None else ""
            file = frame.f_code.co_filename
            if not theirs and (file.startswith(_MODELS) or not file.startswith((_PACKAGE, "<frozen"))):
                theirs = _place(frame)
            inner, frame = frame, frame.f_back
        return layer, theirs or own


_BEGIN = Recording.__init__.__code__


def _place(frame: FrameType) -> str:
    file = Path(frame.f_code.co_filename)
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f"{shown}:{frame.f_lineno}"


def _named(results: Any, name: str) -> dict[str, Tensor]:
    """Name the tensors that a model returns."""
    if isinstance(results, Tensor):
        return {name: results}
    if isinstance(results, Mapping):
        return {k: v for key, part in results.items() for k, v in _named(part, str(key)).items()}
    if hasattr(results, "_asdict"):
        return _named(results._asdict(), name)
    if isinstance(results, (list, tuple)):
        return {k: v for i, part in enumerate(results) for k, v in _named(part, f"{name}_{i}").items()}
    raise OnnxError(f"a model returns tensors, or several in a tuple or a mapping; this one {type(results).__name__}")
