"""A run that goes on where it was cut off: what comes out, and what is refused."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.runs import checkpoint
from minigrad.runs.checkpoint import read_checkpoint
from minigrad.training.resume import differences

HOME = Path(__file__).parent.parent.parent

CONFIG = """\
name: small
data: {Moons: {n_samples: 100}}
loader: {batch_size: 10}
model: {Sequential: [{Linear: [2, 8]}, ReLU, {Dropout: 0.2}, {Linear: [8, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1, momentum: 0.9}}
trainer: {max_epochs: 3, log_every: 4, accumulate: 2}
"""

RUN = Path("runs/small/0001")


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(CONFIG)
    return "small.yaml"


def command(*words):
    return main(list(map(str, words)))


def results_of(capsys):
    return {**json.loads(capsys.readouterr().out.splitlines()[-1]), "run": ""}


def files(run):
    names = ("config.yaml", "metrics.jsonl", "checkpoints/last.safetensors", "checkpoints/best.safetensors")
    return {name: (Path(run) / name).read_bytes() for name in names}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script makes processes by fork")
@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("mlp", 6),
        ("adapters", 6),
        *(pytest.param(kind, 20, marks=pytest.mark.slow) for kind in ("average", "adapters", "groups", "balanced")),
    ],
)
def test_a_run_killed_again_and_again_ends_with_every_byte_of_one_left_alone(kind, kills):
    words = [sys.executable, "-m", "benchmarks.kills", str(kills), "1", kind]
    done = subprocess.run(words, capture_output=True, text=True, cwd=HOME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every byte as in the run left alone" in done.stdout


def test_a_finished_run_goes_on_when_it_may_be_longer_as_if_it_had_been_so_from_the_start(config, capsys):
    command("train", config, "trainer.max_epochs=6")
    whole = results_of(capsys)
    command("train", config)
    assert command("resume", "runs/small/0002", "trainer.max_epochs=6") == 0
    assert results_of(capsys) == whole
    assert files("runs/small/0002") == files("runs/small/0001")


def test_a_finished_run_that_is_resumed_has_nothing_to_do_and_says_the_same(config, capsys):
    command("train", config)
    before, written = results_of(capsys), files(RUN)
    assert command("resume", RUN) == 0
    assert (results_of(capsys), files(RUN)) == (before, written)


def test_a_run_without_a_checkpoint_begins_anew(config, capsys):
    command("train", config)
    expected, written = results_of(capsys), files(RUN)
    for path in (RUN / "checkpoints").iterdir():
        path.unlink()
    assert command("resume", RUN) == 0
    assert (results_of(capsys), files(RUN)) == (expected, written)


def test_what_was_logged_after_the_checkpoint_is_cut_off(config, capsys):
    command("train", config)
    written = files(RUN)
    with open(RUN / "metrics.jsonl", "a") as file:
        file.write('{"step": 13, "train/loss": 1.0}\n{"step": 14, "tra')
    command("resume", RUN)
    assert files(RUN) == written


def test_a_lost_best_checkpoint_comes_back_from_the_last(config, capsys):
    command("train", config)
    written = files(RUN)
    (RUN / "checkpoints" / "best.safetensors").write_bytes(b"half of")
    command("resume", RUN)
    assert files(RUN) == written


def test_a_changed_config_is_refused_with_each_difference_and_its_place(config, capsys):
    command("train", config)
    written = files(RUN)
    capsys.readouterr()
    assert command("resume", RUN, "optimizer.lr=0.01", "model=[]", "model={Linear: [2, 2]}") == 2
    told = capsys.readouterr().err
    assert "command line:1:14: error: optimizer.SGD.lr is 0.01, and this run was trained with 0.1\n" in told
    assert 'error: model is {"Linear": {"in_features": 2' in told
    assert "--allow-changes" in told
    assert "2 errors; nothing was run" in told
    assert files(RUN) == written


def test_an_edited_config_file_is_refused_too(config, capsys):
    command("train", config)
    path = RUN / "config.yaml"
    path.write_text(path.read_text().replace("momentum: 0.9", "momentum: 0.8"))
    capsys.readouterr()
    assert command("resume", RUN) == 2
    told = capsys.readouterr().err
    assert "optimizer.SGD.momentum is 0.8, and this run was trained with 0.9" in told
    assert f"{path}:" in told


def test_a_run_cannot_get_shorter_unasked(config, capsys):
    command("train", config)
    assert command("resume", RUN, "trainer.max_epochs=2") == 2
    assert "trainer.max_epochs is 2, and this run was trained with 3" in capsys.readouterr().err


def test_allowed_changes_count_from_the_checkpoint_on(config, capsys):
    command("train", config)
    changes = ["trainer.max_epochs=6", "optimizer.lr=0.01", "metrics=[Accuracy, F1]", "trainer.early_stopping={}"]
    assert command("resume", RUN, "--allow-changes", *changes) == 0
    records = [json.loads(line) for line in (RUN / "metrics.jsonl").read_text().splitlines()]
    assert [record["lr"] for record in records] == [0.1] * 5 + [0.01] * 4
    assert "val/f1" in records[-1]
    assert "lr: 0.01" in (RUN / "config.yaml").read_text()
    capsys.readouterr()
    assert command("resume", RUN) == 0


def test_another_monitor_forgets_what_was_best_by_the_old_one(config, capsys):
    command("train", config)
    monitor = "trainer.checkpoint.monitor=val/accuracy"
    assert command("resume", RUN, "--allow-changes", monitor, "trainer.max_epochs=4") == 0
    assert results_of(capsys)["best_step"] > 9


def test_weights_that_do_not_fit_are_refused_even_where_changes_are_allowed(config, capsys):
    command("train", config)
    assert command("resume", RUN, "--allow-changes", "model={Linear: [2, 2]}") == 2
    assert "this state does not fit Linear" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_told_with_its_file_and_part(config, capsys):
    command("train", config)
    path = RUN / "checkpoints" / "last.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert command("resume", RUN) == 2
    assert re.search(f"error: {path}: the array '[^']+' is damaged", capsys.readouterr().err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("name", ["checkpoints/last.safetensors.part", "checkpoints/best.safetensors.part", "run.json"])
def test_a_full_disk_ends_a_run_that_goes_on_when_there_is_room_again(config, capsys, name):
    command("train", config, "trainer.max_epochs=6")
    whole, written = results_of(capsys), files(RUN)
    command("train", config)
    run = Path("runs/small/0002")
    before = read_checkpoint(run / "checkpoints" / "last.safetensors")[1]["step"]
    full = run / (name if name.endswith(".part") else f"{name}.part")
    full.symlink_to("/dev/full")
    capsys.readouterr()
    assert command("resume", run, "trainer.max_epochs=6") == 1
    told = capsys.readouterr().err
    assert f"error: {run / name.removesuffix('.part')}: No space left on device" in told
    assert read_checkpoint(run / "checkpoints" / "last.safetensors")[1]["step"] == before
    full.unlink(missing_ok=True)
    assert command("resume", run, "trainer.max_epochs=6") == 0
    assert (results_of(capsys), files(run)) == (whole, written)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_disk_that_gets_full_on_the_way_leaves_the_last_checkpoint_whole(config, capsys, monkeypatch):
    command("train", config)
    expected, written = results_of(capsys), files(RUN)
    writes = []
    write = checkpoint.write_checkpoint

    def until_full(path, weights, state):
        writes.append(path)
        if len(writes) == 5:
            path.with_name(path.name + ".part").symlink_to("/dev/full")
        write(path, weights, state)

    with monkeypatch.context() as patched:
        patched.setattr("minigrad.runs.directory.write_checkpoint", until_full)
        assert command("train", config) == 1
    run = Path("runs/small/0002")
    told = capsys.readouterr().err.splitlines()
    assert told[-2] == f"saved up to step 6; minigrad resume {run} continues"
    assert told[-1] == f"error: {run / 'checkpoints' / 'last.safetensors'}: No space left on device"
    facts = json.loads((run / "run.json").read_text())
    assert (facts["status"], facts["exit_code"]) == ("failed", 1)
    assert command("resume", run) == 0
    assert (results_of(capsys), files(run)) == (expected, written)


@pytest.mark.parametrize("words", [["nowhere"], ["small.yaml"], ["runs/small"], []])
def test_what_is_no_run_cannot_be_resumed(config, capsys, words):
    command("train", config)
    assert command("resume", *words) == 2
    assert "runs/" in capsys.readouterr().err


def test_changes_are_allowed_only_to_a_run_that_goes_on(config, capsys):
    assert command("train", config, "--allow-changes") == 2
    assert "--allow-changes is an option of minigrad resume, not of minigrad train" in capsys.readouterr().err


def test_run_json_tells_when_a_run_went_on_and_what_was_other_then(config, capsys):
    command("train", config)
    facts = json.loads((RUN / "run.json").read_text())
    facts["versions"]["numpy"] = "1.0"
    (RUN / "run.json").write_text(json.dumps(facts))
    command("resume", RUN, "trainer.max_epochs=4")
    assert "the bits may differ: the run started with different versions" in capsys.readouterr().err
    facts = json.loads((RUN / "run.json").read_text())
    assert (facts["status"], facts["exit_code"]) == ("done", 0)
    (resumed,) = facts["resumed"]
    assert resumed["step"] == 9
    assert resumed["arguments"] == ["resume", str(RUN), "trainer.max_epochs=4"]
    assert resumed["versions"]["numpy"] == np.__version__


def test_a_run_that_lost_its_run_json_goes_on(config, capsys):
    command("train", config)
    (RUN / "run.json").write_text("{")
    assert command("resume", RUN) == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot lock a directory")
def test_a_run_that_another_process_trains_is_left_alone(config, capsys):
    import fcntl

    command("train", config)
    descriptor = os.open(RUN, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert command("resume", RUN) == 1
    assert f"error: {RUN}: another process is training this run" in capsys.readouterr().err
    os.close(descriptor)
    assert command("resume", RUN) == 0


def test_the_checkpoint_says_where_in_the_epoch_it_stands(config):
    command("train", config, "trainer={max_steps: 8, accumulate: 2}")
    _, state = read_checkpoint(RUN / "checkpoints" / "last.safetensors")
    assert (state["step"], state["epoch"], state["step_in_epoch"], state["seed"]) == (8, 2, 2, 0)


def test_differences_are_told_at_the_place_where_configs_part():
    before = {"a": 1, "b": {"X": {"p": 1, "q": [1, 2]}}, "c": [1, 2]}
    after = {"a": 1.0, "b": {"X": {"p": 2, "q": [1, 3]}}, "c": [1]}
    assert list(differences(before, after)) == [("b.X.p", 1, 2), ("b.X.q.1", 2, 3), ("c", [1, 2], [1])]
    assert list(differences({"b": {"X": 1}}, {"b": {"Y": 1}})) == [("b", {"X": 1}, {"Y": 1})]
