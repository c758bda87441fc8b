"""Validated reading of a run's files.

Every value is checked, because another program may have changed the files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minigrad.facts import COUNT, NUMBER, SIZE, TEXT, TIME, Rule, by_name, is_time, list_of, or_none, require, shown
from minigrad.paths import require_file
from minigrad.version import __version__

FORMAT = 3
"""The format version of `run.json` and checkpoints.

Since 2, a checkpoint has digests of config and data, and `best` has the config. Since 3, it has the length and checksum
of `metrics.jsonl` instead of its text, `best` describes the data so that it can be used without it, and the
files of models/ are in `code/`.
"""


class RunError(ValueError):
    """A file of a run that cannot be used."""


class NewerRunError(RunError):
    """A run in the format of a newer minigrad."""


def read_config(run: Path) -> str:
    """Return the config of a run.

    Raises:
        RunError: if it is missing or not text.
    """
    return _text(run / "config.yaml")


def read_facts(run: Path) -> dict[str, Any]:
    """Return the content of `run.json`.

    The dict is empty if the file does not exist.

    Raises:
        RunError: if it is not JSON or has a value of a wrong type.
        NewerRunError: if it was written by a newer minigrad.
    """
    path = run / "run.json"
    if not path.exists():
        return {}
    facts = _object(_text(path), f"{path}")
    require_format(facts.get("format"), f"{path}: ")
    try:
        require(facts, _FACTS, f"{path}: ")
    except ValueError as error:
        raise RunError(str(error)) from None
    return facts


def read_records(run: Path) -> list[dict[str, Any]]:
    """Return the records of `metrics.jsonl`.

    An incomplete last line is ignored. The list is empty if the file does not exist.

    Raises:
        RunError: for a line that is not a record.
    """
    path = run / "metrics.jsonl"
    records = []
    for number, line in enumerate(_text(path).split("\n")[:-1] if path.exists() else (), 1):
        record = _object(line, f"{path}:{number}")
        for name, value in record.items():
            if not (value is None or NUMBER.holds(value)):
                raise RunError(f"{path}:{number}: {name!r} must be a number, found {shown(value)}")
        if not COUNT.holds(record.get("step")):
            raise RunError(f"{path}:{number}: 'step' must be an integer from 0, found {shown(record.get('step'))}")
        records.append(record)
    return records


def require_format(found: Any, of: str = "") -> None:
    """Check a format version, which may be missing.

    Raises:
        RunError: if it is not a version; begins with `of`.
        NewerRunError: if it is the version of a newer minigrad.
    """
    if found is None:
        return
    if not SIZE.holds(found):
        raise RunError(f"{of}expected a format from 1 to {FORMAT}, found {shown(found)}")
    if found > FORMAT:
        raise NewerRunError(
            f"{of}written by a newer minigrad, in format {found}; minigrad {__version__} reads 1 to {FORMAT}"
        )


def _text(path: Path) -> str:
    try:
        require_file(path)
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: expected text in UTF-8, found the byte 0x{error.object[error.start]:02x}") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from None


def _object(text: str, place: str) -> dict[str, Any]:
    try:
        content = json.loads(text, parse_constant=_no_number)
        json.dumps(content, ensure_ascii=False).encode()  # a lone surrogate cannot be encoded
    except (ValueError, RecursionError) as error:
        raise RunError(f"{place}: expected JSON: {error}") from None
    if not isinstance(content, dict):
        raise RunError(f"{place}: expected an object in JSON, found {shown(content)}")
    return content


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


_NOTES = by_name(or_none(Rule("a text or number", lambda value: TEXT.holds(value) or NUMBER.holds(value))))
_VALUE = Rule(
    "a number, text, list or null", lambda value: value is None or NUMBER.holds(value) or isinstance(value, str | list)
)
_STRETCH = Rule(
    "an object with the time `started`", lambda value: isinstance(value, Mapping) and is_time(value.get("started"))
)
_FACTS = {
    "arguments": list_of(TEXT),
    "best": or_none(_NOTES),
    "blas": TEXT,
    "config_digest": TEXT,
    "data_digests": by_name(TEXT),
    "ended": TIME,
    "exit_code": NUMBER,
    "git_commit": or_none(TEXT),
    "machine": _NOTES,
    "packages": list_of(TEXT),
    "reason": TEXT,
    "results": by_name(_VALUE),
    "resumed": list_of(_STRETCH),
    "seconds": Rule("a number from 0", lambda value: NUMBER.holds(value) and 0 <= value < 2**53),
    "seed": NUMBER,
    "started": TIME,
    "status": TEXT,
    "versions": by_name(TEXT),
}
"""The rule of each fact of `run.json`."""
