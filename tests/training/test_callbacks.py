"""The callbacks that come with minigrad."""

import json
import sys

import numpy as np
import pytest

from minigrad.config import ConfigError
from minigrad.data import DataLoader, Moons
from minigrad.engine import random
from minigrad.nn import CrossEntropyLoss, Linear
from minigrad.optim import SGD, StepLR
from minigrad.runs import RunDirectory
from minigrad.training import Experiment, ExperimentError, ReduceLROnPlateau, TensorBoard, Trainer, load
from minigrad.training import Training as Run


def experiment(*callbacks, schedule=None, **settings):
    random.seed(0)
    return Experiment(
        name="watched",
        data=Moons(n_samples=60, val_fraction=1 / 6, test_fraction=1 / 6),
        model=Linear(2, 2),
        loss=CrossEntropyLoss(),
        optimizer=lambda parameters: SGD(parameters, lr=0.08),
        schedule=schedule,
        loader=lambda examples: DataLoader(examples, batch_size=8),
        trainer=Trainer(val_every=1, log_every=1, **settings),
        callbacks=list(callbacks),
    )


def never_satisfied(**options):
    return ReduceLROnPlateau(factor=0.5, patience=1, threshold=100.0, threshold_mode="abs", **options)


def rates(directory):
    return [json.loads(line)["lr"] for line in (directory.path / "metrics.jsonl").read_text().splitlines()]


def test_the_rate_falls_after_more_validations_without_an_improvement_than_are_put_up_with(tmp_path):
    directory = RunDirectory.create(tmp_path, "watched", "")
    Run(experiment(never_satisfied(min_lr=0.03), max_steps=7)).run(directory)
    # the first validation is the best, the next two are not good enough; a record shows the rate of its own step
    assert rates(directory) == [0.08, 0.08, 0.08, 0.04, 0.04, 0.03, 0.03]


def test_a_metric_knows_which_direction_is_better(tmp_path):
    plateau = ReduceLROnPlateau()
    run = Run(experiment(plateau, max_steps=2))
    run.run()
    assert plateau.state_dict()["best"] < np.inf


def test_a_run_that_goes_on_reduces_as_if_it_had_not_been_interrupted(tmp_path):
    whole = RunDirectory.create(tmp_path, "watched", "")
    Run(experiment(never_satisfied(), max_steps=8)).run(whole)

    first, parts = Run(experiment(never_satisfied(), max_steps=8)), RunDirectory.create(tmp_path, "watched", "")
    first.settings = Trainer(val_every=1, log_every=1, max_steps=2)
    first.steps = 2
    first.run(parts)
    second = Run(experiment(never_satisfied(), max_steps=8))
    second.load_state(*parts.read("last"))
    second.run(parts)
    assert rates(parts)[2:] == rates(whole)[2:]


def test_what_is_not_measured_cannot_be_watched():
    with pytest.raises(ExperimentError, match=r"does not measure 'val/los'; did you mean 'val/loss'"):
        experiment(ReduceLROnPlateau(monitor="val/los"))


def test_a_schedule_beside_it_is_refused():
    with pytest.raises(ExperimentError, match="a schedule sets the rate at every step: leave one of the two out"):
        experiment(ReduceLROnPlateau(), schedule=lambda optimizer: StepLR(optimizer, 1))


@pytest.mark.parametrize("factor", [0.0, 1.0, 2.0])
def test_a_factor_that_does_not_reduce_is_refused(factor):
    with pytest.raises(ValueError, match="factor must be above 0 and below 1"):
        ReduceLROnPlateau(factor=factor)


def test_a_config_names_it(tmp_path):
    config = tmp_path / "xor.yaml"
    text = """
        name: xor
        data: XOR
        loader: {batch_size: 4}
        model: {Linear: [2, 2]}
        loss: CrossEntropyLoss
        optimizer: {SGD: {lr: 0.1}}
        callbacks: [{ReduceLROnPlateau: {patience: 3, monitor: MONITOR}}]
    """
    config.write_text(text.replace("MONITOR", "train/loss"))
    assert load(config).callbacks[0].monitor == "train/loss"
    config.write_text(text.replace("MONITOR", "val/loss_"))
    with pytest.raises(ConfigError, match=r"xor.yaml:8:.*does not measure 'val/loss_'"):
        load(config)


def test_tensorboard_reads_every_logged_value(tmp_path):
    pytest.importorskip("tensorboardX", reason="event files need tensorboardX")
    directory = RunDirectory.create(tmp_path, "watched", "")
    Run(experiment(TensorBoard(), max_steps=3)).run(directory)
    (file,) = (directory.path / "tensorboard").iterdir()
    content = file.read_bytes()
    for name in (b"train/loss", b"val/loss", b"lr", b"test/loss"):
        assert content.count(name) == (1 if name == b"test/loss" else 3)


def test_without_a_directory_nothing_is_written(tmp_path, monkeypatch):
    pytest.importorskip("tensorboardX", reason="event files need tensorboardX")
    monkeypatch.chdir(tmp_path)
    experiment(TensorBoard(), max_steps=1).fit()
    assert list(tmp_path.iterdir()) == []


def test_without_tensorboardx_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ValueError, match="needs tensorboardX: pip install tensorboardX"):
        TensorBoard()
