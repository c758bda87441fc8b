"""Runs that are under way, interrupted, failed or damaged: what there is of them is shown."""

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")

from minigrad.cli import main
from minigrad.data import DataError
from minigrad.plots import Run, pictures, report
from minigrad.training import UsageError


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
    assert "Started on 2026-01-02 at 03:04 UTC." in page


def test_a_run_without_weights_still_has_its_curves(copy, capsys):
    shutil.rmtree(copy / "checkpoints")
    assert [picture.name for picture in pictures(Run(copy))] == ["curves"]
    assert main(["plot", str(copy)]) == 0
    assert "no model: " in capsys.readouterr().err


def test_damaged_weights_are_named_on_the_page(copy):
    file = copy / "checkpoints" / "best.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "is damaged" in report(Run(copy))


def test_a_run_that_failed_at_once_has_a_page_without_pictures(diverging, capsys):
    capsys.readouterr()
    assert main(["report", str(diverging)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(diverging / "report.html")]
    page = (diverging / "report.html").read_text(encoding="utf-8")
    assert "The run failed" in page
    assert "<figure" not in page


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_what_is_no_run_is_refused(tmp_path, monkeypatch, capsys, place):
    monkeypatch.chdir(tmp_path)
    assert main(["report", place]) == 2
    assert "is not a run: it has no config.yaml" in capsys.readouterr().err
    with pytest.raises(UsageError):
        Run(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize(("command", "name"), [("report", "report.html"), ("plot", "plots/curves.png")])
def test_a_full_disk_leaves_no_half_of_a_page_or_picture(copy, capsys, command, name):
    shutil.rmtree(copy / "checkpoints")
    file = copy / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("old")
    file.with_name(f"{file.name}.part").symlink_to("/dev/full")
    assert main([command, str(copy)]) == 1
    assert f"error: {file}: No space left on device" in capsys.readouterr().err
    assert file.read_text() == "old"
    assert not list(copy.rglob("*.part"))


def test_a_run_with_facts_of_another_kind_is_refused_by_name(copy, capsys):
    (copy / "run.json").write_text('{"started": 7}')
    assert main(["report", str(copy)]) == 2
    assert f"error: {copy / 'run.json'}: 'started' must be a time" in capsys.readouterr().err


def test_without_the_validation_examples_the_rest_is_shown(copy, monkeypatch):
    def gone(self, *arguments, **options):
        raise DataError("moons.csv: no such file")

    monkeypatch.setattr("minigrad.data.Moons.__init__", gone)
    run = Run(copy)
    assert run.missing.startswith("no validation examples: ")
    assert [picture.name for picture in pictures(run)] == ["curves", "weights"]
    assert "layers.0" in report(run)
