from __future__ import annotations

import codecs
import math
from pathlib import Path

import pytest

from minigrad.config import ConfigError
from minigrad.config.diagnostics import Diagnostics, Source
from minigrad.config.nodes import data
from minigrad.config.reader import read, read_file, scalar


def parse(text: str) -> object:
    report = Diagnostics()
    node = read(Source("mine.yaml", text), text, report)
    report.check()
    return data(node)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value).rpartition("\n")[0]


# the examples of YAML 1.2.2, section 10.3.2, and what YAML 1.1 would have made of the texts at the end
@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, None) for text in ("", "~", "null", "Null", "NULL")],
        *[(text, True) for text in ("true", "True", "TRUE")],
        *[(text, False) for text in ("false", "False", "FALSE")],
        *[("0", 0), ("-0", 0), ("0o7", 7), ("0x3A", 58), ("-19", -19), ("+12", 12), ("007", 7)],
        *[("0.", 0.0), ("-0.0", 0.0), (".5", 0.5), ("+12e03", 12000.0), ("-2E+05", -200000.0), ("1e-3", 0.001)],
        *[(".inf", math.inf), ("-.Inf", -math.inf), ("+.INF", math.inf)],
        *[
            (text, text)
            for text in ("no", "yes", "on", "off", "y", "1_000", "12:30:45", "2001-12-14", "0b1", "nul", "1e", "e3")
        ],
        *[(text, text) for text in (".", "-", "+", "0x", "0o8", "1.2.3", "Infinity", "nan")],
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert all(math.isnan(value) for text in (".nan", ".NaN", ".NAN") if isinstance(value := scalar(text), float))


def test_what_stands_in_quotes_is_a_text() -> None:
    assert parse("a: '1e-3'\nb: \"true\"\nc: ''") == {"a": "1e-3", "b": "true", "c": ""}


def test_lists_mappings_and_block_texts_are_read() -> None:
    assert parse("a: [1, {b: 2}]\nc:\n  - d\n  - e: |\n      two\n      lines\n") == {
        "a": [1, {"b": 2}],
        "c": ["d", {"e": "two\nlines\n"}],
    }


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_of_all_systems_give_the_same_places(ending: str) -> None:
    assert refusal(ending.join(["name: x", "data: !!tag y", ""])).startswith("mine.yaml:2:7: error: tags")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_utf_8_and_marked_utf_16_are_read(here: Path, mark: bytes, encoding: str) -> None:
    Path("mine.yaml").write_bytes(mark + "name: Übung".encode(encoding))
    assert read_file(Path("mine.yaml"), Diagnostics()).text == "name: Übung"


def test_another_encoding_is_refused_at_the_first_letter_that_shows_it(here: Path) -> None:
    Path("mine.yaml").write_bytes("seed: 1\nname: Übung".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        read_file(Path("mine.yaml"), Diagnostics())
    assert str(caught.value).startswith("mine.yaml:2:7: error: this is not UTF-8")
    assert "save the file as UTF-8" in str(caught.value)


def test_a_missing_file_is_named_and_its_neighbour_suggested(here: Path) -> None:
    Path("digits.yaml").touch()
    with pytest.raises(ConfigError) as caught:
        read_file(Path("digit.yaml"), Diagnostics())
    assert str(caught.value) == (
        "digit.yaml: error: digit.yaml does not exist\n"
        "  did you mean 'digits.yaml'?  files in .: digits.yaml\n"
        "1 error; nothing was run"
    )


def test_a_folder_is_no_config(here: Path) -> None:
    with pytest.raises(ConfigError, match=r"\. is not a file"):
        read_file(Path(), Diagnostics())


def test_a_file_larger_than_a_mebibyte_is_refused(here: Path) -> None:
    Path("mine.yaml").write_bytes(b"#" * 2**20)
    read_file(Path("mine.yaml"), Diagnostics())
    Path("mine.yaml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        read_file(Path("mine.yaml"), Diagnostics())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "seed: 1\nseed: 2",
            "mine.yaml:2:1: error: the key 'seed' is repeated\n"
            "    2 | seed: 2\n"
            "      | ^^^^\n"
            "  it is already on line 1: keep one of them",
        ),
        (
            "data: !!python/object:os.system x",
            "mine.yaml:1:7: error: tags are not allowed\n"
            "    1 | data: !!python/object:os.system x\n"
            "      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "  delete it: a config names classes, and holds no code",
        ),
        (
            "lr: *rate",
            "mine.yaml:1:5: error: aliases are not allowed\n"
            "    1 | lr: *rate\n"
            "      |     ^^^^^\n"
            "  write the value out, or refer to it as ${path.to.value}",
        ),
        (
            "lr: &rate 3",
            "mine.yaml:1:5: error: the anchor '&rate' is not allowed\n"
            "    1 | lr: &rate 3\n"
            "      |     ^^^^^^^\n"
            "  delete it: a value is referred to by its path, as ${path.to.value}",
        ),
        (
            "a: 1\n---\nb: 2",
            "mine.yaml:2:1: error: a second document begins here\n"
            "    2 | ---\n"
            "      | ^^^\n"
            "  one file is one config: delete the '---'",
        ),
        (
            "1: 2",
            "mine.yaml:1:1: error: a key must be a text, not the number 1\n"
            "    1 | 1: 2\n"
            "      | ^\n"
            "  put it in quotes if it is meant as a name; write a list in [ ], and decimals with a point",
        ),
        (
            "seed: 18446744073709551616",
            "mine.yaml:1:7: error: this integer has more than 64 bits\n"
            "    1 | seed: 18446744073709551616\n"
            "      |       ^^^^^^^^^^^^^^^^^^^^\n"
            "  write a smaller number",
        ),
        (
            "a:\n\tb: 1",
            "mine.yaml:2:1: error: a tab where YAML requires spaces\n    2 |  b: 1\n      | ^\n  indent with spaces",
        ),
        (
            "a: [${b.c}]",
            "mine.yaml:1:6: error: a reference inside [ ] or { } needs quotes\n"
            "    1 | a: [${b.c}]\n"
            "      |      ^\n"
            "  write '${...}' with its quotes",
        ),
        (
            "a: [1, 2\n",
            "mine.yaml:1:4: error: this bracket is not closed where it should be\n"
            "    1 | a: [1, 2\n"
            "      |    ^\n"
            "  close it with ] or }",
        ),
        (
            "a: b: c",
            "mine.yaml:1:5: error: this ':' begins a second 'key: value' inside a value\n"
            "    1 | a: b: c\n"
            "      |     ^\n"
            "  on one line write {key: value}; else check the indentation of this line and the one above\n"
            "  a text that contains ': ' needs quotes",
        ),
    ],
)
def test_what_a_config_may_not_hold_is_refused_with_the_remedy(text: str, said: str) -> None:
    assert refusal(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("? [a]\n: 1", "1:3: error: a key must be a text, not a list of 1"),
        ("null: 1", "1:1: error: a key must be a text, not null"),
        ("a: '", "1:4: error: this quote is never closed"),
        ("a: @b", "1:4: error: a text cannot begin with this character"),
        ("a: {b: 1 c: 2}", "1:11: error: inside brackets, a ',' or the closing bracket belongs here"),
        ("- a\nb: 1", "2:1: error: this line does not fit those above it"),
        ("a: [1, 2\nb: 3", "1:4: error: this bracket is not closed where it should be"),
        ("a: {b: c", "1:4: error: this bracket is not closed where it should be"),
        ("a: 1\nb", "2:1: error: this is not a 'key: value' pair"),
        ("a: 1\n# c\nb = 3\n\nd: 2", "3:1: error: this is not a 'key: value' pair"),
        ("a:\n  Sequential\n    - b: 1", "2:3: error: this is not a 'key: value' pair"),
        ("a:\n  - b\n    - c: 1", "3:8: error: this ':' begins a second 'key: value'"),
        ("a: 1\nb:2\nc: 3", "2:1: error: a space is missing after this ':'\n    2 | b:2\n      | ^^\n  write b: 2"),
        ("a:1\n\nb: 2", "1:1: error: a space is missing after this ':'"),
        ("a: {b:1, c: 2}", "1:5: error: a space is missing after this ':'"),
        ("a: ]", "1:4: error: a value belongs here"),
        ("a: {b: [1, 2]]}", "1:14: error: this ] closes no [: a { is open here"),
        ("a:\n  b: [1, 2]]\nc: 3", "2:12: error: this bracket was never opened"),
        ("a: {b: 1}}", "1:10: error: this bracket was never opened"),
        ("[1, 2]]", "1:7: error: this bracket was never opened"),
        ("a:\n\u00a0 b: 1", "2:1: error: the invisible character U+00A0 (no-break space) counts as a letter here"),
        ("a: {b:\u00a01}", "1:7: error: the invisible character U+00A0 (no-break space) counts as a letter here"),
        ("a: [1,\u30002]", "1:7: error: the invisible character U+3000 (ideographic space)"),
        ("lr\u200b: 1", "1:3: error: the invisible character U+200B (zero width space)"),
        ("a: b\n\u2003c: d", "2:1: error: the invisible character U+2003 (em space)"),
        ('a: "\\q"', "1:6: error: no such escape"),
        ('a: "\\UFFFFFFFF"', "1:5: error: this escape is not a character"),
        ('a: "\\ud800"', "1:4: error: half of a surrogate pair is not a character"),
        ("a: b\x07", "1:5: error: the control character U+0007 is not allowed in a config"),
        ("%YAML 3.0\n---\na: 1", "1:1: error: not YAML: found incompatible YAML document"),
        ("a: " + "[" * 65, "1:68: error: nested more than 64 deep"),
        ("a: [" + "1, " * 5_000 + "]", "more than 5,000 values"),
        ("\n" * 10_001, "10001:1: error: more than 10,000 lines"),
    ],
)
def test_what_cannot_be_read_is_shown_where_it_stands(text: str, said: str) -> None:
    assert said in refusal(text)


def test_everything_that_can_be_read_past_is_reported_at_once() -> None:
    said = refusal("a: !t 1\nb: &x 2\nc: *x\na: 3")
    assert [line.split(": ")[0] for line in said.splitlines() if "error" in line] == [
        "mine.yaml:1:4",
        "mine.yaml:2:4",
        "mine.yaml:3:4",
        "mine.yaml:4:1",
    ]


def test_an_invisible_character_is_all_that_is_reported_of_its_consequences() -> None:
    said = refusal("optimizer:\n\u00a0\u00a0SGD: {lr:\u00a00.1}\n")
    assert [line for line in said.splitlines() if "error" in line] == [
        "mine.yaml:2:1: error: the invisible character U+00A0 (no-break space) counts as a letter here",
        "mine.yaml:2:12: error: the invisible character U+00A0 (no-break space) counts as a letter here",
    ]


@pytest.mark.parametrize(
    "text", ["'a\u00a0b'", '"a\u200bb"', "|\n  a\u00a0b", "1  # a\u00a0b", "\U0001f469\u200d\U0001f393"]
)
def test_an_invisible_character_may_stand_in_quotes_in_a_block_and_in_a_comment(text: str) -> None:
    assert isinstance(parse(f"a: {text}"), dict)
