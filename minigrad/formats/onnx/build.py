"""ONNX models from recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from minigrad.formats.onnx.call import Call
from minigrad.formats.onnx.errors import OnnxError
from minigrad.formats.onnx.graph import Array, Graph, onnx_type, tensor
from minigrad.formats.onnx.recording import Recording, Step, Value
from minigrad.formats.onnx.sizes import Axis, Sizes
from minigrad.formats.onnx.table import CONVERTERS, REASONS
from minigrad.version import __version__

_MOST_BYTES = 2**31 - 2**20  # the limit of protobuf, with room for the nodes
_LARGE_BYTES = 1024  # larger constants are kept out of the graph while it is built and checked


class Built(NamedTuple):
    """An ONNX model, and its large constants.

    The constants are separate because protobuf and its checks would copy them.

    Attributes:
        model: the model, with only the types and shapes of the large constants.
        large: the large constants, by name.
    """

    model: ModelProto
    large: dict[str, Array]

    def check(self) -> None:
        """Check the graph, with the large constants as inputs.

        Raises:
            OnnxError: if ONNX does not allow it.
        """
        model = ModelProto()
        model.CopyFrom(self.model)
        small = [each for each in model.graph.initializer if each.name not in self.large]
        del model.graph.initializer[:]
        model.graph.initializer.extend(small)
        for name, array in self.large.items():
            model.graph.input.append(helper.make_tensor_value_info(name, onnx_type(array.dtype), array.shape))
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise OnnxError(f"the graph is not valid ONNX: {error}") from error

    def complete(self) -> ModelProto:
        """Return the model with its large constants inside."""
        for stored in self.model.graph.initializer:
            if stored.name in self.large:
                array = self.large.pop(stored.name)
                stored.ClearField("external_data")
                stored.ClearField("data_location")
                stored.raw_data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return self.model


def build(
    recordings: Sequence[Recording],
    free: Mapping[str, tuple[int, ...]],
    axes: Mapping[str, tuple[str, int]],
    opset: int,
    metadata: Mapping[str, str],
) -> Built:
    """Return the model of recordings.

    Args:
        recordings: recordings of one model, with inputs of different sizes.
        free: the names of dynamic axes, with their lengths in the recordings.
        axes: the input and the position of each dynamic axis, by name.
        opset: the opset version.
        metadata: texts by name.

    Raises:
        OnnxError: for all operations without a converter, with their layers; for a model whose operations depend on its
            inputs; for 2 GB or more.
    """
    sizes = Sizes(free, {name: Axis(*axis) for name, axis in axes.items()})
    graph = Graph(opset, sizes)
    first = recordings[0]
    for name, value in first.inputs.items():
        graph.names[value.number] = name
    for name, (value, array) in first.parameters.items():
        graph.parameters[value.number] = f"/{name}" if name in {*first.inputs, *first.outputs} else name, array
    _add_steps(graph, recordings)
    outputs = []
    for name in first.outputs:
        values = [recording.outputs[name] for recording in recordings]
        graph.nodes.append(helper.make_node("Identity", [graph.name(values)], [name], name=name))
        outputs.append(_info(sizes, name, values))
    inputs = [_info(sizes, name, [r.inputs[name] for r in recordings]) for name in first.inputs]
    return assemble(graph, inputs, outputs, metadata)


def assemble(
    graph: Graph, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto], metadata: Mapping[str, str]
) -> Built:
    """Return a graph as a checked model, without unused nodes."""
    needed, nodes = {output.name for output in outputs}, []
    for node in reversed(graph.nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    constants = {name: array for name, array in graph.constants.items() if name in needed}
    if sum(array.nbytes for array in constants.values()) > _MOST_BYTES:
        raise OnnxError("the parameters are more than the 2 GB that an ONNX file can hold")
    large = {name: array for name, array in constants.items() if array.nbytes > _LARGE_BYTES}
    stored = [(_external_tensor if name in large else tensor)(array, name) for name, array in constants.items()]
    made = helper.make_graph(nodes[::-1], "minigrad", list(inputs), list(outputs), stored)
    opsets = [helper.make_opsetid("", graph.opset)]
    model = helper.make_model(
        made,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="minigrad",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(metadata))
    built = Built(model, large)
    built.check()
    return built


def _external_tensor(array: Array, name: str) -> TensorProto:
    """Return the type and shape of an array stored elsewhere."""
    stored = TensorProto(name=name, data_type=onnx_type(array.dtype), dims=array.shape)
    stored.data_location = TensorProto.EXTERNAL
    stored.external_data.add(key="location", value=name)
    return stored


def _add_steps(graph: Graph, recordings: Sequence[Recording]) -> None:
    """Add the nodes of all operations, or report all that cannot be converted, by layer."""
    problems: dict[str, list[Step]] = {}
    for steps in in_parallel(recordings):
        step = steps[0]
        name = step.operation.name
        made = f"/missing_{step.result.number}"
        if name not in CONVERTERS:
            reason = REASONS.get(name, "it is an operation of another package, without a converter to ONNX")
            problems.setdefault(f"{name}: {reason}", []).append(step)
        else:
            try:
                made = CONVERTERS[name](Call(graph, steps))
            except OnnxError as error:
                problems.setdefault(f"{name}: {error}", []).append(step)
        graph.names[step.result.number] = made
        graph.sizes.note(made, [s.result.shape for s in steps])
    if problems:
        lines = [f"  {text}\n{_places(steps)}" for text, steps in problems.items()]
        raise OnnxError("\n".join(["the model has operations that cannot be converted to ONNX:", *lines]))


def _places(steps: Sequence[Step]) -> str:
    """List the locations of operations."""
    found = dict.fromkeys((step.layer, step.line) for step in steps)
    return "\n".join(f"    in {layer}, {line}" for layer, line in found)


def in_parallel(recordings: Sequence[Recording]) -> Sequence[tuple[Step, ...]]:
    """Pair the steps of all recordings.

    Raises:
        OnnxError: if the recordings have different operations.
    """
    counts = [len(recording.steps) for recording in recordings]
    for i in range(min(counts)):
        steps = [recording.steps[i] for recording in recordings]
        for recording, step in zip(recordings, steps, strict=True):
            if (step.operation.name, step.line) != (steps[0].operation.name, steps[0].line):
                raise _different_operations(recordings[0], steps[0], recording, step)
    if len(set(counts)) > 1:
        longest = max(recordings, key=lambda recording: len(recording.steps))
        other = min(recordings, key=lambda recording: len(recording.steps))
        raise _different_operations(longest, longest.steps[min(counts)], other, None)
    return list(zip(*(recording.steps for recording in recordings), strict=True))


def _different_operations(one: Recording, step: Step, other: Recording, its: Step | None) -> OnnxError:
    """Return the error for operations that depend on the inputs' sizes."""
    what = "nothing more" if its is None else f"{its.operation.name} ({its.line})"
    return OnnxError(
        f"{step.line}: for {_sizes(one)} the model applies {step.operation.name} here, in {step.layer}, but for "
        f"{_sizes(other)} {what}: this depends on the sizes or values of inputs, but a graph is the same for all; use "
        "operations on tensors, such as where(), or name the dynamic axes (free= of to_onnx)"
    )


def _sizes(recording: Recording) -> str:
    return "inputs of shape " + ", ".join(str(value.shape) for value in recording.inputs.values())


def _info(sizes: Sizes, name: str, values: Sequence[Any]) -> ValueInfoProto:
    """Return the name, type and shape of an input or output; dynamic axes have names."""
    shapes = [value.shape if isinstance(value, Value) else np.shape(value) for value in values]
    shape: list[int | str | None] = []
    for lengths in zip(*shapes, strict=True):
        fixed = lengths[0] if len(set(lengths)) == 1 else None
        shape.append(sizes.names.get(lengths) if fixed is None else fixed)
    return helper.make_tensor_value_info(name, onnx_type(values[0].dtype), shape)
