import numpy as np
import pytest

from minigrad.data import DataLoader, Examples, Moons
from minigrad.engine import random
from minigrad.metrics import Accuracy
from minigrad.nn import CrossEntropyLoss, Dropout, Linear, Sequential, Tanh
from minigrad.optim import SGD, StepLR
from minigrad.training import Checkpoint, EarlyStopping, Experiment, Trainer, Training
from minigrad.training.lr_finder import Sweep, find_lr

from ..bits import bits


def moons(optimizer=SGD, loss=None, **settings):
    random.seed(0)
    return Experiment(
        name="moons",
        data=Moons(n_samples=200),
        model=Sequential(Linear(2, 16), Tanh(), Dropout(0.1), Linear(16, 2)),
        loss=loss or CrossEntropyLoss(),
        optimizer=optimizer,
        loader=lambda examples: DataLoader(examples, batch_size=16),
        metrics=[Accuracy()],
        schedule=lambda optimizer: StepLR(optimizer, 1),
        trainer=Trainer(**settings),
    )


def test_the_rate_grows_by_a_constant_factor_and_each_step_takes_its_own():
    taken = []

    class Spy(SGD):
        def step(self):
            taken.append([group["lr"] for group in self.param_groups])
            super().step()

    def optimizer(parameters):
        parameters = list(parameters)
        return Spy([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.02}], lr=0.01)

    sweep = find_lr(moons(optimizer), 1e-4, 1e-2, steps=5)
    np.testing.assert_allclose(sweep.rates, 1e-4 * 10 ** np.arange(0, 2.1, 0.5), rtol=1e-12)
    np.testing.assert_allclose(taken, np.outer(sweep.rates, [1, 2]), rtol=1e-12)


def test_the_experiment_stays_as_it_is():
    settings = {"checkpoint": Checkpoint("val/accuracy"), "early_stopping": EarlyStopping("val/accuracy")}
    experiment = moons(**settings)
    experiment.model.eval()
    before = bits(experiment.model)
    find_lr(experiment)
    assert bits(experiment.model) == before
    assert not experiment.model.training
    assert experiment.fit() == moons(**settings).fit()


def test_the_losses_are_those_of_a_training_with_these_rates():
    sweep = find_lr(moons(), 0.1, 0.2, steps=3)
    training = Training(moons(lambda parameters: SGD(parameters, lr=0.1)))
    training.schedule = None
    training.train_step(next(training.batches()))
    assert sweep.losses[0] == training.metrics.compute("train")["train/loss"]


def test_the_smoothed_loss_is_a_mean_that_forgets():
    sweep = find_lr(moons(), steps=10)
    for i in (0, 4, 9):
        weights = 0.9 ** np.arange(i, -1, -1)
        expected = np.average(sweep.losses[: i + 1], weights=weights)
        assert sweep.smoothed[i] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("high", [1e5, 1e30])
def test_the_sweep_ends_where_the_loss_explodes(high):
    sweep = find_lr(moons(), 1e-3, high)
    assert 10 < len(sweep.rates) < 100
    assert len(sweep.losses) == len(sweep.smoothed) == len(sweep.rates)
    assert np.isfinite(sweep.losses).all()


def test_the_suggestion_is_a_tenth_of_the_rate_with_the_smallest_loss():
    rates = np.array([1e-4, 1e-3, 1e-2, 2.3e-1, 1.0])
    assert Sweep(rates, np.ones(5), np.array([5, 4, 3, 1, 9.0])).suggestion == 0.02
    assert Sweep(rates, np.ones(5), np.array([1, 2, 3, 4, 5.0])).suggestion is None


def test_the_suggested_rate_trains_better_than_a_hundredth_of_it():
    rate = find_lr(moons()).suggestion
    losses = []
    for factor in (1, 0.01):
        experiment = moons(lambda parameters, factor=factor: SGD(parameters, lr=rate * factor))
        experiment.schedule = None
        losses.append(experiment.fit()["val/loss"])
    assert losses[0] < losses[1]


def test_the_table_is_short_and_ends_with_what_to_try():
    lines = find_lr(moons()).table(rows=5).splitlines()
    assert len(lines) == 7
    assert lines[0].split() == ["lr", "loss", "smoothed"]
    assert lines[-1].startswith("try optimizer.lr=")
    nothing = np.array([])
    assert "the loss never fell" in Sweep(nothing, nothing, nothing).table()


@pytest.mark.parametrize("arguments", [(1e-3, 1e-4), (0.0, 1.0), (1e-3, 1.0, 1)])
def test_rates_that_do_not_grow_are_refused(arguments):
    with pytest.raises(ValueError, match="expected 0 < low < high and at least 2 steps"):
        find_lr(moons(), *arguments)


def test_steps_in_which_no_target_counts_say_nothing_of_their_rates():
    experiment = moons()
    targets = np.where(np.arange(len(experiment.data.train)) < 100, -100, experiment.data.train.targets)
    experiment.data.train = Examples(experiment.data.train.inputs, targets)
    experiment.loader = lambda examples: DataLoader(examples, batch_size=10, shuffle=False)
    sweep = find_lr(experiment, 1e-4, 1e-2, steps=12)
    assert len(sweep.rates) == len(sweep.losses) == 2
    assert np.isfinite(sweep.smoothed).all()


def test_a_loss_below_zero_has_not_exploded():
    class Shifted(CrossEntropyLoss):
        def forward(self, input, target):
            return super().forward(input, target) - 10.0

    assert len(find_lr(moons(loss=Shifted()), 1e-5, 1e-4, steps=8).losses) == 8
