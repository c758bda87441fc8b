"""The table of logged values: its rows are the records, also after a resume."""

import csv
import json
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.training import CSVLog, load

CONFIG = """\
name: small
data: {Moons: {n_samples: 100}}
loader: {batch_size: 10}
model: {Sequential: [{Linear: [2, 2]}]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_steps: 12, val_every: 4, log_every: 2}
callbacks: [CSVLog]
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(CONFIG)
    return "small.yaml"


def rows(run):
    with open(Path(run) / "metrics.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_record_is_a_row_and_what_was_not_measured_is_empty(config):
    assert main(["train", config]) == 0
    records = [json.loads(line) for line in Path("runs/small/0001/metrics.jsonl").read_text().splitlines()]
    found = rows("runs/small/0001")
    assert [row["step"] for row in found] == ["2", "4", "6", "8", "10", "12"]
    assert [row["val/loss"] != "" for row in found] == [False, True] * 3
    for row, record in zip(found, records, strict=True):
        assert {name: float(cell) for name, cell in row.items() if cell} == record


def test_a_resumed_run_has_the_rows_of_one_that_was_not_interrupted(config):
    assert main(["train", config]) == 0
    assert main(["train", config, "trainer.max_steps=8"]) == 0
    with open("runs/small/0002/metrics.csv", "a") as file:
        file.write("rows after the checkpoint\n")
    assert main(["resume", "runs/small/0002", "trainer.max_steps=12"]) == 0
    once, twice = (Path(f"runs/small/000{i}/metrics.csv").read_bytes() for i in (1, 2))
    assert once == twice


def test_a_number_that_is_not_finite_is_an_empty_cell(tmp_path):
    class Directory:
        path = tmp_path

    class Training:
        directory = Directory()

    log = CSVLog()
    log.on_train_start(Training())
    for record in ({"step": 1, "val/loss": None}, {"step": 2, "val/loss": float("nan")}):
        with open(tmp_path / "metrics.jsonl", "a") as file:
            file.write(json.dumps({**record, "val/loss": None}) + "\n")
        log.on_log(Training(), record)
    assert rows(tmp_path) == [{"step": "1", "val/loss": ""}, {"step": "2", "val/loss": ""}]


def test_a_training_without_a_directory_writes_nothing(config):
    before = sorted(Path().rglob("*"))
    load(config).fit()
    assert sorted(Path().rglob("*")) == before
