import numpy as np

from minigrad.metrics import Accuracy, ConfusionMatrix, MetricCollection


def test_the_mean_loss_weighs_each_example_alike_in_batches_of_unequal_size():
    losses = np.array([1.0, 2.0, 3.0, 10.0])
    collection = MetricCollection([])
    for batch in np.split(losses, [3]):
        collection.add(batch.mean(), len(batch), batch, batch)
    assert collection.compute("val") == {"val/loss": losses.mean()}


def test_a_loss_that_is_a_sum_is_told_for_one_example_too():
    losses = np.array([1.0, 2.0, 3.0, 10.0])
    collection = MetricCollection([], reduction="sum")
    for batch in np.split(losses, [3]):
        collection.add(batch.sum(), len(batch), batch, batch)
    assert collection.compute("val") == {"val/loss": losses.mean()}


def test_a_reset_collection_has_forgotten_loss_and_metrics():
    outputs = np.random.default_rng(0).normal(size=(50, 4))
    collection = MetricCollection([Accuracy()])
    collection.add(5.0, 50, outputs, np.zeros(50, int))
    collection.reset()
    collection.add(1.0, 10, outputs[:10], outputs[:10].argmax(1))
    assert collection.compute("train") == {"train/loss": 1.0, "train/accuracy": 1.0}


def test_a_table_stands_in_the_results_of_the_test_alone():
    collection = MetricCollection([Accuracy(), ConfusionMatrix()])
    collection.add(1.0, 2, np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    assert collection.compute("val").keys() == {"val/loss", "val/accuracy"}
    assert collection.compute("test")["test/confusion_matrix"] == [[1, 0], [1, 0]]
