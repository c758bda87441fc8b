from random import Random

import pytest

from benchmarks.config import measure_configs, typo
from benchmarks.mutation import mutate, random_edits
from benchmarks.table import render_configs


@pytest.fixture(scope="module")
def figures():
    return measure_configs(rounds=2, typos=2, mutations=100)


def test_a_name_of_a_shipped_config_with_one_typo_is_recognised_in_95_of_100_cases(figures):
    assert figures.typos > 200
    assert len(figures.missed) <= 0.05 * figures.typos, figures.missed


def test_a_mutated_config_is_a_plan_or_refused_with_places(figures):
    assert figures.faults == []
    assert 0 < figures.plans < len(figures.mutated) == 100


def test_the_table_tells_what_was_found(figures):
    shown = render_configs(figures)
    assert "200 layers read, checked, built" in shown
    assert f"{figures.plans} plans, {100 - figures.plans} refused, 0 of them wrongly" in shown


def test_a_typo_is_one_edit():
    draw = Random(0)
    assert all(abs(len(typo("Linear", draw)) - 6) <= 1 for _ in range(100))


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (("delete", 1, 0), "a: 1\nc: [x, 3]"),
        (("repeat", 0, 0), "a: 1\na: 1\nb: 2\nc: [x, 3]"),
        (("swap", 0, 1), "b: 2\na: 1\nc: [x, 3]"),
        (("indent", 4, 7), "a: 1\n  b: 2\nc: [x, 3]"),
        (("value", 2, "!t"), "a: 1\nb: 2\nc: [x, !t]"),
        (("insert", 3, "*"), "a: *1\nb: 2\nc: [x, 3]"),
        (("cut", 1, 2), "a1\nb: 2\nc: [x, 3]"),
    ],
)
def test_an_edit_does_what_its_name_says(edit, result):
    assert mutate("a: 1\nb: 2\nc: [x, 3]", [edit]) == result


def test_edits_are_those_of_their_seed():
    assert random_edits(Random(3)) == random_edits(Random(3))
