from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest

from minigrad.config.annotations import Inexpressible, ListOf, spec_of
from minigrad.config.signature import facts_of, signature_of

Targets = Literal["index", "one_hot"]

if TYPE_CHECKING:
    from decimal import Decimal


class Layer:
    width: int
    weight: Decimal | list[float]

    def __init__(self, width: int, *rest: float, name: str = "x", hook: Any = 0) -> None:
        pass

    @property
    def depth(self) -> int:
        return 1

    @functools.cached_property
    def names(self) -> list[str]:
        return []

    @property
    def unknown(self):
        return 1


class Wider(Layer):
    @property
    def height(self) -> float:
        return 1.0


@dataclass
class Settings:
    steps: int
    rates: list[float] = field(default_factory=lambda: [0.1])
    layer: Layer = field(default_factory=lambda: Layer(3))
    hidden: int = field(default=0, init=False)


def test_annotations_written_as_texts_are_resolved() -> None:
    parameters = signature_of(Layer).parameters
    assert parameters["width"].spec == spec_of(int)
    assert parameters["rest"].spec == ListOf(spec_of(float), tuple)
    assert parameters["rest"].is_variadic


def test_a_signature_is_shown_as_it_is_written() -> None:
    assert str(signature_of(Layer)) == "Layer(width: int, *rest: float, name: str = 'x', hook: Any = 0)"


def test_of_a_long_signature_an_excerpt_shows_the_parameters_in_question() -> None:
    def short(width: int, height: int = 1) -> None: ...
    def long(width: int, height: int = 1, name: str = "the default of this one takes a lot of room" * 2) -> None: ...

    assert signature_of(short).excerpt(["width"]) == "short(width: int, height: int = 1)"
    assert signature_of(long).excerpt(["height"]) == "long(height: int = 1, ...)"
    assert signature_of(long).excerpt([]) == "long(...)"
    assert len(str(signature_of(long))) > 100


def test_a_choice_is_shown_with_what_there_is_to_choose() -> None:
    def run(targets: Targets = "index") -> None:
        pass

    assert str(signature_of(run)) == "run(targets: Literal['index', 'one_hot'] = 'index')"


def test_what_follows_a_variadic_parameter_has_no_position() -> None:
    assert [parameter.name for parameter in signature_of(Layer).positional] == ["width"]


def test_an_open_signature_leaves_its_first_parameter_to_the_run() -> None:
    assert list(signature_of(Settings, is_open=True).parameters) == ["rates", "layer"]


def test_the_fields_of_a_dataclass_are_its_parameters_with_the_defaults_that_their_factories_make() -> None:
    parameters = signature_of(Settings).parameters
    assert list(parameters) == ["steps", "rates", "layer"]
    assert parameters["rates"].default == [0.1]
    assert parameters["steps"].is_required


def test_a_class_without_a_constructor_takes_nothing() -> None:
    class Bare:
        pass

    assert signature_of(Bare).parameters == {}


def test_a_function_has_a_signature_too() -> None:
    def run(name: str, steps: int = 3) -> None:
        pass

    assert str(signature_of(run)) == "run(name: str, steps: int = 3)"


def test_an_argument_that_only_python_can_give_may_be_left_out() -> None:
    assert isinstance(signature_of(Layer).parameters["hook"].spec, Inexpressible)
    assert signature_of(Layer).refusal == ""


class Greedy:
    def __init__(self, **options: int) -> None:
        pass


class Sloppy:
    def __init__(self, width=3) -> None:
        pass


class NeedsPython:
    def __init__(self, hook: Any) -> None:
        pass


class Unresolved:
    def __init__(self, width: Decimal) -> None:
        pass


class Loose:
    def __init__(self, *layers) -> None:
        pass


@pytest.mark.parametrize(
    ("cls", "why"),
    [
        (Greedy, "it takes **options, which cannot be checked: write its parameters out, annotated"),
        (Sloppy, "its parameter 'width' has no annotation: write 'width: int', or its type"),
        (Loose, "its parameter 'layers' has no annotation: write 'layers: int', or its type"),
        (NeedsPython, "its parameter 'hook' is annotated Any, which a config cannot write"),
        (
            Unresolved,
            "its annotations cannot be read: name 'Decimal' is not defined; what they name must be importable",
        ),
    ],
)
def test_a_class_that_cannot_be_checked_is_refused_with_the_reason(cls: type, why: str) -> None:
    assert signature_of(cls).refusal == why


def test_a_class_publishes_its_annotated_properties_and_those_of_its_bases() -> None:
    facts = facts_of(Wider)
    assert facts["depth"] == spec_of(int)
    assert facts["names"] == spec_of(list[str])
    assert facts["height"] == spec_of(float)
    assert "unknown" not in facts


def test_annotated_attributes_are_published_too() -> None:
    assert facts_of(Settings)["steps"] == spec_of(int)
