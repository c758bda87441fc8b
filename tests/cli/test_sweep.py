"""A sweep from the command line: runs in processes of their own, and a table of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigrad.cli import main

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


def status_of(runs):
    return [json.loads((run / "run.json").read_text())["status"] for run in runs]


def test_a_sweep_makes_a_run_for_each_value_and_a_table_of_them(config, capfd):
    assert main(["sweep", config, "--grid", "optimizer.lr=[0.01, 0.5]", "--jobs", "2", "seed=3"]) == 0
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
    assert main(["sweep", config, "--grid", "optimizer.lr=[1e30, 0.1]", "--grid", "name=[one]"]) == 1
    *_, done, failed = capfd.readouterr().out.splitlines()
    assert done.split()[-1] == "done"
    assert "failed: the training loss became" in failed
    assert sorted(os.listdir("runs/one")) == ["0001", "0002"]


def test_a_sweep_with_one_wrong_value_is_refused_before_anything_runs(config, capsys):
    assert main(["sweep", config, "--grid", "optimizer.lr=[0.1, fast]"]) == 2
    told = capsys.readouterr().err
    assert "'lr' of SGD must be a number, not the text 'fast'" in told
    assert "nothing was run" in told
    assert os.listdir() == [config]


GRID, SEARCH = ["--grid", "optimizer.lr=[0.1]"], ["--search", "optimizer.lr=log(0.1, 1)"]


@pytest.mark.parametrize(("words", "message"), [
    ([], "minigrad sweep needs --grid, --search, --seeds or --folds, as in: minigrad sweep "),
    (["--grid", "seed=[1]", "--jobs", "0"], "--jobs must be an integer, 1 or more, not '0'"),
    ([*GRID, *SEARCH, "--trials", "2"], "--grid and --search exclude each other"),
    (SEARCH, "--search needs --trials N"),
    ([*GRID, "--trials", "2"], "--trials needs --search"),
    ([*GRID, "--prune"], "--prune needs --search"),
    ([*GRID, "--storage", "sqlite:///x.db"], "--storage needs --search"),
    (["--folds", "1"], "--folds 1 leaves nothing to train on"),
    (["--seeds", "2", "--grid", "seed=[1, 2]"], "--seeds and a list for seed set the same values"),
    (["--folds", "2", "fold=[1, 2]"], "--folds and fold=[i, k] set the same value"),
    ([*SEARCH, "--trials", "2", "--prune", "--seeds", "2"], "--prune compares single runs"),
    ([*GRID, "--name", "../x"], "--name '../x' cannot name a folder"),
    (["--folds", "30"], "besides those for the test do not make 30 folds"),
    (["--folds", "3", "data=XOR"], "XOR has its own validation set, and cannot be divided into folds"),
    (["--grid", "optimizer.lx=[1]"], "--grid:1:11: error: SGD has no argument 'lx'"),
])  # fmt: skip
def test_options_that_do_not_go_together_are_refused_before_anything_runs(config, words, message, capsys):
    if "30" in words:
        words = [*words, "data.n_samples=30"]
    assert main(["sweep", config, *words]) == 2
    assert message in capsys.readouterr().err
    assert os.listdir() == [config]


def test_seeds_and_folds_are_runs_of_their_own_and_one_line_for_each_point(config, capfd):
    words = ["--grid", "optimizer.lr=[0.1, 0.5]", "--seeds", "2", "--folds", "2", "trainer.max_epochs=1"]
    assert main(["sweep", config, *words]) == 0
    head, *rows = capfd.readouterr().out.splitlines()
    assert head.split() == ["optimizer.lr", "val/loss", "runs", "status"]
    assert ["4 of 4" in row for row in rows] == [True, True]
    configs = [path.read_text() for path in sorted(Path("runs/small").glob("*/config.yaml"))]
    changes = [tuple(line for line in text.splitlines() if line.startswith(("seed", "fold"))) for text in configs]
    assert changes == [(f"seed: {s}", f"fold: [{i}, 2]") for s in (0, 1) for i in (1, 2)] * 2
    lines = Path("sweeps/small/table.csv").read_text().splitlines()
    assert lines[0] == "optimizer.lr,seed,fold,val/loss,step,run,status"
    assert len(lines) == 9


def test_the_same_sweep_again_runs_nothing_also_when_its_runs_are_gone(config, capfd):
    words = ["sweep", config, "--grid", "optimizer.lr=[0.1, 1e30]"]
    assert main(words) == 1
    first = capfd.readouterr().out
    before = sorted(os.listdir("runs/small"))
    shutil.move("runs/small/0001", "elsewhere")
    assert main(words) == 1
    out, err = capfd.readouterr()
    assert out == first
    assert "sweep sweeps/small (resumed)" in err
    assert sorted([*os.listdir("runs/small"), "0001"]) == before


def test_another_sweep_of_the_same_experiment_has_a_folder_of_its_own(config, capfd):
    assert main(["sweep", config, "--grid", "seed=[1]", "trainer.max_steps=1"]) == 0
    assert main(["sweep", config, "--grid", "seed=[2]", "trainer.max_steps=1"]) == 0
    assert sorted(os.listdir("sweeps")) == ["small", "small-2"]
    capfd.readouterr()
    assert main(["sweep", config, "--grid", "seed=[3]", "--name", "small"]) == 2
    err = capfd.readouterr().err
    assert "sweeps/small belongs to another sweep: its config and grid differ; choose another --name" in err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_ctrl_c_ends_every_member_with_a_checkpoint_and_starts_no_other(config):
    words = ["sweep", config, "trainer.max_epochs=100000000", "--grid", "seed=[0, 1, 2]", "--jobs", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "minigrad", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ready = [Path("runs/small") / number / "checkpoints" / "best.safetensors" for number in ("0001", "0002")]
        while process.poll() is None and not all(path.exists() for path in ready):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=600)
    assert process.returncode == 130
    assert sorted(os.listdir("runs/small")) == ["0001", "0002"]
    statuses = [row.split(maxsplit=4)[-1] for row in out.splitlines()[1:]]
    assert statuses == ["interrupted", "interrupted", "not started"]
    assert status_of([path.parent.parent for path in ready]) == ["interrupted", "interrupted"]
    assert all((path.parent / "last.safetensors").exists() for path in ready)


STARTING = """\
import sys
from minigrad.cli import main, sweep
from minigrad.training.search.member import Program
member = "import os, signal, sys; 'seed=0' in sys.argv and os.kill(os.getppid(), signal.SIGINT); signal.pause()"
sweep._program = lambda arguments, config: Program([sys.executable, "-c", member], [])
sys.exit(main(["sweep", "small.yaml", "--grid", "seed=[0, 1, 2]", "--jobs", "2"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_ctrl_c_while_members_start_up_is_told_in_one_sentence_and_leaves_them_for_later(config):
    done = subprocess.run([sys.executable, "-c", STARTING], capture_output=True, text=True, timeout=600)
    assert done.returncode == 130
    told = "SIGINT: starting no more runs, and saving those that train; once more quits at once"
    assert done.stderr.splitlines()[1:3] == ["", told]
    assert "killed" not in done.stderr
    assert [row.split(maxsplit=4)[-1] for row in done.stdout.splitlines()[1:]] == ["not started"] * 3
    assert not Path("sweeps/small/0001.json").exists()  # so that the next sweep trains it


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_the_members_of_a_sweep_that_is_killed_end_with_a_checkpoint(config):
    words = ["sweep", config, "trainer.max_epochs=100000", "--grid", "seed=[0, 1, 2]", "--jobs", "2"]
    runs = [Path("runs/small") / number for number in ("0001", "0002")]
    with subprocess.Popen([sys.executable, "-m", "minigrad", *words], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not all((run / "checkpoints" / "best.safetensors").exists() for run in runs):
            time.sleep(0.05)
        process.kill()
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and status_of(runs) != ["interrupted", "interrupted"]:
        time.sleep(0.05)
    assert status_of(runs) == ["interrupted", "interrupted"]
    assert all((run / "checkpoints" / "last.safetensors").exists() for run in runs)
    assert sorted(os.listdir("runs/small")) == ["0001", "0002"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_sweep_that_was_killed_goes_on_where_its_runs_were_saved(config, capfd):
    words = ["sweep", config, "trainer.max_epochs=400", "--grid", "seed=[0, 1]"]
    with subprocess.Popen([sys.executable, "-m", "minigrad", *words], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not Path("runs/small/0001/checkpoints/last.safetensors").exists():
            time.sleep(0.02)
        process.kill()
    assert main(words) == 0
    rows = capfd.readouterr().out.splitlines()[1:]
    assert sorted(row.split()[-2:] for row in rows) == [["runs/small/0001", "done"], ["runs/small/0002", "done"]]
    facts = json.loads(Path("runs/small/0001/run.json").read_text())
    assert len(facts["resumed"]) == 1
    assert facts["results"]["steps"] == 2400


def test_two_processes_share_the_members_of_a_grid(config):
    words = [sys.executable, "-m", "minigrad", "sweep", config, "--grid", "seed=[0, 1, 2, 3]"]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    (first, told), (second, also_told) = (process.communicate(timeout=600) for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert first == second
    assert sorted(os.listdir("runs/small")) == ["0001", "0002", "0003", "0004"]
    assert (told + also_told).count("/4  seed=") == 4


ATTENTION = [
    "data={Digits: {flatten: false}}",
    "model={Sequential: [{Flatten: [1, 2]}, {TransformerEncoderLayer: [8, 2, 8]}, Flatten, {Linear: [64, 10]}]}",
]


def test_every_value_that_a_class_refuses_is_said_at_its_place_before_anything_runs(config, capsys):
    grids = ["optimizer.lr=[-1, 0.1, .inf]", "model.1.nhead=[3, 2, 5]", "loader.batch_size=[0, 8]"]
    assert main(["sweep", config, *ATTENTION, *(word for grid in grids for word in ("--grid", grid))]) == 2
    err = capsys.readouterr().err
    assert all(grid in err for grid in grids)
    assert [err.count(f"error: {what}") for what in ("SGD: lr", "TransformerEncoderLayer", "DataLoader")] == [2, 2, 1]
    assert [err.count(f"--grid:1:{column}: ") for column in (15, 16, 24, 22, 20)] == [1, 1, 1, 1, 1]
    assert os.listdir() == [config]


def test_what_does_not_fit_elsewhere_in_the_config_names_the_members_that_have_it(config, capsys):
    assert main(["sweep", config, "--grid", "model.0.out_features=[8, 9]", "--grid", "seed=[1, 2]"]) == 2
    err = capsys.readouterr().err
    assert "small.yaml:4:41: error: " in err
    assert "with model.0.out_features=9 seed=1 and 1 more" in err
    assert os.listdir() == [config]


def test_data_that_is_not_there_is_refused_before_anything_runs(config, capsys):
    table = "data={Table: {path: there.csv, target: y}}"
    Path("there.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40)))
    assert main(["sweep", config, table, "model.0.in_features=1", "--grid", "data.path=[there.csv, gone.csv]"]) == 2
    err = capsys.readouterr().err
    assert "--grid:1:23: error: " in err
    assert "gone.csv" in err
    assert sorted(os.listdir()) == [config, "there.csv"]
