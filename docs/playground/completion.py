"""Completion of a config as it is typed, from minigrad's own JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

ITEM = "-"
"""The step in a path that stands for the items of a list."""


def complete(schema: Schema, text: str, line: int, column: int) -> dict[str, Any]:
    """Return the completions at a place of a config.

    Args:
        schema: the schema of configs (`minigrad.config.json_schema`).
        text: the config.
        line: the line of the cursor, from 0.
        column: the column of the cursor, from 0.

    Returns:
        `start`, the column where the word under the cursor begins, and `words`, each with the text to insert and a
        description.
    """
    lines = text.split("\n")
    before = lines[line][:column]
    word = re.search(r"[\w.]*$", before)
    assert word is not None
    path, in_value = _path(lines[:line], before[: word.start()])
    words: dict[str, str] = {}
    for found in _at(schema, schema, path):
        names = found.get("properties", {}) if not in_value else _inline(found.get("properties", {}))
        for name, described in names.items():
            words[name] = words.get(name) or described.get("description", "")
        for value in found.get("enum", ()) if in_value or path[-1:] == [ITEM] else ():
            shown = {True: "true", False: "false", None: "null"}.get(value, str(value))
            words.setdefault(shown, "")
        if found.get("type") == "boolean" and in_value:
            words |= dict.fromkeys(("true", "false"), "")
    typed = word[0].lower()
    fitting = sorted((n for n in words if n.lower().startswith(typed)), key=lambda n: (n.islower(), n))
    suffix = "" if in_value else ": "
    bare = {value for found in _at(schema, schema, path) for value in found.get("enum", ())}
    return {
        "start": word.start(),
        "words": [{"text": n + ("" if n in bare else suffix), "name": n, "about": words[n]} for n in fitting],
    }


def _inline(properties: Schema) -> Schema:
    """Return the class names among properties: after a colon, only a class can follow, in brackets or alone."""
    return {name: schema for name, schema in properties.items() if name[:1].isupper()}


def _path(above: list[str], before: str) -> tuple[list[str], bool]:
    """Return the keys that lead to a place, from the lines above and the text before it, and whether it is a value."""
    path, in_value = _in_line(before)
    indent = len(before) - len(before.lstrip(" "))
    is_item = before.lstrip(" ").startswith("- ")
    for text in reversed(above):
        stripped = text.lstrip(" ")
        own, begins_item = len(text) - len(stripped), stripped.startswith("- ")
        holds_list = is_item and own == indent and not begins_item  # a list may start in the column of its key
        if not stripped or stripped.startswith("#") or not (own < indent or holds_list):
            continue
        keys, _ = _in_line(re.sub(r"\s+#.*$", "", stripped).rstrip())
        is_sibling = begins_item and own + 2 == indent and not is_item
        path = (keys[:1] if is_sibling else keys) + path
        indent, is_item = own, begins_item
        if indent == 0 and not is_item:
            break
    return path, in_value


def _in_line(text: str) -> tuple[list[str], bool]:
    """Return the open keys at the end of a line, and whether the last one has no value yet."""
    path: list[str] = []
    depths: list[int] = []
    in_value = False
    for token in re.findall(r"'[^']*'?|\"[^\"]*\"?|[\w.]+\s*:(?=\s|$)|[\w.]+|[{}\[\],]|-(?=\s|$)", text.lstrip(" ")):
        if token == "-" and not path:
            path.append(ITEM)
        elif token.endswith(":"):
            path.append(token[:-1].strip())
            in_value = True
        elif token in "{[":
            depths.append(len(path))
            path += [ITEM] if token == "[" else []
            in_value = token == "["
        elif token in "}]" and depths:
            del path[depths.pop() :]
            del path[len(path) - 1 :]
            in_value = False
        elif token == "," and depths:
            del path[depths[-1] :]
            is_list = text.rstrip().count("[") > text.count("]")
            path += [ITEM] if is_list else []
            in_value = is_list
    return path, in_value


def _at(root: Schema, schema: Schema, path: list[str]) -> list[Schema]:
    """Return the schemas, without alternatives, at a path."""
    found = list(_alternatives(root, schema))
    for step in path:
        found = [leaf for one in found for below in _below(one, step) for leaf in _alternatives(root, below)]
    return found


def _below(schema: Schema, step: str) -> Iterator[Schema]:
    if step == ITEM:
        items = schema.get("items", schema.get("additionalItems", ()))
        yield from items if isinstance(items, list) else [items] if isinstance(items, dict) else []
        if isinstance(schema.get("additionalItems"), dict):
            yield schema["additionalItems"]
    elif step in schema.get("properties", {}):
        yield schema["properties"][step]
    elif isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]


def _alternatives(root: Schema, schema: Schema, depth: int = 0) -> Iterator[Schema]:
    """Yield the alternatives of a schema, following references."""
    if "$ref" in schema:
        yield from _alternatives(root, root["definitions"][schema["$ref"].rpartition("/")[2]], depth + 1)
    elif any(word in schema for word in ("anyOf", "allOf")):
        for one in [*schema.get("anyOf", ()), *schema.get("allOf", ())]:
            yield from _alternatives(root, one, depth + 1)
        if "properties" in schema:
            yield {key: value for key, value in schema.items() if key not in ("anyOf", "allOf")}
    else:
        yield schema
