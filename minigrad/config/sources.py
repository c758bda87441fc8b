"""Sources of a config: the file, its bases, the overrides."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from minigrad.config.diagnostics import ConfigError, Diagnostics, Source, Span
from minigrad.config.nodes import Key, MappingNode, Node, ScalarNode
from minigrad.config.reader import MAX_DEPTH, read, read_file

OVERRIDES = "command line"
"""The name of the source of all overrides, in which each is a line."""

VERSION = 1
"""The version of the config language, which resolved configs carry."""

LANGUAGE_KEYS = ("base", "version")
"""Keys of a config besides the parameters of the signature."""

MAX_BASES = 8

# a path is no deeper than the values of a file
_OVERRIDE = re.compile(rf"(-{{0,2}})(\w+(?:\.\w+){{0,{MAX_DEPTH - 1}}})=")


def read_files(path: Path, keys: str, report: Diagnostics) -> list[MappingNode]:
    """Read a config and all of its bases.

    The farthest base is first, and the config last.

    `keys` lists the keys of a config, for the error about an empty file.

    Raises:
        ConfigError: if a file cannot be read.
    """
    layers: list[MappingNode] = []
    chain: list[Path] = []
    place: Span | None = None
    following: Path | None = path
    while following is not None:
        chain.append(following)
        layer = read_text(read_file(following, report, place), keys, report)
        layers.insert(0, layer)
        following, place = _base(layer, chain, report)
    return layers


def read_overrides(overrides: Sequence[str], report: Diagnostics) -> list[MappingNode]:
    """Read `key.path=value` overrides, each as a config.

    In the places of errors, they are the lines of one source.
    """
    one_line = [" ".join(override.splitlines()) for override in overrides]
    source = Source(OVERRIDES, "\n".join(one_line))
    layers = []
    for number, override in enumerate(one_line, 1):
        place = Span(source, number, 1, len(override))
        if not (match := _OVERRIDE.match(override)):
            report.add(
                place, f"{override[:60]!r} is not an override", "write key=value, as in optimizer.lr=1e-3 or model=GPT"
            )
            continue
        if (key := match.group(2)) in LANGUAGE_KEYS:
            report.add(place, f"'{key}' belongs in a file", f"write a file that begins with {key}: ...")
            continue
        # only the value, in its original column, so that places refer to the argument
        alone = " " * match.end() + override[match.end() :]
        try:
            node: Node = read(source, alone, report, number)
        except ConfigError:
            # already in the report, which may get more errors
            continue
        if isinstance(node, ScalarNode) and not node.text:
            node = ScalarNode(place, None, "")
        end = match.end(2)
        for word in reversed(key.split(".")):
            at = Span(source, number, end - len(word) + 1, len(word))
            node = MappingNode(at, {Key(word, at): node})
            end -= len(word) + 1
        assert isinstance(node, MappingNode)
        layers.append(node)
    return layers


def read_text(source: Source, keys: str, report: Diagnostics) -> MappingNode:
    """Read a config from a text, without its bases.

    Arguments and errors are those of `read_files`.
    """
    node = read(source, source.text, report)
    top = Span(source, 1)
    match node:
        case MappingNode():
            _check_version(node, report)
            entries = {key: value for key, value in node.entries.items() if key != "version"}
            return MappingNode(top, entries)
        case ScalarNode(text=""):
            what = "holds only comments" if source.text.strip() else "is empty"
            report.stop(top, f"this config {what}", f"write 'key: value' lines; {keys}")
        case _:
            report.stop(node.place, f"a config is a mapping, not {node}", f"write 'key: value' lines; {keys}")


def _check_version(node: MappingNode, report: Diagnostics) -> None:
    version = next((value for key, value in node.entries.items() if key == "version"), None)
    if version is not None and not (isinstance(version, ScalarNode) and version.value == VERSION):
        is_newer = isinstance(version, ScalarNode) and isinstance(version.value, int) and version.value > VERSION
        hint = f"write 'version: {VERSION}', or use a newer minigrad"
        message = f"this minigrad reads version {VERSION} of the config language"
        message += ", and this was written by a newer minigrad" if is_newer else ""
        report.add(version.place, message, hint)


def _base(layer: MappingNode, chain: list[Path], report: Diagnostics) -> tuple[Path | None, Span | None]:
    """Remove `base` from a source, and return the file that it names."""
    node = next((value for key, value in layer.entries.items() if key == "base"), None)
    if node is None:
        return None, None
    del layer.entries[Key("base", node.place)]
    if not (isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value.isprintable()):
        # without its base, nearly everything else would seem to be missing
        report.stop(node.place, f"'base' must be the path of a config, not {node}", "write base: other.yaml")
    path = chain[-1].parent / node.value
    shown = " -> ".join(str(p) for p in [*chain, path])
    if Path(node.value).is_absolute():
        report.stop(node.place, "'base' must be a relative path", f"it starts at {chain[-1].parent}")
    if os.path.realpath(path) in map(os.path.realpath, chain):
        report.stop(node.place, "these bases form a cycle", shown)
    if len(chain) > MAX_BASES:
        report.stop(node.place, f"bases are more than {MAX_BASES} deep", shown)
    # messages would show lines of another file, which may be private
    if os.path.isfile(path) and path.suffix not in (".yaml", ".yml"):
        report.stop(node.place, f"'base' must be a YAML file, not {node}", "write base: other.yaml")
    return path, node.place
