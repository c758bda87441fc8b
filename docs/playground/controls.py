"""The controls next to the editor: their values in a config, and edits of the config.

The text is the only state. A control is read from the checked plan of the text, and changing it edits a few characters
of the text, so that comments and layout are preserved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from minigrad.config import Plan

NUMBERS = {
    "noise": "data.noise",
    "samples": "data.n_samples",
    "batch": "loader.batch_size",
    "rate": "optimizer.lr",
    "decay": "optimizer.weight_decay",
}
"""The numeric controls, and their paths in a config."""


def read(plan: Plan) -> dict[str, Any]:
    """Return the value of each control; None for controls that the config does not have."""
    found: dict[str, Any] = {name: _get(plan, path) for name, path in NUMBERS.items()}
    sizes = _get(plan, "model.sizes")
    hidden = list(sizes)[1:-1] if sizes else None
    found |= {
        "layers": len(hidden) if hidden is not None else None,
        "width": hidden[0] if hidden else None,
        "activation": _get(plan, "model.activation"),
        "optimizer": _get(plan, "optimizer").__name__,
        "seed": _get(plan, "seed"),
    }
    return found


def turn(text: str, plan: Plan, control: str, value: float | str) -> str:
    """Return the text of a valid config with another value of a control.

    Raises:
        KeyError: if the config does not have the control.
    """
    if read(plan).get(control) is None and not (control == "width" and _get(plan, "model.sizes")):
        raise KeyError(f"{control}: this config has no such control")
    if control in NUMBERS:
        return write(text, NUMBERS[control], _shown(value))
    if control in ("layers", "width"):
        first, *hidden, last = plan["model.sizes"]
        count = int(value) if control == "layers" else len(hidden)
        width = int(value) if control == "width" else (hidden[0] if hidden else 8)
        return write(text, "model.sizes", str([first, *[width] * count, last]))
    if control == "optimizer":
        kept = {name: _get(plan, f"optimizer.{name}") for name in ("lr", "weight_decay")}
        kept = {name: _shown(number) for name, number in kept.items() if number}
        arguments = ", ".join(f"{name}: {number}" for name, number in kept.items())
        return replace(text, "optimizer", f"{{{value}: {{{arguments}}}}}")
    return write(text, "model.activation" if control == "activation" else control, str(value))


def write(text: str, path: str, value: str) -> str:
    """Return `text` with a YAML value at a path such as `optimizer.lr`, for any class of the optimizer."""
    key, _, name = path.partition(".")
    if not name:
        return replace(text, key, value)
    node = _child(yaml.compose(text), key)
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        return replace(text, key, f"{{{name}: {value}}}")
    if isinstance(node, yaml.ScalarNode):  # only the class, without arguments
        return _put(text, node, f"{{{node.value}: {{{name}: {value}}}}}")
    call = node
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1 and node.value[0][0].value[:1].isupper():
        call = node.value[0][1]
        if isinstance(call, yaml.ScalarNode) and not call.value:
            end = node.value[0][0].end_mark.index
            return text[:end] + f": {{{name}: {value}}}" + text[call.end_mark.index :].removeprefix(":")
    if not isinstance(call, yaml.MappingNode):
        raise KeyError(f"{path}: arguments without names; write them with their names first")
    there = _child(call, name)
    if there is not None:
        return _put(text, there, value)
    if call.flow_style:
        end = text.rindex("}", 0, call.end_mark.index)
        return text[:end] + (", " if call.value else "") + f"{name}: {value}" + text[end:]
    first = call.value[0][0].start_mark
    return text[: first.index] + f"{name}: {value}\n{' ' * first.column}" + text[first.index :]


def replace(text: str, key: str, value: str) -> str:
    """Return `text` with `value` at a top-level key, which is appended if it is missing."""
    root = yaml.compose(text)
    node = _child(root, key)
    if node is None:
        return f"{text.rstrip()}\n{key}: {value}\n"
    if isinstance(node, yaml.ScalarNode) and not node.value:
        keys = {k.value: k for k, _ in root.value}
        end = text.index(":", keys[key].end_mark.index) + 1
        return f"{text[:end]} {value}{text[end:]}"
    if node.flow_style is False:  # a block starts on its own line
        start = text.rindex(":", 0, node.start_mark.index) + 1
        end = _end_of_block(text, node)
        return f"{text[:start]} {value}\n{text[end:]}"
    return _put(text, node, value)


def _end_of_block(text: str, node: yaml.Node) -> int:
    """Return the end of a block, which is after its last indented line."""
    end = node.start_mark.index
    for line in re.finditer(r".*(?:\n|\Z)", text[end:]):
        if not line[0].strip() or not (line.start() == 0 or line[0][0] in " #-"):
            return end + line.start()
        if line[0].startswith("#"):
            return end + line.start()
    return len(text)


def _put(text: str, node: yaml.Node, value: str) -> str:
    return text[: node.start_mark.index] + value + text[node.end_mark.index :]


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return next((value for name, value in _entries(node) if name.value == key), None)


def _entries(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    return iter(node.value if isinstance(node, yaml.MappingNode) else ())


def _get(plan: Plan, path: str) -> Any:
    try:
        return plan[path]
    except KeyError:
        return None


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and not value.is_integer() else str(int(value))
