"""What a config can name: the classes of each kind, one class and its arguments, and the schema for editors."""

from __future__ import annotations

import inspect
import json
from difflib import get_close_matches

from minigrad.config import Registry, json_schema, signature_of
from minigrad.data import DataLoader
from minigrad.training.experiment import KINDS, Experiment, UsageError
from minigrad.training.monitor import Checkpoint, EarlyStopping
from minigrad.training.trainer import Trainer

UNNAMED = (Experiment, DataLoader, Trainer, EarlyStopping, Checkpoint)
"""The classes whose names a config leaves out, since nothing else can stand in their place."""

NONE = "  none is known: write one in models/, or name its package with --import"


def listing(registry: Registry, kind: str) -> str:
    """Returns the classes of a kind, or of "all", each with the first line of its docstring."""
    found = {name: registry.classes(KINDS[name]) for name in (KINDS if kind == "all" else [kind])}
    width = max((len(name) for classes in found.values() for name in classes), default=0)
    lines = []
    for name, classes in found.items():
        rows = [f"  {n:<{width}}  {(inspect.getdoc(cls) or '').partition(chr(10))[0]}" for n, cls in classes.items()]
        lines += [name, *(rows or [NONE])]
    return "\n".join(lines)


def description(registry: Registry, name: str) -> str:
    """Returns how a class is called and what it says of itself. Raises: UsageError that suggests a name it knows."""
    known: dict[str, type] = {cls.__name__: cls for cls in UNNAMED}
    for kind in KINDS.values():
        known |= registry.classes(kind)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise UsageError(f"there is no class {name!r}; " + (f"did you mean {near[0]!r}?" if near else "see --list"))
    return f"{signature_of(known[name])}\n\n{inspect.getdoc(known[name]) or ''}"


def schema(registry: Registry) -> str:
    """Returns the JSON Schema of configs, which lets an editor complete names and underline mistakes."""
    return json.dumps(json_schema(Experiment, registry), indent=1)  # in ASCII: the same bytes on every terminal
