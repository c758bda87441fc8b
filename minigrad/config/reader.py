"""YAML reader: text to nodes with places.

It reads YAML 1.2's core schema, without tags, which name code, and anchors, which make a config harder to read.

PyYAML splits the text into events. Their meaning is decided here, because PyYAML's own rules are those of YAML 1.1, in
which `no` is false and `1e-3` a text.
"""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml
from yaml import events

from minigrad.config.diagnostics import Diagnostics, Source, Span
from minigrad.config.nodes import Key, MappingNode, Node, Scalar, ScalarNode, SequenceNode
from minigrad.suggest import did_you_mean

MAX_BYTES = 2**20
MAX_DEPTH = 64
MAX_LINES = 10_000
MAX_VALUES = 5_000
MAX_BITS = 64

# YAML 1.2.2, section 10.3.2 (core schema); everything else is a text
_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + name: float(sign + "inf") for sign in ("", "+", "-") for name in (".inf", ".Inf", ".INF")},
}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_PADDED = re.compile(r"[-+]?0[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

OLD_BOOLEANS = {"y", "n", "yes", "no", "on", "off"}
"""Words that YAML 1.1, which many tools still read, takes for true and false."""

_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

_NO_PAIR = ("this is not a 'key: value' pair", "write a ':' and a space after the key")

_JOINERS = "\u200c\u200d"  # part of words in some scripts, and of emoji
_MAYBE_INVISIBLE = re.compile(rf"[^\x00-\x7f{_JOINERS}]")

# a pattern for PyYAML's message, the message to show, and the remedy; the first match counts. "opened before" is
# appended to PyYAML's message if the error is far from the bracket or quote that caused it, whose place is then shown
_SYNTAX = (
    (r"character '\\t'", "a tab where YAML requires spaces", "indent with spaces"),
    (r"cannot start any token", "a text cannot begin with this character", "put the text in quotes"),
    (r"mapping values are not allowed", "this ':' begins a second 'key: value' inside a value",
     "on one line write {key: value}; else check the indentation of this line and the one above\n"
     "a text that contains ': ' needs quotes"),
    (r"could not find expected ':'", *_NO_PAIR),
    (r"(expected <block end>|expected '<document start>'), but found '[]}]'", "this bracket was never opened",
     "delete it"),
    (r"expected ',' or '\}', but got '\]'", "this ] closes no [: a { is open here", "delete it, or close the { first"),
    (r"expected <block end>", "this line does not fit those above it",
     "lines of one mapping or list begin in the same column; a list's lines all begin with '- '"),
    (r"expected ',' or '[]}]'.* opened before", "this bracket is not closed where it should be",
     "close it with ] or }"),
    (r"expected ',' or '[]}]'", "inside brackets, a ',' or the closing bracket belongs here", ""),
    (r"unexpected end of stream", "this quote is never closed", "close it"),
    (r"unknown escape", "no such escape in a text in double quotes",
     r"write '\\' for a backslash, or use single quotes"),
    (r"expected the node content", "a value belongs here", ""),
)  # fmt: skip


def read_file(path: Path, report: Diagnostics, asked_at: Span | None = None) -> Source:
    """Read the text of a config file.

    The file must be in UTF-8, or in UTF-16 with a byte order mark. `asked_at` is the place where another config names
    it as its base.

    Raises:
        ConfigError: if the file cannot be read or is larger than `MAX_BYTES`.
    """
    place = asked_at or Span(Source(str(path), ""))
    if not os.path.isfile(path):
        what = "is not a file" if os.path.exists(path) else "does not exist"
        found = _neighbours(path)
        near = next((name for name in found if Path(name).stem == path.name), None)
        report.stop(place, f"{path} {what}", did_you_mean(path.name, found, f"files in {path.parent}", near))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        report.stop(place, f"{path} cannot be read", error.strerror or str(error))
    if len(raw) > MAX_BYTES:
        report.stop(place, f"{path} is larger than 1 MiB", "a config is a page of text; data belongs in files")
    mark = next((mark for mark in _BYTE_ORDER_MARKS if raw.startswith(mark)), b"")
    encoding = _BYTE_ORDER_MARKS.get(mark, "utf-8")
    raw = raw[len(mark) :]
    try:
        return Source(str(path), raw.decode(encoding))
    except UnicodeDecodeError as error:
        readable = Source(str(path), raw.decode(encoding, errors="replace"))
        wrong = _place_of(readable, readable.text, len(raw[: error.start].decode(encoding)))
        report.stop(wrong, f"this is not {encoding.upper()}", "save the file as UTF-8")


def _neighbours(path: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(path.parent) if name.endswith((".yaml", ".yml")))
    except OSError:
        return []


def read(source: Source, text: str, report: Diagnostics, first: int = 1) -> Node:
    """Parse `text`, which begins on line `first` of `source`.

    Errors after which reading can continue are added to `report`.

    Raises:
        ConfigError: for other errors.
    """
    if len(source.lines) > MAX_LINES:
        hint = "a config is a page of text; data belongs in files"
        report.stop(Span(source, MAX_LINES + 1), f"more than {MAX_LINES:,} lines", hint)
    if control := yaml.reader.Reader.NON_PRINTABLE.search(text):
        message = f"the control character U+{ord(control.group()):04X} is not allowed in a config"
        report.stop(_place_of(source, text, control.start(), first), message, "delete it")
    return _Reader(source, text, report, first).document()


def scalar(text: str) -> Scalar:
    """Return a plain scalar's value by YAML 1.2's core schema.

    Raises:
        OverflowError: for integers of more than 64 bits.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    base = 10 if _DECIMAL.fullmatch(text) else 0 if _BASED.fullmatch(text) else None
    if base is not None:
        # the length first, because Python converts long texts slowly, and refuses very long ones
        if len(text) > MAX_BITS + 3 or (number := int(text, base)).bit_length() > MAX_BITS:
            raise OverflowError(text)
        return number
    return float(text) if _FLOAT.fullmatch(text) else text


class _Reader:
    """A parser of a text's events, in one pass."""

    def __init__(self, source: Source, text: str, report: Diagnostics, first: int) -> None:
        self.source = source
        self.report = report
        self.text = text
        self.first = first
        self.lines = text.splitlines()
        self.has_invisible = False
        self.values = 0
        self.events = self._parse(text)

    def document(self) -> Node:
        """Return the only document; an empty text is an empty scalar."""
        next(self.events)  # the start of the stream
        start = next(self.events)
        if isinstance(start, events.StreamEndEvent):
            return ScalarNode(Span(self.source, self.first), None, "")
        node = self._node(next(self.events), 0)
        next(self.events)  # the end of the document
        if self.has_invisible:  # everything else would be a consequence
            self.report.check()
        if isinstance(second := next(self.events), events.DocumentStartEvent):
            hint = "one file is one config: delete the '---'"
            self.report.stop(self._place(second), "a second document begins here", hint)
        return node

    def _parse(self, text: str) -> Iterator[events.Event]:
        try:
            yield from yaml.parse(text, Loader=yaml.BaseLoader)
        except yaml.MarkedYAMLError as error:
            mark, said = error.problem_mark, f"{error.problem}"
            assert mark is not None
            place = Span(self.source, self.first + mark.line, mark.column + 1)
            line = self._line(place)
            self._note_invisible(mark.index - mark.column, mark.index - mark.column + len(line))
            if self.has_invisible:
                self.report.check()
            if line[max(0, mark.column - 1) :].startswith("${"):
                self.report.stop(place, "a reference inside [ ] or { } needs quotes", "write '${...}' with its quotes")
            if "mapping values" in said and ":" not in line[: mark.column]:
                self._check_pair(place.line - 1)
            start = error.context_mark
            if start is not None and re.search("simple key|flow|quoted", f"{error.context}"):
                self._check_pair(self.first + start.line)
                if start.line < mark.line or "stream" in said:
                    opened = Span(self.source, self.first + start.line, start.column + 1)
                    place, said = opened, f"{said} opened before"
            for pattern, message, hint in _SYNTAX:
                if re.search(pattern, said):
                    self.report.stop(place, message, hint)
            self.report.stop(place, f"not YAML: {said}")
        except (ValueError, OverflowError):
            # PyYAML calls chr() for an escape, and does not catch its error
            beyond = re.search(r"\\U(?!000|0010)[0-9a-fA-F]{8}", text)
            place = _place_of(self.source, text, beyond.start(), self.first) if beyond else Span(self.source)
            self.report.stop(place, "this escape is not a character", r"\U0010FFFF is the last one")

    def _note_invisible(self, start: int, end: int) -> None:
        """Report the first invisible character that YAML treats as a letter."""
        for found in _MAYBE_INVISIBLE.finditer(self.text, start, end):
            if unicodedata.category(found[0]) in ("Zs", "Cf"):  # spaces and characters without width
                name = f"U+{ord(found[0]):04X} ({unicodedata.name(found[0], 'without a name').lower()})"
                hint = "replace it by a space or delete it; if it belongs to a text, put the text in quotes"
                place = _place_of(self.source, self.text, found.start(), self.first)
                self.report.add(place, f"the invisible character {name} counts as a letter here", hint)
                self.has_invisible = True
                return

    def _check_pair(self, number: int) -> None:
        """Stop at an incomplete 'key: value' pair up to line `number`.

        YAML continues reading there, and reports the ':' of the next line, which is correct.
        """
        while number > self.first and not self._line(Span(self.source, number)).partition("#")[0].strip():
            number -= 1
        line = self._line(Span(self.source, number)).rstrip()
        if close := re.match(r"\s*(?:- )?([\w.]+:)([^\s:].*)", line):
            place = Span(self.source, number, close.start(1) + 1, len(close.group(1)))
            self.report.stop(place, "a space is missing after this ':'", f"write {' '.join(close.groups())}")
        if word := re.match(r"\s*([^\s:#'\"\[\]{}-][^:#'\"\[\]{}]*)$", line):
            self.report.stop(Span(self.source, number, word.start(1) + 1, len(word.group(1))), *_NO_PAIR)

    def _node(self, event: events.Event, depth: int) -> Node:
        self.values += 1
        place = self._place(event)
        if depth > MAX_DEPTH:
            hint = "put parts of the model into a class of their own"
            self.report.stop(place, f"nested more than {MAX_DEPTH} deep", hint)
        if self.values > MAX_VALUES:
            hint = "a config is a page of text; data belongs in files"
            self.report.stop(place, f"more than {MAX_VALUES:,} values", hint)
        if isinstance(event, events.AliasEvent):
            self.report.add(place, "aliases are not allowed", "write the value out, or refer to it as ${path.to.value}")
            return ScalarNode(place, None, f"*{event.anchor}")
        assert isinstance(event, events.ScalarEvent | events.CollectionStartEvent)
        if event.anchor is not None:
            hint = "delete it: a value is referred to by its path, as ${path.to.value}"
            self.report.add(place, f"the anchor '&{event.anchor}' is not allowed", hint)
        if event.tag is not None:
            self.report.add(place, "tags are not allowed", "delete it: a config names classes, and holds no code")
        match event:
            case events.ScalarEvent():
                return self._scalar(event, place)
            case events.SequenceStartEvent():
                items = []
                while not isinstance(item := next(self.events), events.SequenceEndEvent):
                    items.append(self._node(item, depth + 1))
                return SequenceNode(place, items)
            case _:
                return MappingNode(place, self._entries(depth))

    def _entries(self, depth: int) -> dict[Key, Node]:
        entries: dict[Key, Node] = {}
        first: dict[str, Key] = {}
        while not isinstance(event := next(self.events), events.MappingEndEvent):
            node = self._node(event, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if not (isinstance(node, ScalarNode) and isinstance(node.value, str)):
                self.report.add(
                    node.place,
                    f"a key must be a text, not {node}",
                    "put it in quotes if it is meant as a name; write a list in [ ], and decimals with a point",
                )
                continue
            key = Key(node.value, node.place)
            if ":" in key and isinstance(value, ScalarNode) and not value.text and not self.has_invisible:
                self.report.add(key.place, "a space is missing after this ':'", f"write {key.replace(':', ': ', 1)}")
                continue
            if first.setdefault(key, key) is not key:
                hint = f"it is already on line {first[key].place.line}: keep one of them"
                self.report.add(key.place, f"the key '{key}' is repeated", hint)
                continue
            entries[key] = value
        return entries

    def _scalar(self, event: events.ScalarEvent, place: Span) -> ScalarNode:
        if re.search("[\ud800-\udfff]", event.value):
            hint = r"write the character itself, or \U and 8 digits"
            self.report.add(place, "half of a surrogate pair is not a character", hint)
        if not event.implicit[0]:
            return ScalarNode(place, event.value, event.value or "''")
        assert event.start_mark is not None
        assert event.end_mark is not None
        self._note_invisible(event.start_mark.index, event.end_mark.index)
        try:
            value = scalar(event.value)
            if _PADDED.fullmatch(event.value) and isinstance(value, int) and abs(value) > 7:
                older = "a text" if re.search("[89]", event.value) else int(event.value, 8)
                said = f"{event.value} is {value} in YAML 1.2, and {older} in YAML 1.1"
                self.report.add(place, said, f"write {value} for the number, or '{event.value}' for the text")
            return ScalarNode(place, value, event.value)
        except OverflowError:
            self.report.add(place, f"this integer has more than {MAX_BITS} bits", "write a smaller number")
            return ScalarNode(place, None, event.value)

    def _place(self, event: events.Event) -> Span:
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        place = Span(self.source, self.first + start.line, start.column + 1)
        width = (end.column if end.line == start.line else len(self._line(place).rstrip())) - start.column
        return replace(place, width=max(1, width))

    def _line(self, place: Span) -> str:
        number = place.line - self.first
        return self.lines[number] if number < len(self.lines) else ""


def _place_of(source: Source, text: str, index: int, first: int = 1) -> Span:
    """Return the place of a character of `text`, which begins on line `first`."""
    before = (text[:index] + "x").splitlines()
    return Span(source, first - 1 + len(before), len(before[-1]))
