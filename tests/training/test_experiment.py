from pathlib import Path

import pytest

from minigrad.config import ConfigError
from minigrad.data import XOR, DataLoader
from minigrad.metrics import Accuracy, ConfusionMatrix, Metric
from minigrad.nn import (
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    GaussianNLLLoss,
    Linear,
    Loss,
    MarginRankingLoss,
    TripletMarginLoss,
)
from minigrad.optim import SGD, CosineAnnealingLR, LinearLR, OneCycleLR, StepLR, WarmupCosine
from minigrad.training import Checkpoint, EarlyStopping, Experiment, ExperimentError, Trainer, Training, load
from minigrad.training.experiment import schedule_warning

CONFIGS = Path(__file__).parents[2] / "configs"


def xor(name="xor", metrics=(), loss=None, schedule=None, **settings):
    return Experiment(
        name,
        XOR(),
        Linear(2, 2),
        loss or CrossEntropyLoss(),
        lambda parameters: SGD(parameters, lr=1.0),
        loader=lambda examples: DataLoader(examples, batch_size=4),
        metrics=list(metrics),
        schedule=schedule,
        trainer=Trainer(**settings),
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
    assert caught.value.faults[0].path == f"trainer.{key}.monitor"


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(ExperimentError, match="two metrics are named 'accuracy'"):
        xor(metrics=[Accuracy(), Accuracy(0.5)])


@pytest.mark.parametrize(
    ("loss", "compares"),
    [
        (TripletMarginLoss(), "anchor, positive, negative"),
        (CosineEmbeddingLoss(), "input1, input2, target"),
        (MarginRankingLoss(), "input1, input2, target"),
        (GaussianNLLLoss(), "input, target, var"),
    ],
)
def test_a_loss_of_more_than_outputs_and_targets_is_refused_with_a_way_to_use_it(loss, compares):
    with pytest.raises(ExperimentError, match=f"{compares}, and a training .* in the forward.* of your own") as caught:
        xor(loss=loss)
    assert caught.value.faults[0].path == "loss"


def test_a_loss_may_take_more_than_outputs_and_targets_if_that_has_a_default():
    class Weighted(Loss):
        def forward(self, input, target, weight=None):
            return input.mean()

    assert isinstance(xor(loss=Weighted()).loss, Weighted)


def test_a_table_is_measured_but_cannot_be_monitored():
    assert not any("confusion" in name for name in xor(metrics=[ConfusionMatrix()]).measured)
    with pytest.raises(ExperimentError, match="'val/confusion_matrix' is a table, not a number that gets better"):
        xor(metrics=[ConfusionMatrix()], checkpoint=Checkpoint("val/confusion_matrix"))


@pytest.mark.parametrize(
    ("schedule", "warning"),
    [
        (
            lambda o: WarmupCosine(o, 9),
            "warmup_steps is 9, and the run has 4 steps: the learning rate rises to 0.4 only",
        ),
        (
            lambda o: WarmupCosine(o, 4),
            "warmup_steps is 4, and the run has 4 steps: the learning rate rises to 0.8 only",
        ),
        (
            lambda o: WarmupCosine(o, 0, 6),
            "total_steps is 6, and the run has 4 steps: the learning rate ends at 0.5, bef",
        ),
        (
            lambda o: LinearLR(o, 0.5, 1.0, 12),
            "total_iters is 12, and the run has 4 steps: the learning rate ends at 0.625",
        ),
        (lambda o: OneCycleLR(o, 1.0, 40, cycle_momentum=False), "total_steps is 40, and the run has 4 steps"),
        (
            lambda o: CosineAnnealingLR(o, 6),
            "T_max is 6, and the run has 4 steps: the learning rate ends at 0.5, before",
        ),
        (lambda o: StepLR(o, 5), "step_size is 5, and the run has 4 steps: the learning rate ends at 1, before"),
        (lambda o: WarmupCosine(o, 0, 2), "total_steps is 2, and the run has 4 steps: it learns nothing after that"),
    ],
)
def test_a_schedule_that_does_not_fit_the_length_of_the_run_is_told_with_the_rate_it_ends_at(schedule, warning):
    assert schedule_warning(Training(xor(schedule=schedule, max_steps=4))).startswith(f"schedule.{warning}")


@pytest.mark.parametrize(
    "schedule",
    [
        None,
        lambda o: WarmupCosine(o, 3),
        lambda o: WarmupCosine(o, 1, 4),
        lambda o: WarmupCosine(o, 1, 2, min_lr=0.1),
        lambda o: OneCycleLR(o, 1.0, cycle_momentum=False),
        lambda o: CosineAnnealingLR(o, 2),
        lambda o: LinearLR(o, 0.5, 1.0, 2),
        lambda o: StepLR(o, 2),
    ],
)
def test_a_schedule_that_fits_is_not_warned_of(schedule):
    assert schedule_warning(Training(xor(schedule=schedule, max_steps=4))) == ""


def test_a_training_from_python_warns_of_a_schedule_that_is_too_long():
    with pytest.warns(UserWarning, match=r"schedule\.warmup_steps is 9, and the run has 4 steps"):
        assert xor(schedule=lambda o: WarmupCosine(o, 9), max_steps=4).fit()["status"] == "done"
