"""`minigrad list`: list the classes that a config can name."""

from __future__ import annotations

import argparse
import inspect

from minigrad.cli.parser import add_classes
from minigrad.cli.prepare import classes
from minigrad.config import Registry, signature_of
from minigrad.data import DataLoader
from minigrad.optim import Optimizer, Schedule
from minigrad.suggest import nearest
from minigrad.training.experiment import KINDS

EXAMPLES = (
    "minigrad list",
    "minigrad list Optimizer",
)

SUPPLIED = (DataLoader, Optimizer, Schedule)
"""The classes whose first argument is set by the run and omitted in a config."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("kind", nargs="?", metavar="KIND", type=_kind, help=f"one of {', '.join(KINDS)}; default: all")
    add_classes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the classes of one kind, or of all.

    Each class is followed by the first line of its docstring.
    """
    print(listing(classes(arguments), [arguments.kind] if arguments.kind else [*KINDS]))
    return 0


def listing(registry: Registry, kinds: list[str]) -> str:
    """Return the classes of some kinds, one per line.

    A line has the first line of the class's docstring, or the reason why a config cannot build it. A class of `models/`
    that replaces a shipped class is marked.
    """
    found = {kind: registry.classes(KINDS[kind]) for kind in kinds}
    width = max(len(name) for known in found.values() for name in known)
    lines = []
    for kind, known in found.items():
        lines.append(kind)
        for name, cls in known.items():
            first = (refusal(cls) or docstring(cls)).partition("\n")[0]
            if places := registry.hidden.get(name):
                first += f" ({places[0]}, in place of the shipped {places[1].parent.name}/{places[1].name})"
            lines.append(f"  {name:<{width}}  {first}".rstrip())
    return "\n".join(lines)


def refusal(cls: type) -> str:
    """Return why a config cannot build a class, or ""."""
    reason = signature_of(cls, is_open=issubclass(cls, SUPPLIED)).refusal
    return f"cannot be built from a config: {reason}" if reason else ""


def docstring(cls: type) -> str:
    """Return the docstring of a class without its indentation."""
    return inspect.cleandoc(cls.__doc__ or "")


def _kind(text: str) -> str:
    if text in KINDS:
        return text
    near = nearest(text, KINDS)
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a kind of class; "
        + (f"did you mean {near}? " if near else "")
        + f"the kinds are {', '.join(KINDS)}"
    )
