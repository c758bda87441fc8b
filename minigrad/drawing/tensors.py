"""The graph behind a `Tensor`."""

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
from minigrad.engine.backward import reachable
from minigrad.engine.tensor import Leaf, Node
from minigrad.nn import Module

_LONGEST = 28  # setting of an operation that is shown, such as axis=(0, 1), in letters


def draw_tensor(result: Tensor, names: Mapping[str, Any]) -> str:
    """The picture of the operations behind `result`, in which `names` are titles. Raises: as `draw`."""
    graph = _Graph(result)
    for name, value in names.items():
        if isinstance(value, Module):
            for path, tensor in (*value.named_parameters(), *value.named_buffers()):
                graph.name(f"{name}.{path}", tensor)
        elif not isinstance(value, (Tensor, np.ndarray)):
            raise TypeError(f"draw of a Tensor takes tensors, arrays and modules by name, got {name}={value!r}")
        elif isinstance(value, Tensor) and value.node is not None and value.node not in graph.shapes:
            raise ValueError(f"{name!r} is no part of this graph: the result was not computed from this tensor")
        else:
            graph.name(name, value)
    return picture({key: graph.box(key) for key in graph.parts()}, graph.inputs)


class _Graph:
    """What is known of a graph by its nodes, and of the constants in it by their memory.

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
        """Notes what an operation took, and what it kept of that and of its result."""
        operation, kept = node.primitive, _kept(node)
        names, values = list(operation.parameters), [kept.get(name) for name in operation.parameters]
        if operation.variadic:
            names[:1] = [f"[{i}]" for i in range(len(node.parents))]
            values[:1] = values[0] or [None] * len(node.parents)
        taken: dict[Hashable, list[str]] = {}
        for name, value, parent, form in zip_longest(names, values, node.parents, node.forms):
            if parent is not None:
                key: Hashable = parent
                self.shapes[key] = form[0]
            elif isinstance(value, np.ndarray):
                key = _key(value)
                self.shapes[key] = value.shape
            else:
                continue  # a setting, or a constant that was not kept
            taken.setdefault(key, []).append(name)
            if isinstance(value, np.ndarray):
                self.values[key] = value
        if kept.get("out") is not None:
            self.values[node] = kept["out"]
        labels = {key: ", ".join(arguments) for key, arguments in taken.items()}
        self.inputs[node] = {key: "" if labels == {key: names[0]} else label for key, label in labels.items()}

    def name(self, name: str, tensor: Tensor | NDArray[Any]) -> None:
        """Gives a title to a tensor, if it is in the graph and has none; its values are known then too."""
        self.titles.setdefault(_key(tensor), name)
        self.values.setdefault(_key(tensor), tensor.data if isinstance(tensor, Tensor) else tensor)

    def parts(self) -> list[Hashable]:
        """All that has a box, each before what it was made of."""
        return [*self.nodes, *(key for key in self.shapes if not isinstance(key, Node))]

    def box(self, key: Hashable) -> Box:
        """The box of a node or a constant."""
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
    """The node of a tensor; of a constant its memory, so that it is known again when it was reshaped on the way."""
    if isinstance(tensor, Tensor):
        return _key(tensor.data) if tensor.node is None else tensor.node
    order = None if tensor.flags.c_contiguous else tensor.strides
    return tensor.__array_interface__["data"][0], tensor.size, order


def _kept(node: Node) -> dict[str, Any]:
    """What an operation has kept by the name of its argument: nothing once backward() has gone over it."""
    return dict(zip(node.primitive.frame, node.saved or (), strict=False))


def _settings(node: Node) -> list[str]:
    """What an operation was told besides its arrays, such as axis=-1, as far as it was kept and is no default."""
    operation, kept = node.primitive, _kept(node)
    told = [
        f"{name}={number(kept.get(name))}"
        for name, default in zip(operation.parameters, operation.defaults, strict=True)
        if isinstance(kept.get(name), (int, float, str, tuple)) and kept[name] != default
    ]
    return [setting for setting in told if len(setting) <= _LONGEST]
