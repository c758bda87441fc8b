"""A Griffe extension for the reference: inline `Raises:` and operations."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import griffe

_RAISES = re.compile(r"(?:(?<=\s)|^)Raises: (?=\S)")


class Habits(griffe.Extension):
    """Handles `Raises:` within a sentence, and operations, which are functions written as `x = primitive(...)`."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Start a paragraph at `Raises:` within a docstring."""
        if obj.docstring:
            obj.docstring.value = _RAISES.sub("\n\n**Raises:** ", obj.docstring.value)

    def on_module(self, *, mod: griffe.Module, **kwargs: Any) -> None:
        """Replace attributes that are operations by functions."""
        for name, member in list(mod.members.items()):
            call = member.value if isinstance(member, griffe.Attribute) else None
            if isinstance(call, griffe.ExprCall) and str(call.function) in ("primitive", "several"):
                mod.set_member(name, _function(member, getattr(importlib.import_module(mod.path), name)))


def _function(attribute: griffe.Attribute, function: Any) -> griffe.Function:
    """Return an attribute as a function, with its run-time signature and docstring."""
    signature = inspect.signature(function)
    parameters = griffe.Parameters(
        *(
            griffe.Parameter(
                parameter.name,
                annotation=None if parameter.annotation is parameter.empty else str(parameter.annotation),
                kind=griffe.ParameterKind(parameter.kind.description),
                default=None if parameter.default is parameter.empty else repr(parameter.default),
            )
            for parameter in signature.parameters.values()
        )
    )
    returns = None if signature.return_annotation is signature.empty else str(signature.return_annotation)
    made = griffe.Function(attribute.name, parameters=parameters, returns=returns, lineno=attribute.lineno)
    if function.__doc__:
        made.docstring = griffe.Docstring(inspect.cleandoc(function.__doc__), parent=made)
    return made
