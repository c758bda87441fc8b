from pathlib import Path

import pytest

from minigrad.config import ConfigError
from minigrad.data import XOR, DataLoader
from minigrad.nn import CrossEntropyLoss, Linear
from minigrad.optim import SGD
from minigrad.training import (
    Accuracy,
    Checkpoint,
    ConfusionMatrix,
    EarlyStopping,
    Experiment,
    ExperimentError,
    Metric,
    Trainer,
    load,
)

CONFIGS = Path(__file__).parents[2] / "configs"


def xor(name="xor", metrics=(), **settings):
    loader = lambda examples: DataLoader(examples, batch_size=4)
    trainer = Trainer(**settings)
    return Experiment(
        name, XOR(), Linear(2, 2), CrossEntropyLoss(), SGD, loader=loader, metrics=list(metrics), trainer=trainer
    )


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a b", "a\\b"])
def test_a_name_that_is_no_plain_directory_is_refused(name):
    with pytest.raises(ExperimentError, match="cannot name a directory"):
        xor(name)


@pytest.mark.parametrize("name", ["xor", "xor_2", "v1.0-best", "große_Zahl"])
def test_a_name_may_have_letters_digits_dots_and_dashes(name):
    assert xor(name).name == name


def test_a_seed_out_of_range_is_a_mistake_in_the_config_with_its_place():
    with pytest.raises(
        ConfigError, match=r"command line:1:6: error: a seed is an integer from 0 to 2\*\*64 - 1, got -1"
    ):
        load(CONFIGS / "xor.yaml", ["seed=-1"])


def test_what_is_measured_can_be_monitored_and_knows_its_better_direction():
    class ErrorRate(Metric):
        higher_is_better = False

    assert xor(metrics=[Accuracy(), ErrorRate()]).measured == {
        "train/loss": "min",
        "train/accuracy": "max",
        "train/error_rate": "min",
        "val/loss": "min",
        "val/accuracy": "max",
        "val/error_rate": "min",
    }


@pytest.mark.parametrize("key", ["checkpoint", "early_stopping"])
def test_monitoring_what_is_not_measured_is_refused_with_the_nearest_name_and_the_place_in_the_config(key):
    watchers = {"checkpoint": Checkpoint("val/acuracy"), "early_stopping": EarlyStopping("val/acuracy")}
    with pytest.raises(ExperimentError, match=r"'val/acuracy'; did you mean 'val/accuracy'\?  it measures") as caught:
        xor(metrics=[Accuracy()], **{key: watchers[key]})
    assert caught.value.path == f"trainer.{key}.monitor"


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(ExperimentError, match="two metrics are named 'accuracy'"):
        xor(metrics=[Accuracy(), Accuracy(0.5)])


def test_a_table_is_measured_but_cannot_be_monitored():
    assert not any("confusion" in name for name in xor(metrics=[ConfusionMatrix()]).measured)
    with pytest.raises(ExperimentError, match="'val/confusion_matrix' is a table, not a number that gets better"):
        xor(metrics=[ConfusionMatrix()], checkpoint=Checkpoint("val/confusion_matrix"))
