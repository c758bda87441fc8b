import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrad.config import ConfigError
from minigrad.training import main
from minigrad.training.sweep import Member, overrides_of, read_grid, table

HOME = Path(__file__).parent.parent.parent

CONFIG = """\
name: small
data: {Moons: {n_samples: 100}}
loader: {batch_size: 10}
model: {Sequential: [{Linear: [2, 8]}, {Linear: [8, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(CONFIG)
    return "small.yaml"


def member(point, value=None, monitor="val/loss", mode="min", status="done"):
    member = Member(point, [], Path())
    member.status = status
    if value is not None:
        member.best = {"monitor": monitor, "mode": mode, "value": value, "step": 7}
    return member


def status_of(runs):
    return [json.loads((run / "run.json").read_text())["status"] for run in runs]


def test_a_grid_is_every_combination_with_the_last_key_changing_fastest():
    assert read_grid(["optimizer.lr=[1e-3, 3e-3]", "model=[{MLP: {sizes: [2, 2]}}, Small]"]) == [
        {"optimizer.lr": 0.001, "model": {"MLP": {"sizes": [2, 2]}}},
        {"optimizer.lr": 0.001, "model": "Small"},
        {"optimizer.lr": 0.003, "model": {"MLP": {"sizes": [2, 2]}}},
        {"optimizer.lr": 0.003, "model": "Small"},
    ]


def test_a_point_of_a_grid_is_overrides():
    point = {"optimizer.lr": 0.001, "model": {"MLP": {"sizes": [2, 2]}}}
    assert overrides_of(point) == ["optimizer.lr=0.001", 'model={"MLP": {"sizes": [2, 2]}}']


@pytest.mark.parametrize(
    ("sweeps", "message"),
    [
        (["optimizer.lr"], "expected key=[value, …]"),
        (["optimizer.lr=1e-3"], "expected key=[value, …]"),
        (["optimizer.lr=[]"], "expected key=[value, …]"),
        (["optimizer.lr=[1e-3"], "bracket is opened"),
        (["a=[1]", "a=[2]"], "'a' is swept twice"),
    ],
)
def test_what_is_no_list_of_values_is_refused_with_its_place(sweeps, message):
    with pytest.raises(ConfigError) as error:
        read_grid(sweeps)
    assert message in str(error.value)
    assert "--sweep:1:" in str(error.value)


@pytest.mark.parametrize(("mode", "order"), [("min", ["1", "3", "2", "4", "5"]), ("max", ["2", "3", "1", "4", "5"])])
def test_the_best_member_comes_first_and_those_without_a_value_last(mode, order):
    values = {1: 0.1, 2: 0.3, 3: 0.2, 4: float("nan"), 5: None}
    shown = table([member({"x": x}, value, mode=mode) for x, value in values.items()])
    head, *rows = shown.splitlines()
    assert head.split() == ["x", "val/loss", "step", "run", "status"]
    assert [row.split()[0] for row in rows] == order


def test_a_sweep_makes_a_run_for_each_value_and_a_table_of_them(config, capfd):
    assert main([config, "--sweep", "optimizer.lr=[0.01, 0.5]", "--jobs", "2", "seed=3"]) == 0
    out, err = capfd.readouterr()
    head, best, other = out.splitlines()
    assert head.split() == ["optimizer.lr", "val/loss", "step", "run", "status"]
    assert (best.split()[0], other.split()[0]) == ("0.5", "0.01")
    for row in (best, other):
        lr, value, step, run, status = row.split()
        facts = json.loads((Path(run) / "run.json").read_text())
        assert (facts["seed"], facts["exit_code"], status) == (3, 0, "done")
        assert f"{facts['best']['value']:.4g}" == value
        assert facts["best"]["step"] == int(step)
        assert f"lr: {lr}" in (Path(run) / "config.yaml").read_text()
    assert "2/2  optimizer.lr=" in err


def test_a_member_that_fails_does_not_stop_the_others(config, capfd):
    assert main([config, "--sweep", "optimizer.lr=[1e30, 0.1]", "--sweep", "name=[one]"]) == 1
    *_, done, failed = capfd.readouterr().out.splitlines()
    assert done.split()[-1] == "done"
    assert "failed: the training loss became" in failed
    assert sorted(os.listdir("runs/one")) == ["0001", "0002"]


def test_a_sweep_with_one_wrong_value_is_refused_before_anything_runs(config, capsys):
    assert main([config, "--sweep", "optimizer.lr=[0.1, fast]"]) == 2
    told = capsys.readouterr().err
    assert "'lr' of SGD must be a number, not the text 'fast'" in told
    assert "nothing was run" in told
    assert os.listdir() == [config]


@pytest.mark.parametrize("words", [["--jobs", "2"], ["--sweep", "seed=[1]", "--jobs", "0"]])
def test_jobs_without_a_sweep_or_below_one_are_refused(words, capsys):
    with pytest.raises(SystemExit) as exit:
        main(words)
    assert exit.value.code == 2
    assert "--jobs counts the runs of a --sweep" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_ctrl_c_ends_every_member_with_a_checkpoint_and_starts_no_other(config):
    words = [config, "trainer.max_epochs=100000000", "--sweep", "seed=[0, 1, 2]", "--jobs", "2"]
    with subprocess.Popen(
        [sys.executable, str(HOME / "train.py"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ready = [Path("runs/small") / number / "checkpoints" / "best.safetensors" for number in ("0001", "0002")]
        while process.poll() is None and not all(path.exists() for path in ready):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert sorted(os.listdir("runs/small")) == ["0001", "0002"]
    statuses = [row.split(maxsplit=4)[-1] for row in out.splitlines()[1:]]
    assert statuses == ["interrupted", "interrupted", "not started"]
    assert status_of([path.parent.parent for path in ready]) == ["interrupted", "interrupted"]
    assert all((path.parent / "last.safetensors").exists() for path in ready)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_the_members_of_a_sweep_that_is_killed_end_with_a_checkpoint(config):
    words = [config, "trainer.max_epochs=100000", "--sweep", "seed=[0, 1, 2]", "--jobs", "2"]
    runs = [Path("runs/small") / number for number in ("0001", "0002")]
    with subprocess.Popen([sys.executable, str(HOME / "train.py"), *words], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not all((run / "checkpoints" / "best.safetensors").exists() for run in runs):
            time.sleep(0.05)
        process.kill()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and status_of(runs) != ["interrupted", "interrupted"]:
        time.sleep(0.05)
    assert status_of(runs) == ["interrupted", "interrupted"]
    assert all((run / "checkpoints" / "last.safetensors").exists() for run in runs)
    assert sorted(os.listdir("runs/small")) == ["0001", "0002"]
