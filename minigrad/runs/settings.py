"""A run's config as a flat dict of settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from minigrad.config import ConfigError
from minigrad.config.diagnostics import Diagnostics, Source
from minigrad.config.nodes import data
from minigrad.config.reader import MAX_BYTES, read, scalar

REPEATS = ("seed", "fold")
"""The settings that differ between repeats of one experiment."""

_PLAIN = re.compile(r"[&*!%|>]|\\")  # YAML features that a run's config does not use


class _Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
    """PyYAML's fastest loader with the scalars of configs, 30 times as fast as the reader that tracks places."""

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        """Return the value of a plain scalar, or the text of a quoted scalar."""
        return node.value if node.style in ("'", '"') else scalar(node.value)


def settings_of(config: str) -> dict[str, Any]:
    """Return the settings of a resolved config by dotted key.

    The key of a part itself, such as `optimizer`, has the name of its class, such as AdamW. Items of a list that
    contains classes are numbered.

    Raises:
        ValueError: if the text is not a config.
    """
    try:
        if _PLAIN.search(config) or len(config) > MAX_BYTES:
            report = Diagnostics()
            content = data(read(Source("config.yaml", config), config, report))
            report.check()
        else:
            content = yaml.load(config, Loader=_Loader)
    except (ConfigError, yaml.YAMLError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a config: {error}") from None
    if not isinstance(content, dict):
        raise ValueError("not a config: it has no keys")
    return {key: value for name, part in content.items() if name != "version" for key, value in _flat(str(name), part)}


_ABSENT = object()


def varying(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of settings that differ, with REPEATS last.

    If classes differ, only arguments that all of them have are compared.
    """
    known = dict.fromkeys(key for each in settings for key in each)
    found: list[str] = []
    for key in known:
        values = [each.get(key, _ABSENT) for each in settings]
        if values.count(values[0]) == len(values):  # fast for thousands of runs, which share most settings
            continue
        above = key.split(".")
        parents = (".".join(above[:i]) for i in range(1, len(above)))
        if not any(parent in found and any(key not in each for each in settings) for parent in parents):
            found.append(key)
    return sorted(found, key=lambda key: key in REPEATS)


def _names_class(value: Any) -> bool:
    """Whether a value is a class with its arguments, as a resolved config has them, and not `{Age: median}`."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [(name, arguments)] = value.items()
    return str(name)[:1].isupper() and isinstance(arguments, dict | list)


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if _names_class(value):
        [(name, value)] = value.items()
        yield key, name
        items = value.items() if isinstance(value, dict) else enumerate(value)
    elif isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = enumerate(value)
    else:
        yield key, value
        return
    for word, item in items:
        yield from _flat(f"{key}.{word}", item)
