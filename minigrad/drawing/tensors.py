"""Drawings of Tensor graphs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.drawing.box import Box
from minigrad.drawing.numbers import number, rows
from minigrad.drawing.picture import picture
from minigrad.engine import Tensor
from minigrad.engine.graph import Leaf, Node, reachable
from minigrad.nn import Module

_LONGEST = 28  # maximum length of a setting, such as axis=(0, 1), in letters


def draw_tensor(result: Tensor, names: Mapping[str, Any]) -> str:
    """Draw the operations behind `result`.

    `names` are titles. Errors are those of `draw`.
    """
    graph = _Graph(result)
    for name, value in names.items():
        if isinstance(value, Module):
            for path, tensor in (*value.named_parameters(), *value.named_buffers()):
                graph.name(f"{name}.{path}", tensor)
        elif not isinstance(value, (Tensor, np.ndarray)):
            raise TypeError(f"draw of a Tensor takes tensors, arrays and modules by name, got {name}={value!r}")
        elif isinstance(value, Tensor) and value.node is not None and value.node not in graph.shapes:
            raise ValueError(f"{name!r} is not part of this graph: the result was not computed from this tensor")
        else:
            graph.name(name, value)
    return picture({key: graph.box(key) for key in graph.parts()}, graph.inputs)


class _Graph:
    """The nodes of a graph, and its constants by memory.

    A node holds neither its result nor a constant that it took, unless a derivative asks for it.
    """

    def __init__(self, result: Tensor) -> None:
        self.shapes = {_key(result): result.shape}
        self.values = {_key(result): result.data}
        self.titles: dict[Hashable, str] = {}
        self.inputs: dict[Hashable, dict[Hashable, str]] = {}
        self.nodes = [] if result.node is None else reachable([result.node])
        for node in self.nodes:
            if not isinstance(node, Leaf):
                self._read(node)

    def _read(self, node: Node) -> None:
        """Record an operation's inputs and saved arrays."""
        operation, saved = node.primitive, _saved(node)
        names, values = list(operation.parameters), [saved.get(name) for name in operation.parameters]
        if operation.variadic:
            names[:1] = [f"[{i}]" for i in range(len(node.parents))]
            values[:1] = values[0] or [None] * len(node.parents)
        taken: dict[Hashable, list[str]] = {}
        for name, value, parent, input_type in zip_longest(names, values, node.parents, node.input_types):
            if parent is not None:
                key: Hashable = parent
                self.shapes[key] = input_type[0]
            elif isinstance(value, np.ndarray):
                key = _key(value)
                self.shapes[key] = value.shape
            else:
                continue  # a setting, or a constant that was not saved
            taken.setdefault(key, []).append(name)
            if isinstance(value, np.ndarray):
                self.values[key] = value
        if saved.get("out") is not None:
            self.values[node] = saved["out"]
        labels = {key: ", ".join(arguments) for key, arguments in taken.items()}
        self.inputs[node] = {key: "" if labels == {key: names[0]} else label for key, label in labels.items()}

    def name(self, name: str, tensor: Tensor | NDArray[Any]) -> None:
        """Title a tensor of the graph, once.

        Its values are known then too.
        """
        self.titles.setdefault(_key(tensor), name)
        self.values.setdefault(_key(tensor), tensor.data if isinstance(tensor, Tensor) else tensor)

    def parts(self) -> list[Hashable]:
        """Return all boxed parts, inputs first."""
        return [*self.nodes, *(key for key in self.shapes if not isinstance(key, Node))]

    def box(self, key: Hashable) -> Box:
        """Return the box of a node or constant."""
        title, lines = self.titles.get(key, ""), [str(self.shapes[key])]
        if key in self.values:
            lines += rows(self.values[key], "value")
        if isinstance(key, Leaf):
            lines += rows(key.grad, "grad") if key.grad is not None else ()
            return Box("leaf", title or "leaf", tuple(lines))
        if isinstance(key, Node):
            operation = key.primitive.name
            return Box("operation", f"{title} = {operation}" if title else operation, (*_settings(key), *lines))
        return Box("constant", title or "constant", tuple(lines))


def _key(tensor: Tensor | NDArray[Any]) -> Hashable:
    """Return the node of a tensor, or a constant's memory.

    So that a constant is recognised after it was reshaped.
    """
    if isinstance(tensor, Tensor):
        return _key(tensor.data) if tensor.node is None else tensor.node
    order = None if tensor.flags.c_contiguous else tensor.strides
    return tensor.__array_interface__["data"][0], tensor.size, order


def _saved(node: Node) -> dict[str, Any]:
    """Return an operation's saved arrays by argument name.

    Nothing once backward() has gone over it.
    """
    return dict(zip(node.primitive.saved, node.saved or (), strict=False))


def _settings(node: Node) -> list[str]:
    """Return an operation's saved settings, such as axis=-1.

    Those that are not the default.
    """
    operation, saved = node.primitive, _saved(node)
    settings = [
        f"{name}={number(saved.get(name))}"
        for name, default in operation.parameters.items()
        if isinstance(saved.get(name), (int, float, str, tuple)) and saved[name] != default
    ]
    return [setting for setting in settings if len(setting) <= _LONGEST]
