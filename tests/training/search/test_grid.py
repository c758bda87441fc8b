"""Points of a grid, repeats, and the table of a sweep."""

import csv
import json

import pytest

from minigrad.config import ConfigError
from minigrad.training.search.grid import overrides_of, read_grid, repeats_of
from minigrad.training.search.member import Member, Program
from minigrad.training.search.results import save_table, table


@pytest.fixture
def member(tmp_path):
    names = {}

    def member(point, value=None, monitor="val/loss", mode="min", status="done", name="", **repeat):
        names.setdefault(json.dumps(point), f"{len(names) + 1:04d}")
        name = name or names[json.dumps(point)]
        member = Member(point, tmp_path / name, Program([], []), repeat)
        member.status = status
        if value is not None:
            member.best = {"monitor": monitor, "mode": mode, "value": value, "step": 7}
        return member

    return member


def test_a_grid_is_every_combination_with_the_last_key_changing_fastest():
    assert read_grid(["optimizer.lr=[1e-3, 3e-3]", "model=[{MLP: {sizes: [2, 2]}}, Small]"]) == [
        {"optimizer.lr": 0.001, "model": {"MLP": {"sizes": [2, 2]}}},
        {"optimizer.lr": 0.001, "model": "Small"},
        {"optimizer.lr": 0.003, "model": {"MLP": {"sizes": [2, 2]}}},
        {"optimizer.lr": 0.003, "model": "Small"},
    ]


def test_without_a_grid_there_is_one_point_that_changes_nothing():
    assert read_grid([]) == [{}]


def test_a_point_of_a_grid_is_overrides():
    point = {"optimizer.lr": 0.001, "model": {"MLP": {"sizes": [2, 2]}}}
    assert overrides_of(point) == ["optimizer.lr=0.001", 'model={"MLP": {"sizes": [2, 2]}}']


def test_numbers_that_are_not_finite_are_written_as_yaml_has_them():
    (point,) = read_grid(["trainer.grad_clip=[.inf]"])
    assert overrides_of({**point, "x": [{"y": float("-inf")}]}) == ["trainer.grad_clip=.inf", 'x=[{"y": -.inf}]']


@pytest.mark.parametrize(
    ("sweeps", "message"),
    [
        (["optimizer.lr"], "expected key=[value, …]"),
        (["optimizer.lr=1e-3"], "expected key=[value, …]"),
        (["optimizer.lr=[]"], "expected key=[value, …]"),
        (["optimizer.lr=[1e-3"], "bracket is not closed"),
        (["a=[1]", "a=[2]"], "'a' is swept twice"),
    ],
)
def test_what_is_no_list_of_values_is_refused_with_its_place(sweeps, message):
    with pytest.raises(ConfigError) as error:
        read_grid(sweeps)
    assert message in str(error.value)
    assert "--grid:1:" in str(error.value)


@pytest.mark.parametrize(("seeds", "folds", "repeats"), [
    (1, 0, [{}]),
    (3, 0, [{"seed": 7}, {"seed": 8}, {"seed": 9}]),
    (1, 2, [{"fold": [1, 2]}, {"fold": [2, 2]}]),
    (2, 2, [{"seed": s, "fold": [i, 2]} for s in (7, 8) for i in (1, 2)]),
])  # fmt: skip
def test_repeats_have_each_seed_with_all_folds(seeds, folds, repeats):
    assert repeats_of(7, seeds, folds) == repeats


@pytest.mark.parametrize(("mode", "order"), [("min", ["1", "3", "2", "4", "5"]), ("max", ["2", "3", "1", "4", "5"])])
def test_the_best_member_comes_first_and_those_without_a_value_last(member, mode, order):
    values = {1: 0.1, 2: 0.3, 3: 0.2, 4: float("nan"), 5: None}
    shown = table([member({"x": x}, value, mode=mode) for x, value in values.items()])
    head, *rows = shown.splitlines()
    assert head.split() == ["x", "val/loss", "step", "run", "status"]
    assert [row.split()[0] for row in rows] == order


@pytest.mark.parametrize(("mode", "order"), [("min", ["2", "1", "3", "4"]), ("max", ["3", "1", "2", "4"])])
def test_infinity_has_its_place_among_the_values(member, mode, order):
    values = {1: 0.1, 2: float("-inf"), 3: float("inf"), 4: float("nan")}
    rows = table([member({"x": x}, value, mode=mode) for x, value in values.items()]).splitlines()[1:]
    assert [row.split()[0] for row in rows] == order


def test_a_best_value_that_is_null_in_run_json_is_shown_as_none(member):
    assert "val/loss -" in str(member({"x": 1}, float("nan")))


def test_repeats_are_one_line_with_their_mean_and_deviation(member):
    members = [member({"x": x}, value, seed=seed) for x in (1, 2) for seed, value in ((0, 2.0 - x), (1, 4.0 - x))]
    assert [row.split() for row in table(members).splitlines()] == [
        ["x", "val/loss", "runs", "status"],
        ["2", "1", "±", "1.4", "2", "of", "2", "done"],
        ["1", "2", "±", "1.4", "2", "of", "2", "done"],
    ]


def test_a_point_that_a_search_draws_twice_is_two_lines(member):
    rows = table([member({"x": 1}, 0.5, name="0001"), member({"x": 1}, 0.5, name="0002")]).splitlines()
    assert len(rows) == 3


def test_a_repeat_that_failed_is_named(member):
    members = [member({"x": 1}, 0.5, seed=0), member({"x": 1}, seed=1, status="failed: the loss became nan; try less")]
    assert table(members).splitlines()[1].endswith("1 of 2  seed=1 failed: the loss became nan")


def test_the_csv_has_a_line_for_each_run_and_a_column_for_all_that_changes(member, tmp_path):
    members = [member({"x": [1, 2]}, 0.25, seed=3), member({"y": "a,b"}, seed=4, status="not started")]
    save_table(members, tmp_path / "table.csv")
    with open(tmp_path / "table.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["x", "seed", "y", "val/loss", "step", "run", "status"],
            ["[1, 2]", "3", "", "0.25", "7", "", "done"],
            ["", "4", "a,b", "", "", "", "not started"],
        ]


def test_the_files_of_another_point_say_nothing_of_this_one(member, tmp_path):
    facts = {"point": {"x": 1}, "run": "runs/a/0001", "status": "done", "best": None}
    (tmp_path / "0001.json").write_text(json.dumps(facts))
    same, other = (member({"x": x}, status="not started", name="0001") for x in (1, 2))
    same.read()
    other.read()
    assert (same.status, other.status) == ("done", "not started")
