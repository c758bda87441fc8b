"""Runs and their files elsewhere: data that moved, files that are written otherwise, folders that are not there."""

from pathlib import Path

import pytest

import minigrad
from minigrad.cli import main
from minigrad.training import load

CONFIG = """\
name: small
data: {Table: {path: rows.csv, target: kind, delimiter: ";", decimal: ","}}
loader: {batch_size: 8}
model: {Sequential: [{Linear: [2, 3]}]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 1}
"""


@pytest.fixture(autouse=True)
def _a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i % 7},5;{i * i % 11},25;{'abc'[i % 3]}\n" for i in range(48))
    Path("rows.csv").write_text(f"height;width;kind\n{rows}")
    Path("small.yaml").write_text(CONFIG)
    assert main(["train", "small.yaml"]) == 0
    capsys.readouterr()


def told(capsys, *words, code=0):
    assert main(list(words)) == code
    return capsys.readouterr()


def test_a_run_whose_data_moved_goes_on_once_it_is_told_where_it_is(capsys):
    Path("new").mkdir()
    Path("rows.csv").rename("new/other.csv")
    err = told(capsys, "resume", "runs/small/0001", "trainer.max_epochs=2", code=2).err
    assert err.endswith("if the data is elsewhere, name its place on the command line, as data.path=FILE\n")
    told(capsys, "resume", "runs/small/0001", "trainer.max_epochs=2", "data.path=new/other.csv")
    Path("new/other.csv").write_text(Path("new/other.csv").read_text().replace("0,25", "0,75"))
    err = told(capsys, "resume", "runs/small/0001", "trainer.max_epochs=3", code=2).err
    assert "its SHA-256 differs" in err


def test_another_setting_of_the_data_is_no_place_of_it(capsys):
    err = told(capsys, "resume", "runs/small/0001", "trainer.max_epochs=2", "data.val_fraction=0.25", code=2).err
    assert "data.Table.val_fraction is 0.25, and this run was trained with 0.2" in err


def test_a_file_in_another_notation_is_predicted_with_the_words_that_the_error_names(capsys):
    first = told(capsys, "predict", "runs/small/0001", "rows.csv").out.splitlines()
    Path("plain.csv").write_text("height,width\n0.5,0.25\n1.5,1.25\n")
    err = told(capsys, "predict", "runs/small/0001", "plain.csv", code=2).err
    assert err.endswith("""for these add 'data.delimiter=","'\n""")
    err = told(capsys, "predict", "runs/small/0001", "plain.csv", 'data.delimiter=","', code=2).err
    assert err.endswith("""for these add 'data.decimal="."'\n""")
    words = ['data.delimiter=","', 'data.decimal="."']
    assert told(capsys, "predict", "runs/small/0001", "plain.csv", *words).out.splitlines() == first[:2]


def test_a_run_that_writes_text_names_generate_when_it_is_to_predict(capsys):
    Path("text.txt").write_text("to be or not to be " * 40)
    config = CONFIG.replace("small", "text").splitlines()
    config[1] = "data: {CharText: {path: text.txt, block_size: 8}}"
    config[3] = 'model: {Sequential: [{Embedding: ["${data.vocab_size}", 4]}, {Linear: [4, "${data.vocab_size}"]}]}'
    config[4] = "loss: {CrossEntropyLoss: {axis: -1}}"
    Path("text.yaml").write_text("\n".join(config))
    told(capsys, "train", "text.yaml")
    err = told(capsys, "predict", "runs/text/0001", "text.txt", code=2).err
    assert "minigrad generate runs/text/0001 TEXT continues a text" in err


@pytest.mark.parametrize("words", [
    ["export", "runs/small/0001", "--weights", "gone/small.safetensors"],
    ["export", "runs/small/0001", "--onnx", "gone/small.onnx"],
    ["compare", "runs/small/0001", "runs/small/0001", "--output", "gone/compare.html"],
])  # fmt: skip
def test_a_folder_that_is_not_there_is_refused_before_anything_is_done(words, capsys):
    said = told(capsys, *words, code=2)
    assert "there is no folder gone: create it first" in said.err
    assert said.out == ""


def test_a_report_without_the_data_leaves_one_that_has_all(capsys):
    pytest.importorskip("matplotlib", reason="reports draw")
    full = Path(told(capsys, "report", "runs/small/0001").out.strip())
    content = full.read_text()
    assert "None</td>" not in content
    Path("rows.csv").unlink()
    said = told(capsys, "report", "runs/small/0001")
    assert said.out == "runs/small/0001/report_partial.html\n"
    assert "runs/small/0001/report.html shows more, and is kept" in said.err
    assert full.read_text() == content
    full.unlink()
    assert told(capsys, "report", "runs/small/0001").out == "runs/small/0001/report.html\n"
    assert told(capsys, "report", "runs/small/0001").out == "runs/small/0001/report.html\n"


def test_python_finds_the_configs_that_ship_with_minigrad():
    assert load("configs/xor.yaml").name == "xor"
    Path("configs").mkdir()
    Path("configs/xor.yaml").write_text(CONFIG.replace("small", "mine").replace("rows.csv", "../rows.csv"))
    assert minigrad.load("configs/xor.yaml").name == "mine"
