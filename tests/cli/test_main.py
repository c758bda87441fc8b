"""What a person does with a run once it is there, and before; how a run is made is in `tests/test_train.py`."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import minigrad.data
from minigrad.cli import main

CONFIG = """\
name: digits
data: Digits
loader: {batch_size: 64}
model: {Sequential: [{Linear: [64, 32]}, ReLU, {Linear: [32, 10]}]}
loss: CrossEntropyLoss
metrics: [Accuracy, ConfusionMatrix]
optimizer: {Adam: {lr: 0.01}}
trainer: {max_epochs: 3}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a config, a run of it, and the results of that run."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "digits.yaml").write_text(CONFIG)
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert main(["train", "digits.yaml"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def run(made, monkeypatch):
    monkeypatch.chdir(made)
    return str(Path("runs/digits/0001"))


@pytest.fixture
def told(capsys):
    """Runs a command, and gives its exit code with the lines on both streams."""

    def told(*words):
        capsys.readouterr()
        exit_code = main(words)
        out, err = capsys.readouterr()
        return exit_code, out.splitlines(), err

    return told


def raw_digits():
    with np.load(Path(minigrad.data.__file__).with_name("digits.npz")) as file:
        return file["images"], file["labels"]


def test_the_test_part_of_a_run_is_measured_again_to_the_same_numbers(run, told):
    facts = json.loads((Path(run) / "run.json").read_text())
    exit_code, (line,), _ = told("evaluate", run)
    again = json.loads(line)
    assert (exit_code, again["run"], again["best_step"]) == (0, run, facts["best"]["step"])
    matrix = np.array(again["test/confusion_matrix"])
    assert matrix.trace() / matrix.sum() == again["test/accuracy"] > 0.8


def test_digits_are_predicted_from_an_array_of_raw_pixels(run, told):
    images, labels = raw_digits()
    np.save("images.npy", images[:100])
    exit_code, lines, _ = told("predict", run, "images.npy")
    records = [json.loads(line) for line in lines]
    assert (exit_code, len(records)) == (0, 100)
    assert np.mean([int(record["class"]) == label for record, label in zip(records, labels, strict=False)]) > 0.85
    for record in records:
        probabilities = [record[f"probability/{i}"] for i in range(10)]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert probabilities[int(record["class"])] == max(probabilities)


def test_csv_and_json_say_the_same(run, told):
    images, _ = raw_digits()
    Path("images.csv").write_text("\n".join(",".join(map(str, row)) for row in images[:5].reshape(5, 64)))
    _, lines, _ = told("predict", run, "images.csv")
    _, table, _ = told("predict", run, "images.csv", "--format", "csv")
    for row, line in zip(csv.DictReader(table), lines, strict=True):
        assert {k: v if k == "class" else float(v) for k, v in row.items()} == json.loads(line)


def test_an_image_is_predicted_as_its_pixels_are(run, told):
    image = pytest.importorskip("PIL.Image", reason="PNG images need Pillow")
    images, _ = raw_digits()
    image.fromarray((images[0] * 15).astype(np.uint8)).save("digit.png")
    np.save("digit.npy", (images[0] * 15).astype(np.uint8) / 255)
    _, from_image, _ = told("predict", run, "digit.png")
    _, from_array, _ = told("predict", run, "digit.npy")
    assert from_image == from_array


def test_the_layers_of_a_config_are_shown_and_nothing_is_written(run, told):
    before = sorted(os.listdir())
    exit_code, lines, _ = told("config", "digits.yaml", "--layers")
    assert (exit_code, lines[-1].split()) == (0, ["total", "2,410"])
    assert sorted(os.listdir()) == before


def test_a_schedule_longer_than_the_run_is_told_before_it_begins(run, told):
    exit_code, lines, err = told("check", "digits.yaml", "schedule={WarmupCosine: {warmup_steps: 1000}}")
    assert (exit_code, "nothing was written" in lines[-1]) == (0, True)
    assert err.startswith("warning: schedule.warmup_steps is 1000, and the run has ")


def test_find_lr_ends_with_what_to_try_and_writes_nothing(run, told):
    exit_code, lines, _ = told("find-lr", "digits.yaml")
    assert exit_code == 0
    assert lines[-1].startswith("try optimizer.lr=")
    assert 1e-4 < float(lines[-1].partition("=")[2]) < 0.2
    assert os.listdir("runs/digits") == ["0001"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "RUN"], "is a run, expected a config: minigrad resume runs/digits/0001 continues it"),
        (["check", "RUN"], "expected a config: minigrad check runs/digits/0001/config.yaml"),
        (
            ["evaluate", "digits.yaml"],
            "digits.yaml is a config, and minigrad evaluate needs a run, such as runs/digits",
        ),
        (["evaluate", "runs"], "runs is not a run: it has no config.yaml; did you mean runs/digits/0001?"),
        (["evaluate", "RUN/config.yaml"], "is the config of a run, expected the run: minigrad evaluate runs/"),
        (["predict", "RUN", "none.npy"], "none.npy: no such file"),
        (["predict", "RUN", "digits.yaml"], "Digits are read from .csv, .npy, .png, .jpg, .jpeg, .bmp or .webp files"),
        (["evaluate", "RUN", "model=Linear"], "Linear needs 'in_features', 'out_features'"),
    ],
)
def test_what_cannot_be_done_with_a_run_is_told_in_a_sentence(run, told, words, message):
    exit_code, lines, err = told(*[word.replace("RUN", run) for word in words])
    assert (exit_code, lines) == (2, [])
    assert message in err
    assert "Traceback" not in err


def test_damaged_weights_are_refused_by_name(run, told, tmp_path):
    shutil.copytree(run, tmp_path / "copy")
    weights = tmp_path / "copy" / "checkpoints" / "best.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    exit_code, _, err = told("evaluate", str(tmp_path / "copy"))
    assert exit_code == 2
    assert "best.safetensors: the array" in err
    assert "is damaged" in err
