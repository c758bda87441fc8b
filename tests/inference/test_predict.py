import json
import math

import numpy as np
import pytest

import minigrad
from minigrad.data import Dataset, Examples
from minigrad.inference import predict
from minigrad.inference.predict import lines
from minigrad.metrics import Accuracy
from minigrad.nn import BCEWithLogitsLoss, CrossEntropyLoss, Flatten, Linear, Module, MSELoss, Sequential
from minigrad.optim import SGD
from minigrad.training import Experiment


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
    with pytest.raises(ValueError, match=r"one row of outputs per input, got outputs \(1, 2, 3\)"):
        said(np.zeros((1, 2, 3)), CrossEntropyLoss(), classes=3)


def test_records_become_lines_of_json_or_csv():
    records = [{"class": 'a "b", c', "output/0": 0.5}, {"class": "d", "output/0": float("nan")}]
    assert [json.loads(line) for line in lines(iter(records), "jsonl")] == [
        {"class": 'a "b", c', "output/0": 0.5},
        {"class": "d", "output/0": None},
    ]
    assert list(lines(iter(records), "csv")) == ['class,output/0\n"a ""b"", c",0.5', "d,nan"]
