"""A Griffe extension that shows operations as functions.

Griffe reads code without running it, so it takes `exp = primitive(...)` for an attribute. Neither Griffe nor
mkdocstrings has an option to inspect only such names, whose signature and docstring exist at run time.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import griffe


class Operations(griffe.Extension):
    """Replaces attributes that are operations by functions."""

    def on_module(self, *, mod: griffe.Module, **kwargs: Any) -> None:
        """Inspect the operations of a module."""
        operations = [name for name, member in mod.attributes.items() if _is_operation(member)]
        inspector = griffe.Inspector(mod.name, None, griffe.Extensions())
        inspector.current = mod
        for name in operations:
            inspector.inspect_function(griffe.ObjectNode(getattr(import_module(mod.path), name), name))


def _is_operation(attribute: griffe.Attribute | griffe.Alias) -> bool:
    """Return whether an attribute is the result of `primitive` or `several`."""
    call = attribute.value if isinstance(attribute, griffe.Attribute) else None
    return isinstance(call, griffe.ExprCall) and str(call.function) in ("primitive", "several")
