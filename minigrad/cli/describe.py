"""`minigrad describe`: show the arguments of a class."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from minigrad.cli.list import SUPPLIED, docstring, refusal
from minigrad.cli.parser import add_classes
from minigrad.cli.prepare import classes
from minigrad.config import Registry, signature_of
from minigrad.config.registry import UnknownNameError
from minigrad.data import DataLoader
from minigrad.suggest import nearest
from minigrad.training.experiment import KINDS, Experiment, UsageError
from minigrad.training.monitor import Checkpoint, EarlyStopping
from minigrad.training.trainer import Trainer

EXAMPLES = (
    "minigrad describe AdamW",
    "minigrad describe Trainer",
)

UNNAMED = (Experiment, DataLoader, Trainer, EarlyStopping, Checkpoint)
"""The classes that a config does not name, because they have no alternatives."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="a class; minigrad list shows them")
    add_classes(parser)


def run(arguments: Namespace) -> int:
    """Print how a config calls the class, and its docstring."""
    print(description(classes(arguments), arguments.name))
    return 0


def description(registry: Registry, name: str) -> str:
    """Return a class's signature in a config, and its docstring.

    Raises:
        UsageError: for an unknown name, with the nearest known one, and for a class whose file cannot be imported.
    """
    known = {cls.__name__: cls for cls in (*UNNAMED, *KINDS.values())}
    names = [*known, *(each for kind in KINDS.values() for each in registry.names(kind))]
    if name not in names:
        near = nearest(name, names)
        remedy = f"did you mean {near!r}?" if near else "minigrad list shows all"
        raise UsageError(f"there is no class {name!r}; {remedy}")
    kind = next((kind for kind in KINDS.values() if name in registry.names(kind)), None)
    try:
        cls = registry.find(name, kind) if kind else known[name]
    except UnknownNameError as unknown:
        raise UsageError(f"{unknown.message}\n  {unknown.hint}") from unknown
    if cls in KINDS.values():
        return f"{name}: a kind of class; minigrad list {name} shows them\n\n{docstring(cls)}"
    parts = [str(signature_of(cls, is_open=issubclass(cls, SUPPLIED))), refusal(cls), docstring(cls)]
    return "\n\n".join(filter(None, parts))
