"""Values that YAML 1.1 and 1.2 read differently, as texts, integers, truth values and numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from minigrad.config import ConfigError, Plan

PLACES = {
    "a text": ("name: digits", "name: {}"),
    "an integer": ("[64, 10]", "[64, {}]"),
    "true or false": ("[64, 10]", "[64, 10, {}]"),
    "a number": ("lr: 3e-3", "lr: {}"),
}

# what each kind of argument gets; None where the value is refused
READ: dict[str, tuple[object, object, object, object]] = {
    "0x10": (None, 16, None, 16.0),
    "0o17": (None, 15, None, 15.0),
    "007": (None, 7, None, 7.0),
    "1e3": (None, 1000, None, 1000.0),
    "1.e3": (None, 1000, None, 1000.0),
    "1.0e3": (None, 1000, None, 1000.0),
    "1e+3": (None, 1000, None, 1000.0),
    "010.5": (None, None, None, 10.5),
    ".5": (None, None, None, 0.5),
    "5.": (None, 5, None, 5.0),
    "+3": (None, 3, None, 3.0),
    "true": (None, None, True, None),
    "False": (None, None, False, None),
    "~": (None, None, None, None),
    **{
        text: (text, None, None, None)
        for text in ("1_000", "1_000.5", "0X10", "0b11", "1:30", "2001-12-14", "1e", "inf")
    },
    **{text: (text, None, None, None) for text in ("yes", "no", "on", "off", "y", "n", "Yes", "OFF")},
}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(kind, text, value) for text, values in READ.items() for kind, value in zip(PLACES, values, strict=True)],
)
def test_a_value_has_one_reading_or_is_refused(
    plan: Callable[..., Plan], config: str, kind: str, text: str, value: object
) -> None:
    right, wrong = PLACES[kind]
    written = config.replace(right, wrong.format(text))
    if value is None:
        with pytest.raises(ConfigError, match=f"must be {kind}, not"):
            plan(written)
        return
    built = plan(written).build()
    read = {
        "a text": built.name,
        "an integer": built.model.layers[0].arguments[1],
        "true or false": built.model.layers[0].arguments[2],
        "a number": built.optimizer([]).lr,
    }[kind]
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize(
    ("text", "number", "older"), [("010", 10, "8"), ("-0644", -644, "-420"), ("+012", 12, "10"), ("08", 8, "a text")]
)
def test_a_leading_zero_is_refused_with_both_readings(
    error: Callable[..., str], kind: str, text: str, number: int, older: str
) -> None:
    right, wrong = PLACES[kind]
    said = error(right, wrong.format(text))
    assert f"error: {text} is {number} in YAML 1.2, and {older} in YAML 1.1\n" in said
    assert said.endswith(f"write {number} for the number, or '{text}' for the text")


def test_on_the_command_line_too(errors: Callable[..., str], config: str) -> None:
    assert "010 is 10 in YAML 1.2, and 8 in YAML 1.1" in errors(config, "optimizer.lr=010")


@pytest.mark.parametrize("text", ["yes", "no", "on", "off", "y", "N"])
def test_words_for_true_and_false_have_their_remedy(error: Callable[..., str], text: str) -> None:
    assert error("[64, 10]", f"[64, 10, {text}]").endswith("write true or false")


def test_a_remedy_is_not_the_value_again(error: Callable[..., str]) -> None:
    assert error("lr: 3e-3", "lr: 2001-12-14").endswith("write a number, as in 1e-3")
