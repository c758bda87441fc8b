"""An ONNX graph under construction."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from minigrad.formats.onnx.errors import OnnxError
from minigrad.formats.onnx.recording import Value
from minigrad.formats.onnx.sizes import Axis, Expression, Sizes

Array = NDArray[Any]


_POWERS = {1: lambda x: x, -1: lambda x: 1 / x, 0.5: lambda x: x * x, -0.5: lambda x: 1 / (x * x)}
"""Powers of a length that a number may equal, with their inverses."""


class Graph:
    """Nodes and constants, added by converters.

    Args:
        opset: the opset version.
        sizes: finds expressions of lengths.
    """

    def __init__(self, opset: int, sizes: Sizes) -> None:
        self.opset, self.sizes = opset, sizes
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, Array] = {}
        self.names: dict[int, str] = {}
        self.parameters: dict[int, tuple[str, Array]] = {}
        self._constants: dict[Any, str] = {}
        self._lengths: dict[Any, str] = {}

    def op(self, kind: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        """Add a node; return the name of its output.

        Several outputs are a list. Attributes of None are omitted.
        """
        first = f"/{kind.lower()}_{len(self.nodes)}"  # no user's name starts with a slash
        names = [first, *(f"{first}_{i}" for i in range(1, outputs))]
        given = {name: value for name, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=first, domain=domain, **given))
        return first if outputs == 1 else names

    def constant(self, array: Any, dtype: Any = None) -> str:
        """Return the name of a constant; equal ones share it."""
        array = np.asarray(array, dtype)
        key = array.dtype.str, array.shape, sha256(np.ascontiguousarray(array).data).digest()
        if key not in self._constants:
            self._constants[key] = f"/constant_{len(self._constants)}"
            self.constants[self._constants[key]] = array
        return self._constants[key]

    def ints(self, *values: int) -> str:
        """Return the name of a vector of integers."""
        return self.constant(np.array(values, np.int64))

    def length(self, value: int | Expression) -> str:
        """Return the name of a vector of one integer."""
        if isinstance(value, int):
            return self.ints(value)
        if value not in self._lengths:
            total = "" if value.offset == 0 else self.ints(value.offset)
            for factor, axes in value.terms:
                parts = [*map(self._length_of, axes), *([] if factor == 1 else [self.ints(factor)])]
                product = parts[0]
                for part in parts[1:]:
                    product = self.op("Mul", product, part)
                total = self.op("Add", total, product) if total else product
            self._lengths[value] = total
        return self._lengths[value]

    def _length_of(self, axis: Axis) -> str:
        key = axis.name, axis.axis
        if key not in self._lengths:
            self._lengths[key] = self.op("Shape", axis.name, start=axis.axis, end=axis.axis + 1)
        return self._lengths[key]

    def lengths(self, values: Sequence[Sequence[int]]) -> str:
        """Return the name of a vector of integers.

        Raises:
            OnnxError: as for `expression`.
        """
        found = [self.expression(each) for each in zip(*values, strict=True)]
        if all(isinstance(value, int) for value in found):
            return self.ints(*found)  # type: ignore[arg-type]
        return self.op("Concat", *map(self.length, found), axis=0)

    def expression(self, values: Sequence[int]) -> int | Expression:
        """Return an integer, given in each recording, as an expression.

        Raises:
            OnnxError: if it is not a simple function of lengths.
        """
        found = self.sizes.expression(values)
        if found is None:
            given = ", ".join(map(str, values))
            raise OnnxError(
                f"an integer is {given} for inputs of different sizes or values, but not a multiple of a length"
            )
        return found

    def name(self, values: Sequence[Any], dtype: Any = None) -> str:
        """Return the name of a value, given in each recording.

        The value is a Value, an array, or a number of `dtype`.

        Raises:
            OnnxError: for an array that was computed from inputs outside of operations.
        """
        first = values[0]
        if isinstance(first, Value):
            if any(not isinstance(value, Value) or value.number != first.number for value in values):
                raise OnnxError("the operation takes different values for inputs of different sizes")
            if first.number not in self.names:
                name, array = self.parameters[first.number]
                self.names[first.number], self.constants[name] = name, array
            return self.names[first.number]
        arrays = [np.asarray(value, None if isinstance(value, np.ndarray) else dtype) for value in values]
        if all(array.shape == arrays[0].shape for array in arrays):
            if all(np.array_equal(array, arrays[0], equal_nan=array.dtype.kind == "f") for array in arrays):
                return self.constant(arrays[0])
            if arrays[0].dtype.kind in "iu":
                return self._integers(arrays)
            if arrays[0].ndim == 0:
                return self._number([float(array) for array in arrays], arrays[0].dtype)
        return self._of_sizes(arrays)

    def _integers(self, arrays: Sequence[Array]) -> str:
        """Return the name of integers that are lengths, in arrays of one shape."""
        flat = self.lengths([array.reshape(-1).tolist() for array in arrays])
        return self._as(self.op("Reshape", flat, self.ints(*arrays[0].shape)), arrays[0].dtype)

    def _number(self, values: Sequence[float], dtype: np.dtype[Any]) -> str:
        """Return the name of a number that is a length, its square root, or the inverse of either."""
        for power, undone in _POWERS.items():
            lengths = [undone(value) if value else 0.5 for value in values]
            whole = [round(length) for length in lengths]
            fits = np.allclose(whole, lengths, rtol=1e-12 if dtype == np.float64 else 1e-6, atol=0)
            if fits and (found := self.sizes.expression(whole)) is not None:
                length: str = self.cast(self.op("Squeeze", self.length(found)), dtype)
                return length if power == 1 else self.op("Pow", length, self.constant(power, dtype))
        raise OnnxError(
            f"a number is {', '.join(f'{value:g}' for value in values)} for inputs of different sizes or values, but "
            "not a simple function of a length: compute it with operations on tensors"
        )

    def _of_sizes(self, arrays: Sequence[Array]) -> str:
        """Return the name of an array that depends only on lengths: a repeated number, a range, or a table's start."""
        first = arrays[0]
        if any(array.ndim != first.ndim for array in arrays) or not first.size:
            raise OnnxError("an array has a different number of axes, or is empty, for inputs of other sizes")
        shapes = [array.shape for array in arrays]
        if all((array == array.flat[0]).all() for array in arrays):
            return self.op(
                "Expand", self.name([array.reshape(-1)[0] for array in arrays], first.dtype), self.lengths(shapes)
            )
        if first.dtype.kind in "iu" and all((a.reshape(-1) == np.arange(a.size)).all() for a in arrays):
            stop = self.op("Squeeze", self.length(self.expression([array.size for array in arrays])))
            counted = self.op("Range", self.constant(0, np.int64), stop, self.constant(1, np.int64))
            return self._as(self.op("Reshape", counted, self.lengths(shapes)), first.dtype)
        longest = max(arrays, key=lambda array: array.size)
        for array in arrays:
            part = longest[tuple(map(slice, array.shape))]
            if array.shape != part.shape or not np.array_equal(array, part):
                raise OnnxError(
                    f"an array of shape {array.shape} is computed outside of operations on tensors, from inputs or "
                    "their sizes, for example from .data: use operations on the tensors themselves"
                )
        axes = [i for i in range(first.ndim) if len({shape[i] for shape in shapes}) > 1]
        ends = self.lengths([[shape[i] for i in axes] for shape in shapes])
        return self.op("Slice", self.constant(longest), self.ints(*[0] * len(axes)), ends, self.ints(*axes))

    def _as(self, name: str, dtype: np.dtype[Any]) -> str:
        return name if dtype == np.int64 else self.cast(name, dtype)

    def cast(self, name: str, dtype: Any) -> str:
        """Return the name of the same value in another dtype."""
        return self.op("Cast", name, to=onnx_type(dtype))


def onnx_type(dtype: Any) -> int:
    """Return ONNX's number for a dtype."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def tensor(array: Array, name: str) -> TensorProto:
    """Return an array as ONNX stores it."""
    return numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
