"""What happens when numbers stop being numbers."""

import json

import numpy as np
import pytest

from minigrad import ops
from minigrad.data import Batch, DataLoader, Examples, Moons
from minigrad.engine import random
from minigrad.nn import CrossEntropyLoss, Linear, Module, ReLU, Sequential
from minigrad.optim import SGD
from minigrad.runs import RunDirectory
from minigrad.training import Experiment, Trainer, Training, TrainingError
from minigrad.training.divergence import divergence

from ..bits import bits


class RootAtZero(Module):
    """Is 0 with an infinite derivative from a step on, and 1 before."""

    def __init__(self, since):
        self.linear = Linear(2, 2)
        self.since = since
        self.calls = 0

    def forward(self, x):
        y = self.linear(x)
        if not self.training:
            return y
        self.calls += 1
        return y + ops.sqrt(y * 0) if self.calls == self.since else y


def experiment(model=None, data=None, lr=0.1, **settings):
    """40 training examples in 5 steps of an epoch."""
    random.seed(0)
    return Experiment(
        name="guarded",
        data=data or Moons(n_samples=60, val_fraction=1 / 6, test_fraction=1 / 6),
        model=model or Sequential(Linear(2, 8), ReLU(), Linear(8, 2)),
        loss=CrossEntropyLoss(),
        optimizer=lambda parameters: SGD(parameters, lr=lr),
        loader=lambda examples: DataLoader(examples, batch_size=8),
        trainer=Trainer(**settings),
    )


def test_a_loss_that_is_not_finite_ends_the_training_with_step_parameter_and_remedies():
    with pytest.raises(TrainingError) as caught:
        experiment(lr=1e30).fit()
    told = str(caught.value)
    assert told.startswith(
        "the training loss became nan at step 2 (epoch 1); none of the 16 gradients of parameter '0.w"
    )
    assert told.endswith("try a smaller optimizer.lr, or trainer.grad_clip=1.0, or trainer.on_nan=skip")


def test_a_gradient_that_is_not_finite_ends_the_training_before_the_weights_change(tmp_path):
    model = RootAtZero(since=8)
    directory = RunDirectory.create(tmp_path, "guarded", "")
    training = Training(experiment(model, max_epochs=4, val_every=1))
    with pytest.raises(
        TrainingError, match=r"a gradient is not finite at step 8 \(epoch 2\); none of the 4 gradients of"
    ):
        training.run(directory)
    weights, state = directory.read("last")
    assert state["step"] == 7
    assert bits(weights) == bits(model)


@pytest.mark.parametrize(
    ("gradients", "told"),
    [
        (
            [[np.nan, -7.0], [np.inf, 2.0]],
            "2 of the 4 gradients of parameter 'weight' are not finite, the largest of the",
        ),
        ([[np.nan, -7.0], [np.inf, 2.0]], "others is 7; try something"),
        ([[1.0, -3e25], [1.0, 2.0]], "'weight' has gradients up to 3e+25, whose squares overflow float32"),
        ([[np.nan, np.nan], [np.inf, np.nan]], "none of the 4 gradients of parameter 'weight' is finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_the_first_bad_parameter_is_told_with_its_largest_gradient(gradients, told):
    model = Sequential(Linear(2, 2))
    model[0].weight.grad = np.array(gradients, np.float32)
    model[0].bias.grad = np.array([np.nan, 0], np.float32)
    assert told.replace("'weight'", "'0.weight'") in str(divergence("it broke", [np.ones(3)], model, ["something"]))


def test_weights_that_are_not_finite_are_told_before_gradients():
    e = experiment(Linear(2, 2))
    e.model.bias.data[1] = np.nan
    with pytest.raises(TrainingError, match="parameter 'bias' holds NaN or infinity"):
        e.fit()


def test_nan_in_the_data_is_told_apart_from_weights_that_diverge():
    with pytest.raises(TrainingError, match="its inputs hold NaN or infinity; correct the data"):
        experiment(data=with_nan()).fit()


def with_nan():
    data = Moons(n_samples=60, val_fraction=1 / 6, test_fraction=1 / 6)
    inputs = data.train.inputs.copy()
    inputs[3, 1] = np.nan
    data.train = Examples(inputs, data.train.targets)
    return data


def test_a_validation_that_is_not_finite_says_so():
    data = Moons(n_samples=60)
    inputs = data.val.inputs.copy()
    inputs[3, 1] = np.inf
    data.val = Examples(inputs, data.val.targets)
    with pytest.raises(TrainingError, match="example 3 of val has the input inf: its inputs hold NaN or infinity"):
        experiment(data=data).fit()
    training = Training(experiment(data=data))
    with np.errstate(all="ignore"), pytest.raises(TrainingError, match="the val loss became nan at step 0: its inputs"):
        training.evaluate(data.val, "val")


def test_skipped_updates_are_counted_and_leave_weights_and_optimizer_as_they_were(tmp_path):
    e = experiment(data=with_nan(), max_epochs=3, log_every=1, on_nan="skip")
    directory = RunDirectory.create(tmp_path, "guarded", "")
    results = Training(e).run(directory)
    assert (results["status"], results["steps"], results["skipped"]) == ("done", 15, 3)
    records = [json.loads(line) for line in (directory.path / "metrics.jsonl").read_text().splitlines()]
    assert [r["skipped"] for r in records if "val/loss" in r] == [1, 2, 3]
    assert [r["train/loss"] for r in records].count(None) == 3
    assert np.isfinite(results["test/loss"])


def test_a_skipped_step_changes_no_bit():
    e = experiment(data=with_nan(), on_nan="skip")
    training = Training(e)
    before = bits(e.model)
    training.train_step([Batch(e.data.train, range(8))])
    assert bits(e.model) == before
    assert (training.step, training.skipped) == (1, 1)
    training.train_step([Batch(e.data.train, range(8, 16))])
    assert bits(e.model) != before


def test_skipping_does_not_go_on_with_weights_that_are_not_finite():
    e = experiment(Linear(2, 2), on_nan="skip")
    e.model.bias.data[1] = np.nan
    with pytest.raises(TrainingError, match="parameter 'bias' holds NaN"):
        e.fit()


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"shards": 2}, {"on_nan": "skip"}, {"compile": True}])
def test_a_step_in_which_no_target_counts_is_skipped_and_changes_nothing(settings):
    data = Moons(n_samples=60, val_fraction=1 / 6, test_fraction=1 / 6)
    data.train = Examples(data.train.inputs, np.full(len(data.train), -100))
    e = experiment(data=data, max_epochs=1, **settings)
    before = bits(e.model)
    assert e.fit()["skipped"] == (3 if settings.get("accumulate") else 5)
    assert bits(e.model) == before
