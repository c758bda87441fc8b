"""`minigrad sweep --search`: trials in a storage that processes share, and what becomes of those that are killed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrad.cli import main

optuna = pytest.importorskip("optuna")

CONFIG = """\
name: small
data: {Moons: {n_samples: 60}}
loader: {batch_size: 12}
model: {Sequential: [{Linear: [2, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""
DEEPER = "model={Sequential: [{Linear: [2, 8]}, {Linear: [8, 2]}]}"
LR = ["--search", "optimizer.lr=log(1e-3, 1)"]


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(CONFIG)
    return "small.yaml"


def begin(*words):
    command = [sys.executable, "-m", "minigrad", "sweep", "small.yaml", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def studied(storage, name="small"):
    if "://" not in storage:
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(storage))
    return optuna.load_study(study_name=name, storage=storage).trials


def test_every_trial_is_an_ordinary_run_and_the_study_has_its_value(config, capfd):
    assert main(["sweep", config, *LR, "--search", "loader.batch_size=[10, 20]", "--trials", "3"]) == 0
    rows = capfd.readouterr().out.splitlines()
    assert rows[0].split() == ["loader.batch_size", "optimizer.lr", "val/loss", "step", "run", "status"]
    assert sorted(row.split()[-1] for row in rows[1:]) == ["done"] * 3
    trials = studied("sweeps/small/search.journal")
    for trial, run in zip(trials, sorted(Path("runs/small").iterdir()), strict=True):
        facts = json.loads((run / "run.json").read_text())
        assert (trial.value, facts["status"]) == (facts["best"]["value"], "done")
        assert f"lr: {trial.params['optimizer.lr']}" in (run / "config.yaml").read_text()


def test_a_search_gives_the_same_trials_again_and_goes_on_to_more(config, tmp_path, capfd):
    assert main(["sweep", config, *LR, "--trials", "2"]) == 0
    assert main(["sweep", config, *LR, "--trials", "3"]) == 0
    assert "sweep sweeps/small (resumed)" in capfd.readouterr().err
    assert main(["sweep", config, *LR, "--trials", "3", "--name", "again"]) == 0
    one, other = (studied(f"sweeps/{name}/search.journal", name) for name in ("small", "again"))
    assert [(t.params, t.value) for t in one] == [(t.params, t.value) for t in other]
    assert len(one) == 3


def test_the_value_of_a_trial_with_repeats_is_their_mean(config):
    assert main(["sweep", config, *LR, "--trials", "1", "--folds", "2"]) == 0
    (trial,) = studied("sweeps/small/search.journal")
    runs = [json.loads(path.read_text()) for path in sorted(Path("runs/small").glob("*/run.json"))]
    assert trial.value == pytest.approx(sum(facts["best"]["value"] for facts in runs) / 2, rel=1e-12)


def test_a_trial_that_diverges_has_failed_and_the_others_go_on(config, capfd):
    assert main(["sweep", config, DEEPER, "--search", "optimizer.lr=[1e30, 0.1]", "--trials", "4"]) == 1
    out = capfd.readouterr().out
    states = {trial.params["optimizer.lr"]: trial.state.name for trial in studied("sweeps/small/search.journal")}
    assert states == {"1e+30": "FAIL", "0.1": "COMPLETE"}
    assert "failed: the training loss became" in out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_the_table_of_a_search_that_was_interrupted_says_so_of_the_run_that_it_was_at(config):
    with begin(*LR, "--trials", "2", "--seeds", "2", "trainer.max_epochs=100000000") as process:
        while process.poll() is None and not list(Path("runs/small").glob("*/checkpoints/best.safetensors")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "seed=0 interrupted, and 1 more" in out
    lines = Path("sweeps/small/table.csv").read_text().splitlines()
    assert [line.split(",")[-1] for line in lines[1:]] == ["interrupted", "not started"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.slow
@pytest.mark.parametrize("storage", ["sqlite:///trials.db", "trials.journal"])
def test_a_search_of_two_processes_one_of_them_killed_ends_with_every_trial_accounted_for(config, storage):
    words = [*LR, "--trials", "4", "--storage", storage, "trainer.max_epochs=60"]
    with begin(*words) as first:
        while first.poll() is None and not list(Path("runs/small").glob("*/checkpoints/last.safetensors")):
            time.sleep(0.02)
        with begin(*words) as second:
            time.sleep(0.5)
            first.send_signal(signal.SIGKILL)
            first.communicate(timeout=600)
            out, told = second.communicate(timeout=600)
    assert second.returncode == 0, told
    trials = studied(storage)
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 4
    assert len(out.splitlines()) == 5
    runs = {trial.user_attrs["runs"][0]["run"] for trial in trials}
    assert runs == {str(run) for run in Path("runs/small").iterdir()}


def test_a_trial_of_a_machine_that_fell_silent_is_marked_and_its_point_tried_again(config, monkeypatch, capfd):
    assert main(["sweep", config, *LR, "--trials", "1", "--storage", "sqlite:///trials.db"]) == 0
    study = optuna.load_study(study_name="small", storage="sqlite:///trials.db")
    lost = study.ask()
    lost.suggest_float("optimizer.lr", 1e-3, 1, log=True)
    monkeypatch.setattr("minigrad.training.search.searching.SILENT_SECONDS", 0.0)
    assert main(["sweep", config, *LR, "--trials", "2", "--storage", "sqlite:///trials.db"]) == 0
    assert "started on another machine" not in capfd.readouterr().out
    first, marked, again = studied("sqlite:///trials.db")
    assert [trial.state.name for trial in (first, marked, again)] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert "no sign of life" in marked.user_attrs["lost"]
    assert again.params == lost.params


def test_a_storage_of_another_search_is_refused_with_what_differs(config, capsys):
    storage = ["--storage", "sqlite:///trials.db", "--trials", "1"]
    assert main(["sweep", config, *LR, *storage]) == 0
    before = sorted(Path().rglob("*"))
    assert main(["sweep", config, "--search", "optimizer.lr=uniform(0.1, 1)", *storage]) == 2
    assert main(["sweep", config, *LR, *storage, "seed=3"]) == 2
    optuna.create_study(study_name="theirs", storage="sqlite:///trials.db").ask()
    assert main(["sweep", config, *LR, *storage, "--name", "theirs"]) == 2
    err = capsys.readouterr().err
    assert "sqlite:///trials.db has another search 'small': its space differs; choose another --name" in err
    assert "its config differs" in err
    assert "has another search 'theirs': it was not made by minigrad" in err
    assert sorted(Path().rglob("*")) == before


def test_a_locked_storage_is_said_to_be_locked(config, capsys, monkeypatch):
    monkeypatch.setattr("minigrad.training.search.study.LOCKED_SECONDS", 0.1)
    optuna.create_study(study_name="other", storage="sqlite:///trials.db")
    connection = sqlite3.connect("trials.db")
    connection.execute("BEGIN EXCLUSIVE")
    assert main(["sweep", config, *LR, "--trials", "1", "--storage", "sqlite:///trials.db"]) == 2
    connection.close()
    err = capsys.readouterr().err
    assert "error: sqlite:///trials.db is locked by another program; " in err
    assert sorted(os.listdir()) == [config, "trials.db"]


@pytest.mark.parametrize(("storage", "message"), [
    ("sqlite:////no/such/folder/x.db", "cannot be used as a storage of trials: "),
    ("nosuch://host/x", "cannot be used as a storage of trials: "),
    ("postgresql+nodriver://me:secret@host/x", "postgresql+nodriver://me:***@host/x cannot be used"),
    ("small.yaml", "it is not an Optuna journal; a database needs a URL"),
    ("no/such/folder/x.journal", "cannot be used as a storage of trials"),
])  # fmt: skip
def test_a_storage_that_cannot_be_used_is_a_sentence_without_its_password(config, capsys, storage, message):
    assert main(["sweep", config, *LR, "--trials", "1", "--storage", storage]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "secret" not in err
    assert os.listdir() == [config]


def test_an_unknown_key_has_its_place_on_the_command_line(config, capsys):
    assert main(["sweep", config, "--search", "optimizer.lx=log(1e-3, 1)", "--trials", "2"]) == 2
    err = capsys.readouterr().err
    assert "--search:1:11: error: SGD has no argument 'lx'" in err
    assert "did you mean 'lr'?" in err
    assert os.listdir() == [config]


def test_values_that_a_class_refuses_at_the_ends_of_a_range_are_said_before_anything_runs(config, capsys):
    grids = ["optimizer.lr=uniform(-1, 1)", "optimizer.momentum=[0.9, -0.5]", "loader.batch_size=int(0, 8)"]
    assert main(["sweep", config, *(word for text in grids for word in ("--search", text)), "--trials", "2"]) == 2
    err = capsys.readouterr().err
    assert [err.count(f"{text}\n") for text in grids] == [1, 1, 1]
    assert "--search:1:26: error: SGD: momentum" in err
    assert os.listdir() == [config]


def test_each_whole_number_of_a_small_range_is_tried(config, capsys):
    attention = ["data={Digits: {flatten: false}}",
                 "model={Sequential: [{Flatten: [1, 2]}, {TransformerEncoderLayer: [8, 2, 8]}, Flatten, {Linear: [64, 10]}]}"]  # fmt: skip # noqa: E501
    assert main(["sweep", config, *attention, "--search", "model.1.nhead=int(1, 8)", "--trials", "2"]) == 2
    err = capsys.readouterr().err
    assert err.count("--search:1:15: error: ") >= 1
    assert os.listdir() == [config]
