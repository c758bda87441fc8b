"""Runs that are under way, interrupted, failed or damaged: what there is of them is shown."""

import json
import shutil

import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")

from minigrad.plots import Run, pictures, report
from minigrad.training import UsageError, main


@pytest.fixture
def copy(moons, tmp_path):
    """A run that a test may damage."""
    return shutil.copytree(moons, tmp_path / "moons" / "0007")


def test_a_run_is_named_after_its_directories(copy):
    assert Run(copy).name == "moons/0007"


def test_a_series_has_the_steps_where_its_name_was_recorded(copy):
    steps, values = Run(copy).series("val/loss")
    records = [json.loads(line) for line in (copy / "metrics.jsonl").read_text().splitlines()]
    assert steps.tolist() == [6, 12, 18]
    assert values.tolist() == [record["val/loss"] for record in records if "val/loss" in record]
    assert Run(copy).series("val/nothing")[0].tolist() == []


def test_a_run_that_is_under_way_is_shown_as_far_as_it_came(copy):
    with open(copy / "metrics.jsonl", "a") as file:
        file.write('{"step": 24, "epo')  # the rest is still in a buffer
    run = Run(copy)
    assert [record["step"] for record in run.records] == [6, 12, 18]
    assert [picture.name for picture in pictures(run)][:3] == ["curves", "decision", "confusion"]


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_the_page_says_how_far_a_run_came(copy, status):
    facts = {"status": status, "started": "2026-01-02T03:04:05+00:00"}
    (copy / "run.json").write_text(json.dumps(facts))
    shutil.rmtree(copy / "checkpoints")
    page = report(Run(copy))
    assert f">{status}</span>" in page
    assert "Begun on 2026-01-02 at 03:04 UTC." in page


def test_a_run_without_weights_still_has_its_curves(copy, capsys):
    shutil.rmtree(copy / "checkpoints")
    assert [picture.name for picture in pictures(Run(copy))] == ["curves"]
    assert main([str(copy), "--plot"]) == 0
    assert "without a model to look into: " in capsys.readouterr().err


def test_damaged_weights_are_named_on_the_page(copy):
    file = copy / "checkpoints" / "best.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "is damaged" in report(Run(copy))


def test_a_run_that_failed_at_once_has_a_page_without_pictures(diverging, capsys):
    capsys.readouterr()
    assert main([str(diverging), "--plot", "--report"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(diverging / "report.html")]
    page = (diverging / "report.html").read_text(encoding="utf-8")
    assert "It failed" in page
    assert "<figure" not in page


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_what_is_no_run_is_refused(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    assert main([place, "--report"]) == 2
    assert "is no directory of a run, as runs/digits_mlp/0001" in capsys.readouterr().err
    with pytest.raises(UsageError):
        Run(tmp_path)
