import numpy as np
import pytest

from minigrad.training import Accuracy, ConfusionMatrix, Metric
from minigrad.training.metrics import Tally


def test_the_name_of_a_metric_is_its_class_in_lower_case():
    class MyErrorRate(Metric):
        pass

    assert (Accuracy().name, MyErrorRate().name) == ("accuracy", "my_error_rate")


@pytest.mark.parametrize("call", [lambda m: m.reset(), lambda m: m.update(0, 0), lambda m: m.compute()])
def test_a_metric_without_its_methods_says_which_one_to_define(call):
    class Half(Metric):
        pass

    with pytest.raises(NotImplementedError, match="Half must define"):
        call(Half())


def test_the_mean_loss_weighs_each_example_alike_in_batches_of_unequal_size():
    losses = np.array([1.0, 2.0, 3.0, 10.0])
    tally = Tally([])
    for batch in np.split(losses, [3]):
        tally.add(batch.mean(), len(batch), batch, batch)
    assert tally.compute("val") == {"val/loss": losses.mean()}


def test_a_loss_that_is_a_sum_is_told_for_one_example_too():
    losses = np.array([1.0, 2.0, 3.0, 10.0])
    tally = Tally([], reduction="sum")
    for batch in np.split(losses, [3]):
        tally.add(batch.sum(), len(batch), batch, batch)
    assert tally.compute("val") == {"val/loss": losses.mean()}


def test_a_reset_tally_has_forgotten_loss_and_metrics():
    outputs = np.random.default_rng(0).normal(size=(50, 4))
    tally = Tally([Accuracy()])
    tally.add(5.0, 50, outputs, np.zeros(50, int))
    tally.reset()
    tally.add(1.0, 10, outputs[:10], outputs[:10].argmax(1))
    assert tally.compute("train") == {"train/loss": 1.0, "train/accuracy": 1.0}


def test_a_table_stands_in_the_results_of_the_test_alone():
    tally = Tally([Accuracy(), ConfusionMatrix()])
    tally.add(1.0, 2, np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    assert tally.compute("val").keys() == {"val/loss", "val/accuracy"}
    assert tally.compute("test")["test/confusion_matrix"] == [[1, 0], [1, 0]]
