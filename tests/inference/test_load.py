"""A finished run is loaded as it was, whatever has become of its data."""

import json

import numpy as np
import pytest

import minigrad
from minigrad.cli import main
from minigrad.data import Table
from minigrad.inference import evaluate, load_run, predict
from minigrad.training import UsageError

SMALL = """\
name: small
data: {Moons: {n_samples: 100}}
loader: {batch_size: 10}
model: {Sequential: [{Linear: [2, 8]}, {Dropout: 0.5}, {Linear: [8, 2]}]}
loss: CrossEntropyLoss
metrics: [Accuracy, ConfusionMatrix]
optimizer: {Adam: {lr: 0.05}}
trainer: {max_epochs: 2}
"""
TABLE = """\
name: table
data: {Table: {path: rows.csv, target: kind}}
loader: {batch_size: 6}
model: {Linear: ["${data.num_features}", "${data.num_classes}"]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""
TEXT = """\
name: text
data: {CharText: {path: prose.txt, block_size: 8}}
model: {Sequential: [{Embedding: ["${data.vocab_size}", 4]}, {Linear: [4, "${data.vocab_size}"]}]}
loss: {CrossEntropyLoss: {axis: -1}}
metrics: [Accuracy, Perplexity]
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""
PROSE = "the quick brown fox jumps over the lazy dog; " * 40


def rows(offset=0.0):
    lines = [f"{i + offset},{('red', 'blue')[i % 2]},{('apple', 'berry', 'cherry')[i % 3]}" for i in range(30)]
    return "\n".join(["size,colour,kind", *lines]) + "\n"


@pytest.fixture
def trained(tmp_path, monkeypatch, capsys):
    """Trains a config in a folder of its own, and gives the run's directory with its results."""
    monkeypatch.chdir(tmp_path)

    def train(config):
        (tmp_path / "mine.yaml").write_text(config)
        (tmp_path / "rows.csv").write_text(rows())
        (tmp_path / "prose.txt").write_text(PROSE)
        assert main(["train", "mine.yaml"]) == 0
        results = json.loads(capsys.readouterr().out.splitlines()[-1])
        return results["run"], results

    return train


def test_a_run_gives_its_model_with_the_best_weights_ready_to_be_used(trained):
    run, results = trained(SMALL)
    experiment = minigrad.load_run(run)
    assert not any(module.training for module in experiment.model.modules())
    inputs, targets = experiment.data.test.batch(slice(None))
    outputs = experiment.model(minigrad.Tensor(inputs)).data
    assert np.mean(outputs.argmax(1) == targets) == results["test/accuracy"]


def test_the_test_part_is_measured_again_to_the_same_numbers(trained):
    run, results = trained(SMALL)
    experiment = load_run(run)
    again = evaluate(experiment)
    assert again == {name: value for name, value in results.items() if name.startswith("test/")}
    assert np.sum(again["test/confusion_matrix"]) == len(experiment.data.test)
    assert not experiment.model.training


def test_a_table_is_prepared_as_in_the_run_though_its_file_has_changed(trained, tmp_path):
    run, _ = trained(TABLE)
    new = tmp_path / "new.csv"
    new.write_text("size,colour\n3,red\n20,blue\n")
    before = load_run(run)
    expected = list(predict(before, before.data.read_inputs(new)))
    assert expected[0].keys() == {"kind", "probability/apple", "probability/berry", "probability/cherry"}
    (tmp_path / "rows.csv").write_text(rows(offset=1000))
    after = load_run(run)
    assert list(predict(after, after.data.read_inputs(new))) == expected
    with pytest.warns(UserWarning, match=r"^rows\.csv: not the data that .* was trained on"):
        assert len(after.data.val) == len(before.data.val)
    assert Table("rows.csv", "kind").state_dict() != after.data.state_dict()


def test_the_vocabulary_of_a_text_is_that_of_the_run_though_its_file_has_changed(trained, tmp_path):
    run, _ = trained(TEXT)
    before = load_run(run)
    (tmp_path / "prose.txt").write_text("ABC" + PROSE)
    after = load_run(run)
    assert after.data.vocabulary == before.data.vocabulary
    with pytest.warns(UserWarning, match=r"^prose\.txt: not the data that .* was trained on"):
        assert after.data.train
    assert after.model[1].weight.shape == before.model[1].weight.shape


def test_the_config_of_a_run_can_be_overridden_where_its_data_has_moved(trained, tmp_path):
    run, _ = trained(TABLE)
    (tmp_path / "rows.csv").rename(tmp_path / "moved.csv")
    assert load_run(run, ["data.path=moved.csv"]).data.class_names == ("apple", "berry", "cherry")


def test_what_is_no_run_or_has_no_weights_is_refused(trained, tmp_path):
    with pytest.raises(UsageError, match=r"none is not a run: it has no config\.yaml"):
        load_run(tmp_path / "none")
    run, _ = trained(SMALL)
    with pytest.raises(UsageError, match=r"the weights do not fit the model: .*\n.*expected shape \(9, 2\)"):
        load_run(run, ["model={Sequential: [{Linear: [2, 9]}, {Dropout: 0.5}, {Linear: [9, 2]}]}"])
    (tmp_path / run / "checkpoints" / "best.safetensors").unlink()
    with pytest.raises(UsageError, match="has no best weights yet: it ended before its first validation"):
        load_run(run)
