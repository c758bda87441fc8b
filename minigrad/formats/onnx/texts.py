"""Text inputs, which a graph converts to integers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from minigrad.formats.onnx.build import Built

_DOMAIN, _VERSION = "ai.onnx.ml", 3


def take_texts(built: Built, inputs: Mapping[str, Mapping[str, int]]) -> None:
    """Turn integer inputs into text inputs.

    A table in front of each input maps texts to integers.

    Args:
        built: the model, which is changed.
        inputs: the integer of each text, by input; any other text is -1.
    """
    if not inputs:
        return
    model = built.model
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name in inputs:
                node.input[i] = f"{name}/number"
    nodes = [
        helper.make_node(
            "LabelEncoder",
            [name],
            [f"{name}/number"],
            name=f"{name}/number",
            domain=_DOMAIN,
            keys_strings=list(numbers),
            values_int64s=list(numbers.values()),
            default_int64=-1,
        )
        for name, numbers in inputs.items()
    ]
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])
    for each in model.graph.input:
        if each.name in inputs:
            each.type.tensor_type.elem_type = TensorProto.STRING
    model.opset_import.append(helper.make_opsetid(_DOMAIN, _VERSION))
    built.check()


def as_texts(arrays: Mapping[str, NDArray[Any]], inputs: Mapping[str, Mapping[str, int]]) -> dict[str, NDArray[Any]]:
    """Return inputs with integers replaced by their texts."""
    given = dict(arrays)
    for name, numbers in inputs.items():
        other = max(numbers, key=len, default="") + "?"
        texts = {number: text for text, number in numbers.items()} | {-1: other}
        flat = [texts[number] for number in arrays[name].reshape(-1).tolist()]
        given[name] = np.array(flat, object).reshape(arrays[name].shape)
    return given
