"""The JSON Schema of configs, for completion in editors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from minigrad.config.annotations import Choice, DictOf, Instance, ListOf, Plain, Spec, TupleOf, Union
from minigrad.config.calls import default_node
from minigrad.config.nodes import data
from minigrad.config.registry import Registry
from minigrad.config.signature import Parameter, Signature, signature_of
from minigrad.config.sources import VERSION

Schema = dict[str, Any]

_TYPES = {int: "integer", float: "number", bool: "boolean", type(None): "null"}


def json_schema(target: Callable[..., Any], registry: Registry) -> Schema:
    """Return the JSON Schema of configs that call `target`.

    It is in draft 7, which editors support, and has the classes of a registry. It says which names and values are
    allowed where, but not which are required, since a `base` may provide them.
    """
    definitions: dict[str, Schema] = {"reference": {"type": "string", "pattern": r"^\$\{.*\}$"}}
    properties = _Definitions(registry, definitions).properties(signature_of(target))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": _summary(target),
        "type": "object",
        "properties": {
            "version": {"const": VERSION, "description": "The version of the config language."},
            "base": {"type": "string", "description": "Another config that this one changes; a relative path."},
            **properties,
        },
        "additionalProperties": False,
        "definitions": dict(sorted(definitions.items())),
    }


class _Definitions:
    """Schema definitions of classes, created when first needed."""

    def __init__(self, registry: Registry, definitions: dict[str, Schema]) -> None:
        self.registry = registry
        self.definitions = definitions

    def properties(self, signature: Signature) -> dict[str, Schema]:
        """Return the schemas of a signature's parameters."""
        return {name: self._property(parameter) for name, parameter in signature.parameters.items()}

    def _property(self, parameter: Parameter) -> Schema:
        default = default_node(parameter)
        schema: Schema = {"anyOf": [self._schema(parameter.spec), {"$ref": "#/definitions/reference"}]}
        return schema if default is None else {**schema, "default": data(default)}

    def _schema(self, spec: Spec) -> Schema:
        match spec:
            case Plain(type=kind):
                return {"type": _TYPES.get(kind, "string")}
            case Choice(values=values):
                return {"enum": list(values)}
            case Union(options=options):
                return {"anyOf": [self._schema(option) for option in options]}
            case ListOf(item=item):
                return {"type": "array", "items": self._item(item)}
            case TupleOf(items=items):
                each = [self._item(item) for item in items]
                return {"type": "array", "items": each, "additionalItems": False, "minItems": len(items)}
            case DictOf(item=item):
                return {"type": "object", "additionalProperties": self._item(item)}
            case Instance():
                return self._instance(spec)
        return {"not": {}}

    def _item(self, spec: Spec) -> Schema:
        return {"anyOf": [self._schema(spec), {"$ref": "#/definitions/reference"}]}

    def _instance(self, spec: Instance) -> Schema:
        name = f"{spec.cls.__name__}.open" if spec.is_open else spec.cls.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # a class may contain others of its kind
            self.definitions[name] = self._choices(spec)
        return {"$ref": f"#/definitions/{name}"}

    def _choices(self, spec: Instance) -> Schema:
        classes = self.registry.classes(spec.cls)
        found = {name: signature_of(cls, spec.is_open) for name, cls in classes.items()}
        signatures = {name: signature for name, signature in found.items() if not signature.refusal}
        bare = [name for name, signature in signatures.items() if signature.is_complete]
        named = {n: {"description": _summary(classes[n]), **self._arguments(s)} for n, s in signatures.items()}
        one: Schema = {"type": "object", "properties": named, "additionalProperties": False}
        one |= {"minProperties": 1, "maxProperties": 1}
        if not self.registry.is_kind(spec.cls):
            unnamed = self._arguments(signature_of(spec.cls, spec.is_open))
        else:
            # with a base, the class may be that of the base
            words = sorted({word for signature in signatures.values() for word in signature.parameters})
            unnamed = {"type": "object", "propertyNames": {"enum": words}}
        return {"anyOf": [{"enum": bare}, one, unnamed] if bare else [one, unnamed]}

    def _arguments(self, signature: Signature) -> Schema:
        """Return the schema of a class's arguments: by name, by position, a single one, or none."""
        by_position = [self._item(parameter.spec) for parameter in signature.positional]
        variadic = signature.variadic
        more = self._item(variadic.spec.item) if variadic and isinstance(variadic.spec, ListOf) else False
        items: Schema = {"items": by_position, "additionalItems": more} if by_position else {"items": more}
        single = [*by_position, *([more] if more else [])][:1]
        return {
            "anyOf": [
                {"type": "object", "properties": self.properties(signature), "additionalProperties": False},
                {"type": "array", **items},
                {"type": "null"},
                *({"allOf": [schema, {"not": {"type": "array"}}]} for schema in single),
            ]
        }


def _summary(target: Callable[..., Any]) -> str:
    return inspect.cleandoc(target.__doc__ or "").partition("\n")[0]
