"""What a dataset has learned, read from a file of others: each part is looked at, and named if it is wrong."""

import math

import numpy as np
import pytest

from minigrad.data import Arrays, ByteText, CharText, Table, TextTable, Tokens, Windows
from minigrad.facts import NUMBER, TEXT, by_name, list_of, or_none, require

ROWS = "\n".join(
    ["a,d,u,y,t", *(f"{i}.5,2020-01-{i % 28 + 1:02},{'pq'[i % 2]},{['no', 'yes'][i % 2]},w x" for i in range(60))]
)
MAKE = {
    "Arrays": lambda folder: Arrays(np.zeros((40, 3), np.float32), np.array(["p", "q"] * 20)),
    "ByteText": lambda folder: ByteText(str(folder / "prose.txt"), 8),
    "CharText": lambda folder: CharText(str(folder / "prose.txt"), 8),
    "Table": lambda folder: Table(str(folder / "rows.csv"), "y", ignore=("t",), dates=("d",)),
    "amounts": lambda folder: Table(str(folder / "rows.csv"), "a", ignore=("t", "d"), targets="scaled"),
    "TextTable": lambda folder: TextTable(str(folder / "rows.csv"), "t", "y"),
    "Tokens": lambda folder: Tokens(str(folder / "tokens.bin"), 9, 8),
    "Windows": lambda folder: Windows(np.arange(90.0) % 11, length=5, horizon=2),
}
WRONG = [True, -1, 2**70, 1.5, math.nan, [None], [[1, "b"]], {"a": 1}, np.zeros((2, 2))]


@pytest.fixture
def data(request, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "prose.txt").write_text("the quick brown fox " * 30)
    (np.arange(900) % 9).astype("<u2").tofile(tmp_path / "tokens.bin")
    return MAKE[request.param](tmp_path)


def forged(value, wrong):
    """Yields the value with each part of it replaced in turn, and the name of the outermost one."""
    yield wrong
    if isinstance(value, dict):
        for name in value:
            yield from ({**value, name: other} for other in forged(value[name], wrong))
    elif isinstance(value, (list, tuple)) and value:
        yield from ([other, *value[1:]] for other in forged(value[0], wrong))


@pytest.mark.parametrize("data", MAKE, indirect=True)
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_each_part_of_a_state_that_is_not_what_a_dataset_learns_is_refused_or_right(data, wrong):
    state, sizes = data.state_dict(), data.sizes()
    names = set(state)
    assert names <= set(type(data)._learned), "each part has a rule"
    for name in names:
        for value in forged(state[name], wrong):
            message = ""
            try:
                type(data).restore({**state, name: value}, sizes).blank()
            except ValueError as error:
                message = str(error)
            fits = type(data)._learned[name].holds(value)
            assert (not message) if fits and name != "features" else (fits or f"{name!r} must be" in message)


@pytest.mark.parametrize("part", ["input_shape", "input_dtype", "num_classes"])
@pytest.mark.parametrize("wrong", [-1, 1.5, "x", [None], {"a": 1}], ids=repr)
def test_sizes_that_are_none_are_refused_by_name(part, wrong):
    data = Arrays(np.zeros((40, 3), np.float32), np.array(["p", "q"] * 20))
    with pytest.raises(ValueError, match=f"'{part}' must be .*, found "):
        Arrays.restore(data.state_dict(), {**data.sizes(), part: wrong})


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (7, "run: expected names with values, found 7"),
        ({1: "a"}, "run: expected names with values"),
        ({"a": 1}, "run: 'a' must be a text, found 1"),
        ({"b": [1, "x"]}, r"run: 'b' must be a list, each item a finite number, or null, found \[1, \"x\"\]"),
        ({"c": {"d": math.inf}}, "run: 'c' must be names, each with a finite number, found"),
        ({"a": np.zeros(2)}, r"run: 'a' must be a text, found \"array"),
    ],
)
def test_a_value_without_its_rule_is_named_with_what_it_must_be(found, message):
    rules = {"a": TEXT, "b": or_none(list_of(NUMBER)), "c": by_name(NUMBER)}
    with pytest.raises(ValueError, match=f"^{message}"):
        require(found, rules, "run: ")
    require({"a": "x", "b": None, "c": {"d": 1}, "other": object()}, rules)
