"""Drawings of modules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from textwrap import wrap

from minigrad.drawing.box import Box
from minigrad.drawing.numbers import rows
from minigrad.drawing.picture import picture
from minigrad.nn import Module, Parameter, Sequential

_LONGEST = 44  # maximum length of a line of a layer's settings, in letters


def draw_module(module: Module) -> str:
    """Draw a module as boxes of its children.

    Errors are those of `draw`.
    """
    return picture({module: _box(module, "", {})}, {})


def _box(module: Module, path: str, seen: dict[int, str]) -> Box:
    """Return the box of the module at a path.

    `seen` are the paths of the modules and parameters of the boxes before.
    """
    kind = type(module).__name__
    if id(module) in seen:
        return Box("module", kind, (f"the same as {seen[id(module)]}",))
    seen[id(module)] = path or kind
    lines = wrap(module.extra_repr(), _LONGEST)
    children = []
    for name, value in vars(module).items():
        place = f"{path}.{name}" if path else name
        if isinstance(value, Module):
            children.append((name, _box(value, place, seen)))
        elif isinstance(value, Parameter):
            shared = seen.setdefault(id(value), place)
            lines += [f"{name} {value.shape}", *(rows(value.data) if shared == place else [f"the same as {shared}"])]
    count = sum(parameter.size for parameter in module.parameters())
    lines += [f"{count:,} parameters"] if count else []
    return Box("module", kind, tuple(lines), tuple(_together(children)), chained=isinstance(module, Sequential))


def _together(children: Iterable[tuple[str, Box]]) -> list[Box]:
    """Return titled boxes, with equal neighbours merged into one."""
    boxes = []
    for box, alike in groupby(children, key=itemgetter(1)):
        names = [name for name, _ in alike]
        few = ", ".join(names) if len(names) < 4 else f"{names[0]} … {names[-1]}"
        times = f"{len(names)} × " if len(names) > 1 else ""
        boxes.append(replace(box, title=f"{few}: {times}{box.title}"))
    return boxes
