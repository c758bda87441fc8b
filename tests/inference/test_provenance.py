"""What a run was made from is bound to it, and compared wherever it is used."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.inference import evaluate, load_run
from minigrad.runs import read_checkpoint

CONFIG = """\
name: rows
data: {Table: {path: rows.csv, target: kind}}
loader: {batch_size: 6}
model: {Linear: ["${data.num_features}", "${data.num_classes}"]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""
RUN = Path("runs/rows/0001")


def rows(offset=0.0):
    lines = [f"{i % 7 + offset},{('red', 'blue')[i % 2]},{('apple', 'berry')[i % 2]}" for i in range(60)]
    return "\n".join(["size,colour,kind", *lines]) + "\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("rows.yaml").write_text(CONFIG)
    Path("rows.csv").write_text(rows())
    Path("new.csv").write_text("size,colour\n3,red\n5,blue\n")
    assert main(["train", "rows.yaml"]) == 0
    capsys.readouterr()
    return RUN


def edit(before, after):
    config = RUN / "config.yaml"
    text = config.read_text()
    assert text.count(before) == 1
    config.write_text(text.replace(before, after))


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_run_json_and_both_checkpoints_have_the_digests_of_the_config_and_of_every_file(run):
    expected = {"config_digest": sha((run / "config.yaml").read_text()), "data_digests": {"rows.csv": sha(rows())}}
    facts = json.loads((run / "run.json").read_text())
    last, best = (read_checkpoint(run / "checkpoints" / f"{name}.safetensors")[1] for name in ("last", "best"))
    for found in (facts, last["run"], best):
        assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("command", ["evaluate", "predict", "plot", "report"])
def test_an_edited_config_is_refused_wherever_results_follow_from_it(run, capsys, command):
    edit("seed: 0", "seed: 1")
    words = [command, str(run), *(["new.csv"] if command == "predict" else [])]
    if command in ("plot", "report"):
        pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")
        assert main(words) == 0
        assert "config.yaml was edited after the weights were trained" in capsys.readouterr().err
        return
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "config.yaml was edited after the weights were trained:\n  seed is 1, and was 0\n" in told
    assert "give the change on the command line: seed=..." in told


def test_an_edit_that_changes_no_result_is_said(run, capsys):
    assert main(["evaluate", str(run)]) == 0
    before = capsys.readouterr().out
    edit("max_epochs: 2", "max_epochs: 3")
    assert main(["evaluate", str(run)]) == 0
    after = capsys.readouterr()
    assert after.out == before
    assert "config.yaml was edited: trainer.max_epochs is 3, and was 2" in after.err


def test_what_the_command_line_says_is_no_edit(run):
    assert main(["evaluate", str(run), "seed=1"]) == 0


def test_other_data_is_refused_where_it_is_measured_unless_it_is_named(run, capsys):
    Path("rows.csv").write_text(rows(offset=9))
    assert main(["evaluate", str(run)]) == 2
    assert "rows.csv: not the data that runs/rows/0001 was trained on, the SHA-256 differs" in capsys.readouterr().err
    assert main(["evaluate", str(run), "data.path=rows.csv"]) == 0
    assert "Table scaled and encoded the examples of this data by their own statistics" in capsys.readouterr().err


def test_data_of_other_classes_is_no_measure_of_a_run(run, capsys):
    Path("others.csv").write_text(rows().replace("apple", "zebra"))
    assert main(["evaluate", str(run), "data.path=others.csv"]) == 2
    told = capsys.readouterr().err
    assert "the data has the classes berry, zebra, but runs/rows/0001 was trained on apple, berry" in told


def test_data_that_moved_is_the_same(run, recwarn):
    Path("rows.csv").rename("moved.csv")
    assert "test/accuracy" in evaluate(load_run(run, ["data.path=moved.csv"]))
    assert not recwarn.list


def test_a_resume_with_other_data_is_refused_and_leaves_predictions_as_they_were(run, capsys):
    def said():
        assert main(["predict", str(run), "new.csv"]) == 0
        return capsys.readouterr().out

    before = said()
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    Path("rows.csv").write_text(rows(offset=1000))
    assert main(["resume", str(run), "trainer.max_epochs=3"]) == 2
    told = capsys.readouterr().err
    assert "rows.csv is not what this run was trained with: its SHA-256 differs" in told
    assert "--allow-changes goes on with it" in told
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == files
    assert said() == before


def test_best_weights_keep_what_their_data_had_learned_though_a_run_goes_on_with_other_data(run, capsys):
    best = run / "checkpoints" / "best.safetensors"
    before = read_checkpoint(best)[1]
    Path("rows.csv").write_text(rows(offset=1000))
    words = ["resume", str(run), "trainer.max_steps=13", "trainer.max_epochs=9", "optimizer.lr=0.0", "--allow-changes"]
    assert main(words) == 0
    assert "the run started with different data_digests" in capsys.readouterr().err
    after = read_checkpoint(best)[1]
    if after["step"] == before["step"]:
        assert after["data"] == before["data"]
    facts = json.loads((run / "run.json").read_text())
    assert facts["resumed"][0]["data_digests"] == {"rows.csv": sha(rows(offset=1000))}


OWN = """\
import numpy as np
from minigrad.data import Dataset, Examples


class Own(Dataset):
    \"\"\"Rows that are read without a word to minigrad.\"\"\"

    def __init__(self, file: str = "own.npy") -> None:
        rows = np.load(file)
        self.train = self.val = self.test = Examples(rows[:, :2], rows[:, 2:])
"""


def test_the_examples_of_a_users_dataset_are_covered_though_it_reads_files_in_its_own_way(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    Path("models/own.py").write_text(OWN)
    array = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    np.save("own.npy", array)
    Path("own.yaml").write_text(
        "name: own\ndata: Own\nmodel: {Linear: [2, 1]}\nloss: MSELoss\noptimizer: {SGD: {lr: 0.1}}\n"
        "trainer: {max_steps: 2}\n"
    )
    assert main(["train", "own.yaml"]) == 0
    assert main(["resume", "runs/own/0001", "trainer.max_steps=3"]) == 0
    array[7, 0] += 1e-3
    np.save("own.npy", array)
    assert main(["resume", "runs/own/0001", "trainer.max_steps=4"]) == 2
    assert "examples of train is not what this run was trained with" in capsys.readouterr().err
