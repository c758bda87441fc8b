"""The texts that make up one config: a file, the files that it is based on, and the overrides of the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from minigrad.config.nodes import Key, MappingNode, Node, ScalarNode
from minigrad.config.problems import ConfigError, Place, Report, Source
from minigrad.config.reader import MAX_DEPTH, read, read_file

VERSION = 1
"""The version of the config language, which resolved configs carry."""

LANGUAGE_KEYS = ("base", "version")
"""What a config can say besides the parameters of the signature."""

MAX_BASES = 8

# a path is no deeper than a file may be
_OVERRIDE = re.compile(rf"(-{{0,2}})(\w+(?:\.\w+){{0,{MAX_DEPTH - 1}}})=")


def read_files(path: Path, keys: str, report: Report) -> list[MappingNode]:
    """A config and all that it is based on, from the lowest up: the farthest base first, the file last.

    `keys` is what a config can say, for a person whose file is empty. Raises: ConfigError where a file cannot be read.
    """
    layers: list[MappingNode] = []
    chain: list[Path] = []
    place: Place | None = None
    following: Path | None = path
    while following is not None:
        chain.append(following)
        layer = _file(following, place, keys, report)
        layers.insert(0, layer)
        following, place = _base(layer, chain, report)
    return layers


def read_overrides(overrides: Sequence[str], report: Report) -> list[MappingNode]:
    """Reads `key.path=value` texts, as if they were the lines of one file, each into a config of its own."""
    one_line = [" ".join(override.splitlines()) for override in overrides]
    source = Source("command line", "\n".join(one_line))
    layers = []
    for number, override in enumerate(one_line, 1):
        place = Place(source, number, 1, len(override))
        if not (match := _OVERRIDE.match(override)):
            report.add(
                place, f"{override[:60]!r} is no override", "write key=value, as in optimizer.lr=1e-3 or model=GPT"
            )
            continue
        if (key := match.group(2)) in LANGUAGE_KEYS:
            report.add(place, f"'{key}' belongs in a file", f"write a file that begins with {key}: ...")
            continue
        # the value alone, on its own line and column, so that its places are those of the argument
        alone = "\n" * (number - 1) + " " * match.end() + override[match.end() :]
        try:
            node: Node = read(source, alone, report)
        except ConfigError:
            # it is in the report, where others may follow
            continue
        if isinstance(node, ScalarNode) and not node.text:
            node = ScalarNode(place, None, "")
        end = match.end(2)
        for word in reversed(key.split(".")):
            at = Place(source, number, end - len(word) + 1, len(word))
            node = MappingNode(at, {Key(word, at): node})
            end -= len(word) + 1
        assert isinstance(node, MappingNode)
        layers.append(node)
    return layers


def _file(path: Path, asked_at: Place | None, keys: str, report: Report) -> MappingNode:
    source = read_file(path, report, asked_at)
    node = read(source, source.text, report)
    top = Place(source, 1)
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


def _check_version(node: MappingNode, report: Report) -> None:
    version = next((value for key, value in node.entries.items() if key == "version"), None)
    if version is not None and not (isinstance(version, ScalarNode) and version.value == VERSION):
        hint = f"write 'version: {VERSION}', or use a newer minigrad"
        report.add(version.place, f"this minigrad reads version {VERSION} of the config language", hint)


def _base(layer: MappingNode, chain: list[Path], report: Report) -> tuple[Path | None, Place | None]:
    """Takes `base` out of a layer, and returns the file that it names."""
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
    return path, node.place
