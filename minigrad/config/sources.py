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
"""The name of the source of all overrides, of which each is a line."""

VERSION = 1
"""The version of the config language, which resolved configs carry."""

LANGUAGE_KEYS = ("base", "version")
"""Keys of a config besides the parameters of the signature."""

MAX_BASES = 8

# a path is no deeper than a file may be
_OVERRIDE = re.compile(rf"(-{{0,2}})(\w+(?:\.\w+){{0,{MAX_DEPTH - 1}}})=")


def read_files(path: Path, keys: str, report: Diagnostics) -> list[MappingNode]:
    """Read a config and all of its bases.

    From the lowest up: the farthest base first, the file last.

    `keys` is what a config can say, for a person whose file is empty.

    Raises:
        ConfigError: where a file cannot be read.
    """
    layers: list[MappingNode] = []
    chain: list[Path] = []
    place: Span | None = None
    following: Path | None = path
    while following is not None:
        chain.append(following)
        layer = _file(following, place, keys, report)
        layers.insert(0, layer)
        following, place = _base(layer, chain, report)
    return layers


def read_overrides(overrides: Sequence[str], report: Diagnostics) -> list[MappingNode]:
    """Read `key.path=value` overrides, one config for each.

    For positions in errors they are the lines of one source.
    """
    one_line = [" ".join(override.splitlines()) for override in overrides]
    source = Source(OVERRIDES, "\n".join(one_line))
    layers = []
    for number, override in enumerate(one_line, 1):
        place = Span(source, number, 1, len(override))
        if not (match := _OVERRIDE.match(override)):
            report.add(
                place, f"{override[:60]!r} is no override", "write key=value, as in optimizer.lr=1e-3 or model=GPT"
            )
            continue
        if (key := match.group(2)) in LANGUAGE_KEYS:
            report.add(place, f"'{key}' belongs in a file", f"write a file that begins with {key}: ...")
            continue
        # the value alone, in its own column, so that its places are those of the argument
        alone = " " * match.end() + override[match.end() :]
        try:
            node: Node = read(source, alone, report, number)
        except ConfigError:
            # it is in the report, where others may follow
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


def _file(path: Path, asked_at: Span | None, keys: str, report: Diagnostics) -> MappingNode:
    return read_text(read_file(path, report, asked_at), keys, report)


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
    """Remove `base` from a source; return the file it names."""
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
        report.stop(node.place, "this base leads back to itself", shown)
    if len(chain) > MAX_BASES:
        report.stop(node.place, f"bases are more than {MAX_BASES} deep", shown)
    if os.path.isfile(path) and path.suffix not in (".yaml", ".yml"):  # messages show lines of it, which may be private
        report.stop(node.place, f"'base' must be a YAML file, not {node}", "write base: other.yaml")
    return path, node.place
