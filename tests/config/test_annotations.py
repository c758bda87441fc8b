from __future__ import annotations

import collections.abc
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import numpy as np
import pytest

from minigrad.config.annotations import Inexpressible, Instance, Union, convert, fits, spec_of, type_of


class Base:
    pass


class Derived(Base):
    pass


@pytest.mark.parametrize(
    ("annotation", "allowed", "refused"),
    [
        (int, [0, -1, 1e3], [1.5, True, "1", None, float("inf"), float("nan"), 1e300, []]),
        (float, [0, 0.5, float("inf")], [True, "1", None, [1.0]]),
        (bool, [True, False], [0, 1, "true", None]),
        (str, ["", "no"], [0, True, None]),
        (Path, ["a/b"], [1, None]),
        (None, [None], [0, "", False]),
        (Literal["mean", "sum"], ["mean"], ["none", 1, None]),
        (Literal[1, 2], [1], [True, 1.0, "1"]),
        (Optional[int], [1, None], ["1"]),  # noqa: UP045 (the old way of writing is to be read too)
        (typing.Union[int, str], [1, "1"], [None, 1.5]),  # noqa: UP007
        (int | None, [1, None], ["1"]),
        (Annotated[int, "positive"], [1], ["1"]),
        (list[int], [[], [1, 2]], [1, [1.5], [None]]),
        (typing.List[int], [[1]], [["a"]]),  # noqa: UP006
        (collections.abc.Sequence[float], [[1, 2.0]], [["a"], 1]),
        (tuple[int, ...], [[], [1, 2, 3]], [["a"]]),
        (tuple[float, float], [[1, 2]], [[1], [1, 2, 3], ["a", "b"], 1]),
        (dict[str, int], [{}, {"a": 1}], [{"a": "b"}, 1, []]),
        (list[list[int]], [[[1], []]], [[1]]),
    ],
)
def test_an_annotation_allows_the_values_that_it_says(annotation: Any, allowed: list[Any], refused: list[Any]) -> None:
    spec = spec_of(annotation)
    assert [value for value in allowed if not fits(type_of(value), spec)] == []
    assert [value for value in refused if fits(type_of(value), spec)] == []


@pytest.mark.parametrize(
    ("given", "wanted", "right"),
    [
        (int, float, True),
        (float, int, False),
        (bool, int, False),
        (int | None, int, False),
        (int, int | None, True),
        (int | float, float, True),
        (Literal["a"], str, True),
        (str, Literal["a"], False),
        (Literal["a"], Literal["a", "b"], True),
        (Literal["a", "c"], Literal["a", "b"], False),
        (tuple[int, ...], list[int], True),
        (tuple[int, int], list[float], True),
        (list[int], tuple[int, int], False),
        (str, Path, True),
        (dict[str, int], dict[str, float], True),
        (Derived, Base, True),
        (Base, Derived, False),
        (Callable[[Any], Derived], Base, False),
        (Callable[[Any], Derived], Callable[[Any], Base], True),
        (np.ndarray, np.ndarray, True),
    ],
)
def test_one_type_fits_another_if_all_its_values_do(given: Any, wanted: Any, right: bool) -> None:
    assert fits(spec_of(given), spec_of(wanted)) is right


def test_a_callable_of_anything_is_an_object_without_its_first_argument() -> None:
    assert spec_of(Callable[[Any], Base]) == Instance(Base, is_open=True)


@pytest.mark.parametrize(
    "annotation", [Any, object, list, dict, np.ndarray, Callable[..., int], Callable[[int], int], dict[int, str]]
)
def test_what_no_config_can_write_is_inexpressible(annotation: Any) -> None:
    assert isinstance(spec_of(annotation), Inexpressible)


def test_a_union_is_what_of_it_can_be_written() -> None:
    assert spec_of(Callable[..., int] | None) == spec_of(None)
    assert isinstance(spec_of(Callable[..., int] | int | None), Union)


@pytest.mark.parametrize(
    ("value", "annotation", "converted"),
    [
        (3, float, 3.0),
        (1e3, int, 1000),
        (3, int | float, 3),
        (3, float | None, 3.0),
        ("a", str | Path, "a"),
        (None, int | None, None),
    ],
)
def test_a_scalar_becomes_the_type_that_is_asked_for(value: Any, annotation: Any, converted: Any) -> None:
    result = convert(value, spec_of(annotation))
    assert result == converted
    assert type(result) is type(converted)


def test_a_path_is_made_of_a_text() -> None:
    assert convert("a/b", spec_of(Path)) == Path("a/b")


def test_types_are_described_in_words() -> None:
    assert str(spec_of(list[int | None])) == "a list, each item an integer or null"
    assert str(spec_of(tuple[float, bool])) == "a list of 2 (a number, true or false)"
    assert str(spec_of(Literal["a", "b", "c"])) == "'a', 'b' or 'c'"
    assert str(spec_of(dict[str, Base])) == "a mapping of names, each to a Base"
