"""Why a run ended, and how long all of it took, in run.json, on the last line, and when it is resumed."""

import json
import os
from pathlib import Path

import pytest

from minigrad.cli import main

from .conftest import CONFIG, RUN

BRAKE = """\
from minigrad.training import Callback


class Brake(Callback):
    def on_step_end(self, training):
        if training.step == 8:
            training.stop()
"""

REASONS = {
    "reached trainer.max_epochs=3": [],
    "reached trainer.max_epochs=10": ["trainer.max_epochs=null"],
    "reached trainer.max_steps=7": ["trainer.max_steps=7"],
    "early stopping: val/accuracy has not improved for 1 validations": [
        "trainer.early_stopping={monitor: val/accuracy, patience: 1}",
        "optimizer.lr=1e-12",
    ],
    "stopped by Brake": ["callbacks=[Brake]"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(CONFIG)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "brake.py").write_text(BRAKE)


def results(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def facts():
    return json.loads((Path(RUN) / "run.json").read_text())


@pytest.mark.parametrize(("reason", "overrides"), REASONS.items(), ids=REASONS)
def test_a_run_that_is_done_says_why(reason, overrides, capsys):
    assert main(["train", "small.yaml", *overrides]) == 0
    assert results(capsys)["reason"] == facts()["reason"] == reason


def test_a_run_that_failed_says_why(capsys):
    assert (
        main(
            [
                "train",
                "small.yaml",
                "model={Sequential: [{Linear: [2, 8]}, {Linear: [8, 2]}]}",
                "optimizer={SGD: {lr: 1e30}}",
            ]
        )
        == 1
    )
    assert facts()["reason"].startswith("TrainingError: the training loss became ")


@pytest.mark.parametrize(("reason", "overrides"), REASONS.items(), ids=REASONS)
def test_resuming_a_run_that_has_ended_for_good_says_so(reason, overrides, capsys):
    main(["train", "small.yaml", *overrides])
    before = results(capsys)
    assert main(["resume", RUN]) == 0
    out, err = capsys.readouterr()
    assert f"{RUN} is finished after {before['steps']} steps: {reason}" in err
    assert json.loads(out.splitlines()[-1])["steps"] == before["steps"]


def test_settings_given_to_a_run_that_has_ended_for_good_are_not_recorded_as_its_own(capsys):
    main(["train", "small.yaml"])
    config = (Path(RUN) / "config.yaml").read_text()
    assert main(["resume", RUN, "optimizer.lr=5", "--allow-changes"]) == 0
    assert "; its settings are unchanged" in capsys.readouterr().err
    assert (Path(RUN) / "config.yaml").read_text() == config


def test_the_sentence_names_what_makes_the_run_longer(capsys):
    main(["train", "small.yaml"])
    main(["resume", RUN])
    assert "a larger trainer.max_epochs makes it longer" in capsys.readouterr().err
    assert main(["resume", RUN, "trainer.max_epochs=4"]) == 0
    assert "is finished" not in capsys.readouterr().err
    assert facts()["reason"] == "reached trainer.max_epochs=4"


def test_the_time_of_a_run_is_the_sum_of_its_stretches(monkeypatch, capsys):
    clock = [0.0]

    def later():
        clock[0] += 10.0
        return clock[0]

    monkeypatch.setattr("minigrad.runs.directory.monotonic", later)
    main(["train", "small.yaml"])
    assert facts()["seconds"] == 10
    main(["resume", RUN, "trainer.max_epochs=4"])
    assert facts()["seconds"] == 20


def test_a_stretch_that_was_killed_counts_until_its_last_checkpoint(capsys):
    main(["train", "small.yaml"])
    file = Path(RUN) / "run.json"
    killed = {name: value for name, value in facts().items() if name not in ("ended", "seconds", "exit_code")}
    file.write_text(json.dumps({**killed, "status": "running", "started": "2026-01-02T03:00:00+00:00"}))
    os.utime(Path(RUN) / "checkpoints" / "last.safetensors", (1767323160, 1767323160))  # 2026-01-02T03:06:00
    main(["resume", RUN, "trainer.max_epochs=4"])
    assert 360 <= facts()["seconds"] < 420


def test_the_page_tells_the_reason_and_the_time(capsys):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    main(["train", "small.yaml"])
    file = Path(RUN) / "run.json"
    file.write_text(json.dumps({**facts(), "seconds": 300.0}))
    main(["report", RUN])
    page = (Path(RUN) / "report.html").read_text(encoding="utf-8")
    assert "Why it ended: reached trainer.max_epochs=3." in page
    assert "took 5 min." in page
