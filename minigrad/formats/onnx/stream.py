"""ONNX files, written array by array.

Protobuf would copy all arrays before it writes the first.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto

from minigrad.formats.onnx.build import Built


def write(built: Built, file: BinaryIO) -> None:
    """Write a model in protobuf's encoding.

    The encoding: https://protobuf.dev/programming-guides/encoding.

    Args:
        built: stays as it is.
        file: is written to, and raises OSError if that fails.
    """
    around, graph = ModelProto(), GraphProto()
    around.CopyFrom(built.model)
    graph.CopyFrom(around.graph)
    around.ClearField("graph")
    stored = list(graph.initializer)
    del graph.initializer[:]
    entries = []
    for each in stored:
        array = built.large.get(each.name)
        each.ClearField("external_data")
        each.ClearField("data_location")
        head = each.SerializeToString()
        if array is not None:
            head += _head(TensorProto.RAW_DATA_FIELD_NUMBER, array.nbytes)
        size = len(head) + (0 if array is None else array.nbytes)
        entries.append((_head(GraphProto.INITIALIZER_FIELD_NUMBER, size) + head, size - len(head), array))
    first = graph.SerializeToString()
    size = len(first) + sum(len(head) + rest for head, rest, _ in entries)
    file.write(around.SerializeToString() + _head(ModelProto.GRAPH_FIELD_NUMBER, size) + first)
    for head, _, array in entries:
        file.write(head)
        if array is not None:
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            file.write(np.ascontiguousarray(little).reshape(-1).view(np.uint8).data)


def _head(field: int, size: int) -> bytes:
    """Return the tag and length that precede a field."""
    return _varint(field << 3 | 2) + _varint(size)


def _varint(number: int) -> bytes:
    """Encode an integer as a varint: groups of seven bits, lowest first."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])
