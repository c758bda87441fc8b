"""Mutants of places of the code."""

from difflib import unified_diff
from pathlib import Path

import pytest
import yaml

pytest.importorskip("cosmic_ray")

from cosmic_ray import plugins
from cosmic_ray.mutating import mutate_code

from benchmarks.mutants import EQUIVALENT, PARTS, DeleteStatement, Part, changes_nothing, draw, interval, places

ROOT = Path(__file__).parents[2]
CODE = '''\
"""A module."""
import os

def shifted(x: int | None, by: int = 2) -> int | None:
    """A function."""
    label: str
    x += by
    return x

if TYPE_CHECKING:
    a = 1 + 2
'''


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(plugins.OPERATOR_PROVIDERS, "minigrad", {"DeleteStatement": DeleteStatement})
    Path("code.py").write_text(CODE)
    return Path("code.py")


def test_what_does_something_is_changed_and_no_annotation_docstring_import_or_declaration(path):
    lines = {place[0].start_pos[0] for place in places(path)}
    assert lines == {4, 7, 8}
    on_4 = {mutant.operator_name for place in places(path) for mutant in place if mutant.start_pos[0] == 4}
    assert on_4 == {"core/NumberReplacer"}


def test_a_deleted_statement_leaves_the_lines_around_it():
    assert mutate_code(CODE, DeleteStatement(), 0) == CODE.replace("x += by", "pass")
    assert mutate_code(CODE, DeleteStatement(), 1) == CODE.replace("return x", "pass")


def test_a_seed_draws_the_same_mutants(path):
    part = Part(("*.py",), "")
    first, there = draw(part, 3, seed=1)
    assert first == draw(part, 3, seed=1)[0]
    assert (len(first), there) == (3, len(list(places(path))))
    assert draw(part, 100, seed=1)[0][:3] == first


def test_a_mutant_that_is_no_python_or_known_to_do_the_same_is_none(path):
    EQUIVALENT.parent.mkdir()
    EQUIVALENT.write_text('code.py:\n  "return x -> return +x": a number stays\n')
    for old, new, why in (("x += by", "x += *", "it is not valid Python"), ("return x", "return +x", "a number stays")):
        after = CODE.replace(old, new)
        difference = list(unified_diff(CODE.splitlines(), after.splitlines(), lineterm=""))
        assert changes_nothing(path, after, difference) == why
        assert changes_nothing(Path("other.py"), CODE, difference) == ""


def test_what_is_known_to_do_the_same_is_about_lines_that_are_there():
    for path, mutants in yaml.safe_load((ROOT / EQUIVALENT).read_text(encoding="utf-8")).items():
        text = " ".join((ROOT / path).read_text(encoding="utf-8").split())
        assert [mutant for mutant in mutants if " ".join(mutant.split(" -> ")[0].split()) not in text] == []


def test_the_code_and_tests_of_every_part_exist():
    for part in PARTS.values():
        assert all(list(ROOT.glob(pattern)) for pattern in part.code)
        assert all((ROOT / word).exists() for word in part.tests.split() if not word.startswith("--"))


def test_an_interval_is_that_of_the_literature():
    # Newcombe, Statistics in Medicine 17 (1998), method 3: 81 of 263 and 15 of 148
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
