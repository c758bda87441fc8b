"""Unions: which of their types a value in a config is read as, and which types fit them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from minigrad.config import ConfigError, Registry, load_plan
from minigrad.config.annotations import Inexpressible, Plain, Union, convert, fits, spec_of, type_of
from tests.config.conftest import EarlyStopping, Linear, Module, ReLU

Read = Callable[[str], Any]


@pytest.fixture
def read(here: Path, registry: Registry) -> Callable[[Any], Read]:
    """`read(annotation)(text)` is the value that a text becomes."""

    def read(annotation: Any) -> Read:
        def run(x: Any) -> Any:
            return x

        run.__annotations__["x"] = annotation

        def value(text: str) -> Any:
            Path("mine.yaml").write_text(f"x: {text}")
            return load_plan("mine.yaml", run, registry).build()

        return value

    return read


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (list[int] | list[str], "[1, 2]", [1, 2]),
        (list[int] | list[str], "[a, b]", ["a", "b"]),
        (list[list[int]] | list[dict[str, int]], "[[1]]", [[1]]),
        (list[list[int]] | list[dict[str, int]], "[{a: 1}]", [{"a": 1}]),
        (list[int | str] | dict[str, int], "[a, 1]", ["a", 1]),
        (dict[str, int] | list[int | str], "[1, a]", [1, "a"]),
        (tuple[int, int] | list[int], "[1, 2]", (1, 2)),
        (tuple[int, int] | list[int], "[1, 2, 3]", [1, 2, 3]),
        (tuple[int, int] | list[str], "[a, b]", ["a", "b"]),
        (tuple[()] | list[int], "[1]", [1]),
        (tuple[()] | list[int], "[]", ()),
        (list[int] | tuple[int, int], "[]", []),
        (tuple[int, ...] | int, "[]", ()),
        (tuple[int, ...] | int, "3", 3),
        (int | list[int], "[3]", [3]),
        (Literal["same"] | int | tuple[int, int], "same", "same"),
        (Literal["same"] | int | tuple[int, int], "[1, 2]", (1, 2)),
        (list[int] | None, "null", None),
        (list[int] | None, "[1]", [1]),
        (dict[str, list[int]] | None, "{a: []}", {"a": []}),
        (dict[str, int] | str, "{Linear: 1}", {"Linear": 1}),
    ],
)
def test_a_value_is_read_as_the_first_type_that_suits(
    read: Callable[[Any], Read], annotation: Any, text: str, expected: Any
) -> None:
    value = read(annotation)(text)
    assert value == expected
    assert type(value) is type(expected)


def test_classes_beside_plain_types_are_built_and_told_apart(read: Callable[[Any], Read]) -> None:
    either = read(Module | int | list[Module])
    assert isinstance(either("ReLU"), ReLU)
    assert either("{Linear: [2, 3]}").arguments == (2, 3, True)
    assert either("3") == 3
    assert [type(layer) for layer in either("[ReLU, {Linear: [2, 3]}]")] == [ReLU, Linear]
    settings = read(EarlyStopping | bool | None)
    assert settings("{patience: 3}") == EarlyStopping(patience=3)
    assert settings("{EarlyStopping: {patience: 3}}") == EarlyStopping(patience=3)
    assert settings("true") is True
    assert settings("null") is None


@pytest.mark.parametrize(
    ("annotation", "text", "said"),
    [
        (int | None, "many", "'x' must be an integer or null, not the text 'many'"),
        (list[int] | None, "many", "'x' must be a list, each item an integer or null, not the text 'many'"),
        (list[int] | None, "[many]", "item 0 of 'x' must be an integer, not the text 'many'"),
        (int | list[int], "many", "'x' must be an integer or a list, each item an integer, not the text 'many'"),
        (tuple[int, int] | str, "[1]", "'x' must be a list of 2 (an integer, an integer) or a text, not a list of 1"),
        (list[int] | list[str], "[1, a]", "item 1 of 'x' must be an integer, not the text 'a'"),
        (Module | int, "{patience: 3}", "'x' must be a Module or an integer, not a mapping"),
    ],
)
def test_what_suits_no_type_is_told_of_all_and_what_suits_one_of_that(
    read: Callable[[Any], Read], annotation: Any, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(annotation)(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "wanted", "right"),
    [
        (int | str, int | str, True),
        (int | str, str | int | None, True),
        (int | str | None, int | str, False),
        (list[int] | list[str], list[int | str], True),
        (list[int | str], list[int] | list[str], False),
        (tuple[int, str], list[int | str], True),
        (tuple[int, str], list[int], False),
        (tuple[int, str], tuple[float, str | None], True),
        (tuple[int, str], tuple[int, str, str], False),
        (dict[str, int | None], dict[str, int], False),
        (dict[str, int], list[int], False),
        (list[int], dict[str, int], False),
        (int, list[int], False),
        (list[int], int, False),
        (int, Sequence[int], False),
        (Path, str, False),
        (Literal[1, 2], float, True),
        (Literal[1, 2.5], int, False),
        (int, Linear, False),
        (Linear, int, False),
    ],
)
def test_a_type_fits_a_union_if_each_of_its_values_fits_a_part(given: Any, wanted: Any, right: bool) -> None:
    assert fits(spec_of(given), spec_of(wanted)) is right


def test_of_what_cannot_be_written_nothing_is_said_in_advance() -> None:
    assert fits(spec_of(object), spec_of(int))
    assert not fits(spec_of(int), spec_of(object))


def test_a_union_of_what_cannot_be_written_says_why_the_first_cannot() -> None:
    first = spec_of(Callable[..., int] | dict[int, str])
    assert first == spec_of(Callable[..., int])
    assert isinstance(first, Inexpressible)
    assert spec_of(int | None) == Union((Plain(int), Plain(type(None))))


@pytest.mark.parametrize(
    "annotation",
    [int, Literal[1], int | str, list[int], tuple[int, str], dict[str, int], Linear, Callable[..., int]],
)
def test_the_type_of_an_annotation_is_a_value_that_nothing_changes(annotation: Any) -> None:
    spec, same = spec_of(annotation), spec_of(annotation)
    assert {spec: 1}[same] == 1
    with pytest.raises(AttributeError):
        setattr(spec, next(iter(vars(spec))), None)


def test_data_has_the_types_of_its_items() -> None:
    assert fits(type_of({"a": 1, "b": "x"}), spec_of(dict[str, int | str]))
    assert not fits(type_of({"a": 1, "b": "x"}), spec_of(dict[str, int]))
    assert not fits(type_of([1, "x"]), spec_of(list[int]))


@pytest.mark.parametrize(
    ("value", "annotation", "converted"),
    [
        (3, int | float, 3),
        (3, Literal[3] | float, 3),
        (3, str | float, 3.0),
        (2.0, int | str, 2),
        ("a", int | Path, Path("a")),
    ],
)
def test_a_value_keeps_its_type_where_the_union_has_it(value: Any, annotation: Any, converted: Any) -> None:
    result = convert(value, spec_of(annotation))
    assert result == converted
    assert type(result) is type(converted)
