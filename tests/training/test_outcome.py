import hashlib
import json
import math

import numpy as np
import pytest

import minigrad
from minigrad.data import Dataset, Examples, Table
from minigrad.nn import BCEWithLogitsLoss, CrossEntropyLoss, Flatten, Linear, Module, MSELoss, Sequential
from minigrad.optim import SGD
from minigrad.training import Accuracy, Experiment, UsageError, evaluate, load_run, main, predict
from minigrad.training.outcome import lines

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
        assert main(["mine.yaml"]) == 0
        results = json.loads(capsys.readouterr().out.splitlines()[-1])
        return results["run"], results

    return train


class Fixed(Dataset):
    def __init__(self, classes=None) -> None:
        self._num_classes = classes
        self.train = self.val = self.test = Examples(np.zeros((4, 2), np.float32), np.zeros((4, 1), np.float32))


class Given(Module):
    """Gives the same outputs for whatever inputs."""

    def __init__(self, outputs) -> None:
        self.outputs = minigrad.Tensor(np.array(outputs, np.float32))
        self.weight = minigrad.nn.Parameter(np.zeros(1, np.float32))

    def forward(self, input):
        return self.outputs


def said(outputs, loss, classes=None, metrics=()):
    experiment = Experiment("fixed", Fixed(classes), Given(outputs), loss, SGD, metrics=list(metrics))
    return list(predict(experiment, np.zeros((len(outputs), 2), np.float32)))


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
    assert expected[0].keys() == {"class", "probability/apple", "probability/berry", "probability/cherry"}
    (tmp_path / "rows.csv").write_text(rows(offset=1000))
    after = load_run(run)
    assert list(predict(after, after.data.read_inputs(new))) == expected
    assert Table("rows.csv", "kind").state_dict() != after.data.state_dict()


def test_the_vocabulary_of_a_text_is_that_of_the_run_though_its_file_has_changed(trained, tmp_path):
    run, _ = trained(TEXT)
    before = load_run(run)
    (tmp_path / "prose.txt").write_text("ABC" + PROSE)
    after = load_run(run)
    assert after.data.vocabulary == before.data.vocabulary
    assert after.model[1].weight.shape == before.model[1].weight.shape


def test_a_run_tells_by_its_digest_which_text_it_read(trained, tmp_path, capsys):
    run, _ = trained(TEXT)
    facts = json.loads((tmp_path / run / "run.json").read_text())
    assert facts["data_digest"] == hashlib.sha256(PROSE.encode()).hexdigest()
    (tmp_path / "prose.txt").write_text(PROSE[::-1])
    assert main([run, "--resume", "trainer.max_epochs=3"]) == 0
    assert "the bits may differ: the run began with other data_digest" in capsys.readouterr().err


def test_the_config_of_a_run_can_be_overridden_where_its_data_has_moved(trained, tmp_path):
    run, _ = trained(TABLE)
    (tmp_path / "rows.csv").rename(tmp_path / "moved.csv")
    assert load_run(run, ["data.path=moved.csv"]).data.class_names == ("apple", "berry", "cherry")


def test_what_is_no_run_or_has_no_weights_is_refused(trained, tmp_path):
    with pytest.raises(UsageError, match=r"none is no directory of a run: it has no config\.yaml"):
        load_run(tmp_path / "none")
    run, _ = trained(SMALL)
    with pytest.raises(UsageError, match=r"not the weights of the model as it is now: .*\n.*expected shape \(9, 2\)"):
        load_run(run, ["model={Sequential: [{Linear: [2, 9]}, {Dropout: 0.5}, {Linear: [9, 2]}]}"])
    (tmp_path / run / "checkpoints" / "best.safetensors").unlink()
    with pytest.raises(UsageError, match="has no best weights yet: it ended before its first validation"):
        load_run(run)


def test_a_classifier_names_the_class_and_the_probability_of_each():
    (record,) = said([[0.0, math.log(3)]], CrossEntropyLoss(), classes=2)
    assert record == {"class": "1", "probability/0": 0.25, "probability/1": 0.75}


@pytest.mark.parametrize(("output", "answer"), [(math.log(3), "1"), (-math.log(3), "0")])
def test_one_output_of_a_binary_classifier_is_the_probability_of_class_1(output, answer):
    (record,) = said([[output]], BCEWithLogitsLoss(), classes=2)
    yes = 1 / (1 + math.exp(-output))
    assert record == {"class": answer, "probability/0": pytest.approx(1 - yes), "probability/1": pytest.approx(yes)}


def test_where_the_loss_makes_no_probabilities_the_outputs_are_shown():
    (record,) = said([[0.1, 0.9]], MSELoss(), classes=2)
    assert record == {"class": "1", "output/0": 0.1, "output/1": 0.9}
    (record,) = said([[0.9]], MSELoss(), classes=2)
    assert record == {"class": "1", "output/0": 0.9}


def test_a_single_output_is_class_1_above_the_threshold_that_the_run_measured_with():
    assert [said([[0.7]], MSELoss(), 2, [Accuracy(t)])[0]["class"] for t in (0.6, 0.8)] == ["1", "0"]
    assert [said([[0.7]], BCEWithLogitsLoss(), 2, [Accuracy(t)])[0]["class"] for t in (0.6, 0.8)] == ["1", "0"]


def test_amounts_are_numbered_outputs():
    assert said([[1.5, -2.0], [0.0, 3.0]], MSELoss()) == [
        {"output/0": 1.5, "output/1": -2.0},
        {"output/0": 0.0, "output/1": 3.0},
    ]


def test_many_inputs_go_through_the_model_in_parts_with_the_same_answers():
    model = Sequential(Flatten(), Linear(2, 3))
    experiment = Experiment("many", Fixed(3), model, CrossEntropyLoss(), SGD, metrics=[Accuracy()])
    inputs = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
    answers = [record["class"] for record in predict(experiment, inputs)]
    assert answers == [str(i) for i in model(minigrad.Tensor(inputs)).data.argmax(1)]


def test_between_two_answers_the_model_can_be_trained_as_ever():
    model = Linear(2, 3)
    experiment = Experiment("fixed", Fixed(3), model, CrossEntropyLoss(), SGD)
    for _ in predict(experiment, np.zeros((2, 2), np.float32)):
        model(minigrad.Tensor(np.ones((1, 2), np.float32))).sum().backward()
    np.testing.assert_array_equal(model.bias.grad, [2, 2, 2])


def test_a_model_of_sequences_is_refused():
    with pytest.raises(ValueError, match=r"one row of outputs for each input, got outputs \(1, 2, 3\)"):
        said(np.zeros((1, 2, 3)), CrossEntropyLoss(), classes=3)


def test_records_become_lines_of_json_or_csv():
    records = [{"class": 'a "b", c', "output/0": 0.5}, {"class": "d", "output/0": float("nan")}]
    assert [json.loads(line) for line in lines(iter(records), "jsonl")] == [
        {"class": 'a "b", c', "output/0": 0.5},
        {"class": "d", "output/0": None},
    ]
    assert list(lines(iter(records), "csv")) == ['class,output/0\n"a ""b"", c",0.5', "d,nan"]
