"""What a config can name: the classes of each kind, one class and its arguments, and the schema for editors."""

from __future__ import annotations

import inspect
import json

from minigrad.config import Registry, json_schema, signature_of
from minigrad.config.registry import UnknownNameError
from minigrad.config.suggest import nearest
from minigrad.data import DataLoader
from minigrad.optim import Optimizer, Schedule
from minigrad.training.experiment import KINDS, Experiment, UsageError
from minigrad.training.monitor import Checkpoint, EarlyStopping
from minigrad.training.settings import Trainer

UNNAMED = (Experiment, DataLoader, Trainer, EarlyStopping, Checkpoint)
"""The classes whose names a config leaves out, since nothing else can stand in their place."""

SUPPLIED = (DataLoader, Optimizer, Schedule)
"""The classes whose first argument the run supplies, so that a config does not write it."""


def listing(registry: Registry, kind: str) -> str:
    """Returns the classes of a kind, or of "all", each with the first line of its docstring, or why it is of no use."""
    found = {name: registry.classes(KINDS[name]) for name in (KINDS if kind == "all" else [kind])}
    width = max(len(name) for classes in found.values() for name in classes)
    lines = []
    for name, classes in found.items():
        first = {n: (_refusal(cls) or _docstring(cls)).partition("\n")[0] for n, cls in classes.items()}
        lines += [name, *(f"  {n:<{width}}  {line}".rstrip() for n, line in first.items())]
    return "\n".join(lines)


def description(registry: Registry, name: str) -> str:
    """Returns how a class is called in a config, and what it says of itself.

    Raises: UsageError for an unknown name, with one that is known, and for a class whose file cannot be imported.
    """
    known = {cls.__name__: cls for cls in (*UNNAMED, *KINDS.values())}
    names = [*known, *(each for kind in KINDS.values() for each in registry.names(kind))]
    if name not in names:
        near = nearest(name, names)
        raise UsageError(f"there is no class {name!r}; " + (f"did you mean {near!r}?" if near else "see --list"))
    kind = next((kind for kind in KINDS.values() if name in registry.names(kind)), None)
    try:
        cls = registry.find(name, kind) if kind else known[name]
    except UnknownNameError as unknown:
        raise UsageError(f"{unknown.message}\n  {unknown.hint}") from unknown
    if cls in KINDS.values():
        return f"{name}: a kind of classes, which --list {name} shows\n\n{_docstring(cls)}"
    parts = [str(signature_of(cls, is_open=issubclass(cls, SUPPLIED))), _refusal(cls), _docstring(cls)]
    return "\n\n".join(filter(None, parts))


def schema(registry: Registry) -> str:
    """Returns the JSON Schema of configs, which lets an editor complete names and underline mistakes."""
    return json.dumps(json_schema(Experiment, registry), indent=1)  # in ASCII: the same bytes on every terminal


def _refusal(cls: type) -> str:
    refusal = signature_of(cls, is_open=issubclass(cls, SUPPLIED)).refusal
    return f"cannot be built from a config: {refusal}" if refusal else ""


def _docstring(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "")
