"""Recordings (traces) of a model's operations."""

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
        number: the sequence number, the same in all recordings of a model.
        shape: the shape of the array.
        dtype: the dtype of the array.
    """

    number: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        operation: the declaration of the operation.
        arguments: for each parameter a Value, an array that is not in the graph, a list or tuple of these, or any other
            object.
        result: the output.
        layer: the innermost module that applied it, such as `h.0.attn (MultiHeadAttention)`.
        line: the line of the model that called it, such as `models/gpt.py:37`.
    """

    operation: Primitive
    arguments: list[Any]
    result: Value
    layer: str
    line: str


class _RefusedError(Exception):
    """Something that a model may not do; not a ValueError, because modules would add their names to one."""


class Recording(Observer):
    """The operations of a model on some inputs.

    Only the shapes of results are saved, so that recording a large model needs no more memory than a prediction.

    Args:
        model: a module in eval mode.
        inputs: the arrays that are the model's arguments, by name, in order.
        by_name: whether to pass them as keyword arguments.

    Attributes:
        inputs: the Values of the inputs, by name.
        parameters: parameters and buffers, each with its Value, by name.
        steps: the operations, in order.
        results: the tensors that the model returned, by name; a single one is `output`.
        outputs: the Values of the results, by name.

    Raises:
        OnnxError: if the operations depend on the values of the inputs.
        Exception: any error of the model.
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
        self.results = {key: tensor.data for key, tensor in _name_tensors(results, name).items()}
        self.outputs = {name: self._resolve(array) for name, array in self.results.items()}

    def on_forward(  # noqa: D102 - documented in Observer, like the next three
        self, operation: Primitive, node: Node | None, arguments: Sequence[Any], values: Sequence[Any], results: Any
    ) -> None:
        given = [self._resolve(value) for value in values]
        layer, line = self._whereabouts()
        self.steps.append(Step(operation, given, self._add(results[0]), layer, line))

    def on_read(self, array: Array) -> None:  # noqa: D102
        layer, line = self._whereabouts()
        raise _RefusedError(
            f"{line}: the values of a tensor of shape {array.shape} are read, in {layer}: the operations may depend "
            "on them, but a graph is the same for all inputs; use operations on tensors, such as where(x > 0, a, b) "
            "instead of if"
        )

    def on_write(self, tensor: Any, index: Any, value: Any) -> None:  # noqa: D102
        layer, line = self._whereabouts()
        raise _RefusedError(
            f"{line}: a tensor of shape {tensor.shape} is written to in place, in {layer}: a graph has no state; make "
            "new tensors, for example by x = x + 1 or where()"
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


def _name_tensors(results: Any, name: str) -> dict[str, Tensor]:
    """Name the tensors that a model returns."""
    if isinstance(results, Tensor):
        return {name: results}
    if isinstance(results, Mapping):
        return {k: v for key, part in results.items() for k, v in _name_tensors(part, str(key)).items()}
    if hasattr(results, "_asdict"):
        return _name_tensors(results._asdict(), name)
    if isinstance(results, (list, tuple)):
        return {k: v for i, part in enumerate(results) for k, v in _name_tensors(part, f"{name}_{i}").items()}
    raise OnnxError(f"a model must return tensors, or a tuple or mapping of tensors, not {type(results).__name__}")
