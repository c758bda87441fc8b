"""Export of models as ONNX files."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.engine import Tensor
from minigrad.formats.onnx.errors import OnnxError
from minigrad.formats.onnx.free import (
    Arrays,
    Free,
    FreeAxis,
    fresh_sizes,
    likely_axes,
    named_axes,
    recorded_sizes,
    resample,
)
from minigrad.formats.onnx.recording import Recording
from minigrad.nn import Module

if TYPE_CHECKING:
    from onnx import ModelProto

    from minigrad.formats.onnx.build import Built

Texts = Mapping[str, Mapping[str, int]]

OPSETS = range(17, 24)
"""The supported opset versions."""


def to_onnx(
    model: Module,
    example: Any,
    *,
    opset: int = 20,
    free: Free | None = None,
    metadata: Mapping[str, str] | None = None,
    texts: Texts | None = None,
) -> ModelProto:
    """Convert a model, in eval mode, to ONNX.

    The model is traced: it is called a few times with inputs of several sizes, resampled from the example, and its
    operations are recorded. These must be the same for all inputs: the model may use the values of inputs only in
    operations on tensors. If onnxruntime is installed, its results are checked to agree to 1e-5.

    Args:
        model: the model. Its parameters keep their names.
        example: its input, an array or tensor; several inputs are a tuple, in the order of `forward`, or a dict.
            Positions that are computed outside of operations are limited to the example's length.
        opset: the opset version, 17 to 23.
        free: names of dynamic axes, each with its position in all inputs, or its positions by input: `{"batch": 0,
            "time": {"source": 1}}`; {} for none. By default the first axis of all inputs is dynamic, and the second of
            integers (N, T) and vectors (N, T, E) if the model accepts other lengths.
        metadata: texts by name, stored in the file.
        texts: inputs that are texts in the file and integers in the model, each with the integers by text; any other
            text is -1.

    Raises:
        OnnxError: for all operations that ONNX lacks, with their layers; for a line of the model that depends on the
            sizes or values of inputs; for a difference from onnxruntime. It is a ValueError.
        ModuleNotFoundError: without the package onnx.
    """
    return _build(model, example, opset, free, metadata, texts).complete()


def write_onnx(
    file: BinaryIO,
    model: Module,
    example: Any,
    *,
    opset: int = 20,
    metadata: Mapping[str, str] | None = None,
    texts: Texts | None = None,
) -> None:
    """Write the model that `to_onnx` returns, without copying the weights.

    Args:
        file: the file to write to.
        model: as for `to_onnx`.
        example: as for `to_onnx`.
        opset: as for `to_onnx`.
        metadata: as for `to_onnx`.
        texts: as for `to_onnx`.

    Raises:
        OnnxError: as for `to_onnx`, before anything is written.
        OSError: if the file cannot be written.
    """
    built = _build(model, example, opset, None, metadata, texts)
    from minigrad.formats.onnx.stream import write  # after _build, which says how to install onnx

    write(built, file)


def _build(
    model: Module,
    example: Any,
    opset: int,
    free: Free | None,
    metadata: Mapping[str, str] | None,
    texts: Texts | None,
) -> Built:
    """Return the checked graph of a model; raise errors as `to_onnx` does."""
    if opset not in OPSETS:
        raise OnnxError(f"opset must be from {OPSETS[0]} to {OPSETS[-1]}, got {opset}")
    if not isinstance(model, Module):
        raise OnnxError(f"expected a Module, got {type(model).__name__}: make a function the forward of a Module")
    arrays = _named_inputs(model, example)
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    export = _Export(model, arrays, isinstance(example, Mapping), opset, metadata or {}, texts or {})
    try:
        if free is not None:
            return export.with_axes(named_axes(arrays, free))
        *attempts, last = likely_axes(arrays)
        for axes in attempts:
            try:
                return export.with_axes(axes)
            except OnnxError:
                continue  # the length of the sequence is then fixed
        return export.with_axes(last)
    finally:
        for module, training in modes:
            if module.training is not training:
                module.training = training


class _Export(NamedTuple):
    """The arguments of an export; see `to_onnx`."""

    model: Module
    example: Arrays
    by_name: bool
    opset: int
    metadata: Mapping[str, str]
    texts: Texts

    def with_axes(self, axes: list[FreeAxis]) -> Built:
        """Return the model, with these input axes dynamic; raise errors as `to_onnx` does."""
        try:
            from minigrad.formats.onnx.build import build, in_parallel
            from minigrad.formats.onnx.check import check
            from minigrad.formats.onnx.texts import as_texts, take_texts
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"ONNX files need {error.name}: pip install onnx") from error
        rng = np.random.default_rng(0)
        recorded = recorded_sizes(axes) if axes else [(), ()]  # two, to detect a dependence on values
        recordings = [self._record(resample(self.example, axes, lengths, rng)) for lengths in recorded]
        free = {axis.name: tuple(lengths[i] for lengths in recorded) for i, axis in enumerate(axes)}
        places = {axis.name: next(iter(axis.places.items())) for axis in axes}
        made = build(recordings, free, places, self.opset, self.metadata)
        take_texts(made, self.texts)
        fresh = [self.example, *(resample(self.example, axes, lengths, rng) for lengths in fresh_sizes(axes))]
        expected = self._record_accepted(fresh)
        try:
            compared = check(made, [(as_texts(inputs, self.texts), found.results) for inputs, found in expected])
        except OnnxError:
            for _, found in expected:
                in_parallel([recordings[0], found])  # names the line, if one depends on sizes
            raise
        if not compared:
            warnings.warn("onnxruntime is not installed: the ONNX model's results were not checked", stacklevel=5)
        return made

    def _record(self, inputs: Arrays) -> Recording:
        try:
            return Recording(self.model, inputs, self.by_name)
        except OnnxError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            raise OnnxError(f"the model does not accept the inputs {shapes}: {error}") from error

    def _record_accepted(self, cases: list[Arrays]) -> list[tuple[Arrays, Recording]]:
        """Record the model on the inputs that it accepts."""
        pairs = []
        for inputs in cases:
            with suppress(ValueError, TypeError, IndexError):
                pairs.append((inputs, Recording(self.model, inputs, self.by_name)))
        return pairs


def _positions(model: Module, count: int) -> list[str]:
    """Name positional arguments.

    Raises:
        OnnxError: if the model takes fewer.
    """
    names: list[str] = []
    for name, parameter in inspect.signature(model.forward).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{name}_{i}" for i in range(count - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(name)
    if len(names) < count:
        raise OnnxError(
            f"forward of {type(model).__name__} takes {', '.join(names)}, and the example has {count} inputs"
        )
    return names[:count]


def _named_inputs(model: Module, example: Any) -> Arrays:
    """Return the arrays of an example, by name.

    Raises:
        OnnxError: for anything but arrays of numbers.
    """
    if isinstance(example, Mapping):
        given = dict(example)
    elif isinstance(example, tuple):
        given = dict(zip(_positions(model, len(example)), example, strict=True))
    else:
        given = {"input": example}
    arrays: Arrays = {}
    for name, value in given.items():
        array: NDArray[Any] = np.asarray(value.data if isinstance(value, Tensor) else value)
        if array.dtype.kind not in "biuf" or not array.size:  # onnxruntime's LSTM crashes on an empty array
            raise OnnxError(
                f"the example of {name!r} must be a non-empty array of numbers, got {array.dtype} {array.shape}"
            )
        arrays[name] = array
    return arrays
