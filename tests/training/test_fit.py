"""Experiments that are trained from Python, with and without a directory."""

import json

import pytest

import minigrad
from minigrad.cli import main
from minigrad.data import Moons
from minigrad.nn import CrossEntropyLoss, Linear
from minigrad.optim import SGD
from minigrad.runs import RunError, read_checkpoint
from minigrad.training import Callback, Experiment, Trainer, UsageError, load

CONFIG = """\
name: small
data: {Moons: {n_samples: 60}}
loader: {batch_size: 10}
model: {MLP: {sizes: [2, 4, 2]}}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""
WRITTEN = ("config.yaml", "metrics.jsonl", "checkpoints/last.safetensors", "checkpoints/best.safetensors")


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(CONFIG)
    return "small.yaml"


def test_a_fit_with_a_directory_writes_every_byte_that_the_command_writes(config, tmp_path):
    assert main(["train", config]) == 0
    history = load(config).fit(run_dir="mine")
    for name in WRITTEN:
        assert (tmp_path / "mine" / name).read_bytes() == (tmp_path / "runs/small/0001" / name).read_bytes()
    assert (tmp_path / "mine" / "code" / "mlp.py").exists()
    facts, theirs = (json.loads((tmp_path / run / "run.json").read_text()) for run in ("mine", "runs/small/0001"))
    for name in ("status", "reason", "exit_code", "results", "best", "data_digests", "config_digest", "seed"):
        assert facts[name] == theirs[name]
    assert facts["results"] == history
    assert main(["evaluate", "mine"]) == 0


def test_a_history_has_the_results_and_every_record(config, tmp_path):
    history = load(config).fit(run_dir="mine")
    lines = [json.loads(line) for line in (tmp_path / "mine" / "metrics.jsonl").read_text().splitlines()]
    assert (history["status"], history.records, str(history.path)) == ("done", lines, "mine")
    steps, values = history.series("val/loss")
    assert steps.tolist() == [4, 8]
    assert values.tolist() == [line["val/loss"] for line in lines]
    assert load(config).fit() == history
    assert load(config).fit().path is None


def test_a_directory_with_something_in_it_is_refused_before_the_first_step(config, tmp_path):
    experiment = load(config)
    before = experiment.model.state_dict()["layers.0.weight"].copy()
    with pytest.raises(RunError, match=r": expected an empty folder for a new run, found "):
        experiment.fit(run_dir=tmp_path)
    assert (experiment.model.state_dict()["layers.0.weight"] == before).all()


class Failing(Callback):
    def on_validation_end(self, training, record) -> None:
        raise KeyError("mine")


def test_how_a_training_failed_is_noted(config, tmp_path):
    experiment = load(config)
    experiment.callbacks.append(Failing())
    with pytest.raises(KeyError):
        experiment.fit(run_dir="mine")
    facts = json.loads((tmp_path / "mine" / "run.json").read_text())
    assert (facts["status"], facts["exit_code"], facts["reason"]) == ("failed", 1, "KeyError: 'mine'")


def test_an_experiment_of_python_leaves_its_weights_and_says_that_they_have_no_config(config, tmp_path, capsys):
    model = Linear(2, 2)
    trainer = Trainer(max_epochs=1)
    experiment = Experiment("python", Moons(60), model, CrossEntropyLoss(), SGD, trainer=trainer)
    experiment.fit(run_dir="mine")
    weights, _ = read_checkpoint(tmp_path / "mine" / "checkpoints" / "best.safetensors")
    assert (weights["weight"] == model.state_dict()["weight"]).all()
    with pytest.raises(UsageError, match="mine was built in Python: its config has no model; "):
        minigrad.load_run("mine")
