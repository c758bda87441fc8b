import json
from contextlib import nullcontext

import numpy as np
import pytest
from safetensors.numpy import load_file
from threadpoolctl import threadpool_info

from minigrad.data import Batch, DataLoader, Dataset, Examples, Moons
from minigrad.engine import random
from minigrad.metrics import Accuracy
from minigrad.nn import CrossEntropyLoss, Dropout, Linear, MSELoss, ReLU, Sequential
from minigrad.optim import SGD, Adam, StepLR
from minigrad.runs import RunDirectory
from minigrad.training import Callback, Checkpoint, EarlyStopping, Experiment, Trainer, Training

from ..bits import bits


def moons(
    seed=0, dropout=0.2, metrics=(Accuracy,), lr=0.05, schedule=None, data=None, batch_size=8, callbacks=(), **settings
):
    """A small experiment: 40 training, 10 validation and 10 test points, 5 steps in an epoch."""
    random.seed(seed)
    data = data or Moons(n_samples=60, val_fraction=1 / 6, test_fraction=1 / 6)
    return Experiment(
        name="moons",
        data=data,
        model=Sequential(Linear(2, 8), ReLU(), Dropout(dropout), Linear(8, 2)),
        loss=CrossEntropyLoss(),
        optimizer=lambda parameters: Adam(parameters, lr=lr),
        seed=seed,
        loader=lambda examples: DataLoader(examples, batch_size),
        metrics=[metric() for metric in metrics],
        schedule=schedule,
        trainer=Trainer(**settings),
    )


def run(experiment, tmp_path):
    directory = RunDirectory.create(tmp_path, experiment.name, "")
    results = Training(experiment).run(directory)
    records = [json.loads(line) for line in (directory.path / "metrics.jsonl").read_text().splitlines()]
    return results, records, directory.path / "checkpoints"


class Line(Dataset):
    """Points on a plane with a little noise."""

    def __init__(self, n=20):
        generator = np.random.default_rng(0)
        x = generator.normal(size=(n, 3))
        y = x @ np.array([[1.0], [-2.0], [0.5]]) + 0.1 * generator.normal(size=(n, 1))
        self.train = self.val = self.test = Examples(x, y)


def test_the_loop_is_gradient_descent_as_written_by_hand():
    data = Line()
    model = Sequential(Linear(3, 1)).to(np.float64)
    w, b = model[0].weight.data.copy(), model[0].bias.data.copy()
    experiment = Experiment(
        "line", data, model, MSELoss(), lambda parameters: SGD(parameters, lr=0.1),
        loader=lambda examples: DataLoader(examples, batch_size=8, shuffle=False), trainer=Trainer(max_epochs=3),
    )  # fmt: skip
    experiment.fit()
    for _ in range(3):
        for start in (0, 8, 16):
            x, y = data.train.batch(slice(start, start + 8))
            error = 2 * (x @ w.T + b - y) / len(x)
            w, b = w - 0.1 * error.T @ x, b - 0.1 * error.sum(axis=0)
    np.testing.assert_allclose(model[0].weight.data, w, rtol=1e-12)
    np.testing.assert_allclose(model[0].bias.data, b, rtol=1e-12)


def test_the_same_experiment_gives_the_same_bits(tmp_path):
    first, second = moons(max_epochs=3), moons(max_epochs=3)
    assert run(first, tmp_path)[:2] == run(second, tmp_path)[:2]
    assert bits(first.model) == bits(second.model)


def test_a_checkpoint_between_validations_is_written_when_its_seconds_have_passed(tmp_path):
    written = []

    class Directory(RunDirectory):
        def save(self, name, weights, state):
            written.append((name, state["step"]))

    run(moons(max_steps=6, checkpoint=Checkpoint(seconds=0)), tmp_path)
    Training(moons(max_steps=6, checkpoint=Checkpoint(seconds=0))).run(Directory(tmp_path / "moons" / "0001"))
    assert [step for name, step in written if name == "last"] == [1, 2, 3, 4, 5, 6]
    written.clear()
    Training(moons(max_steps=6, checkpoint=Checkpoint(seconds=3600))).run(Directory(tmp_path / "moons" / "0001"))
    assert [step for name, step in written if name == "last"] == [5, 6]


def test_another_seed_gives_another_training():
    assert moons(seed=0, max_epochs=1).fit() != moons(seed=1, max_epochs=1).fit()


def test_looking_more_often_changes_nothing_that_is_learned(tmp_path):
    seldom, often = moons(max_epochs=3), moons(max_epochs=3, val_every=1, log_every=1)
    training = {id(e): Training(e) for e in (seldom, often)}
    for e in (seldom, often):
        training[id(e)].run(RunDirectory.create(tmp_path, "moons", ""))
    one, other = (tmp_path / "moons" / number / "checkpoints" / "last.safetensors" for number in ("0001", "0002"))
    one, other = load_file(one), load_file(other)
    learned = [name for name in one if not name.startswith(("best/", "run/"))]
    assert len(learned) == 4 + 2 * 4
    for name in learned:
        np.testing.assert_array_equal(one[name], other[name])


def test_dropout_silences_others_in_the_next_step_and_the_same_in_a_step_repeated():
    e = moons(dropout=0.5, lr=0.0)
    training = Training(e)
    losses = []
    for step in (0, 1, 0):
        training.step = step
        training.metrics.reset()
        training.train_step([Batch(e.data.train, range(8))])
        losses.append(training.metrics.loss)
    assert losses[0] == losses[2] != losses[1]


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({}, 50),
        ({"max_epochs": 2}, 10),
        ({"max_steps": 7}, 7),
        ({"max_epochs": 2, "max_steps": 7}, 7),
        ({"max_epochs": 1, "max_steps": 7}, 5),
    ],
)
def test_the_first_limit_to_be_reached_ends_the_training(settings, steps):
    assert moons(**settings).fit()["steps"] == steps


def test_validation_is_at_the_end_of_every_epoch_and_at_the_last_step(tmp_path):
    _, records, _ = run(moons(max_steps=12), tmp_path)
    assert [(r["step"], r["epoch"]) for r in records if "val/loss" in r] == [(5, 1), (10, 2), (12, 2.4)]


def test_validation_is_every_so_many_steps_if_asked(tmp_path):
    _, records, _ = run(moons(max_steps=12, val_every=4), tmp_path)
    assert [r["step"] for r in records if "val/loss" in r] == [4, 8, 12]


def test_training_values_are_recorded_every_so_many_steps_over_the_steps_since_the_last_record(tmp_path):
    _, each, _ = run(moons(max_epochs=2, log_every=1), tmp_path)
    _, records, _ = run(moons(max_epochs=2, log_every=3), tmp_path)
    assert [r["step"] for r in records] == [3, 5, 6, 9, 10]
    for record, steps in zip(records, ([1, 2, 3], [4, 5], [6], [7, 8, 9], [10]), strict=True):
        mean = np.mean([r["train/loss"] for r in each if r["step"] in steps])
        assert record["train/loss"] == pytest.approx(mean, rel=1e-12)
        assert record["train/accuracy"] == pytest.approx(np.mean([each[s - 1]["train/accuracy"] for s in steps]))


def test_the_learning_rate_of_a_record_is_the_one_that_its_step_took(tmp_path):
    schedule = lambda optimizer: StepLR(optimizer, step_size=2, gamma=0.1)
    _, records, _ = run(moons(max_steps=5, log_every=1, lr=1.0, schedule=schedule), tmp_path)
    assert [r["lr"] for r in records] == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01])


def test_the_test_examples_are_measured_on_the_best_weights_which_stay_in_the_model(tmp_path):
    e = moons(max_epochs=8, lr=0.5)
    results, records, checkpoints = run(e, tmp_path)
    best = min((r for r in records if "val/loss" in r), key=lambda r: r["val/loss"])
    assert best["step"] == results["best_step"] < results["steps"]
    assert results["val/loss"] == best["val/loss"]
    saved = load_file(checkpoints / "best.safetensors")
    assert bits(e.model) == bits(saved)
    assert Training(e).evaluate(e.data.test, "test").items() <= results.items()


def test_the_best_weights_are_those_of_the_monitored_metric(tmp_path):
    results, records, _ = run(moons(max_epochs=8, checkpoint=Checkpoint("val/accuracy")), tmp_path)
    assert results["val/accuracy"] == max(r["val/accuracy"] for r in records if "val/accuracy" in r)


def test_training_ends_when_nothing_has_improved_for_the_patience():
    results = moons(max_epochs=50, lr=0.0, early_stopping=EarlyStopping(patience=3)).fit()
    assert (results["status"], results["steps"], results["best_step"]) == ("done", 20, 5)


def test_an_interrupted_training_ends_after_its_step_with_a_checkpoint_of_it(tmp_path):
    e = moons(max_epochs=5)
    training = Training(e)
    directory = RunDirectory.create(tmp_path, "moons", "")

    class Impatient(Callback):
        def on_step_end(self, training):
            if training.step == 7:
                training.interrupt()

        def on_log(self, training, record):
            assert record["step"] <= 7

    results = training.run(directory, Impatient())
    assert (results["status"], results["steps"], results["best_step"]) == ("interrupted", 7, 5)
    assert "test/loss" not in results
    assert directory.read("last")[1]["step"] == 7


def test_the_last_checkpoint_is_all_that_the_rest_of_a_training_depends_on(tmp_path):
    whole = moons(max_steps=13, log_every=3)
    _, records, _ = run(whole, tmp_path)

    first = Training(moons(max_steps=13, log_every=3))
    directory = RunDirectory.create(tmp_path, "moons", "")

    class Stop(Callback):
        def on_step_end(self, training):
            if training.step == 7:
                training.interrupt()

    first.run(directory, Stop())
    weights, state = directory.read("last")
    assert (state["epoch"], state["step_in_epoch"], state["seed"]) == (1, 2, 0)

    rest = Training(moons(max_steps=13, log_every=3))
    rest.load_state(weights, state)
    directory = RunDirectory.create(tmp_path, "moons", "")
    rest.run(directory)
    lines = (directory.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [r for r in records if r["step"] > 7]


def test_gradients_longer_than_grad_clip_are_scaled_down_to_it():
    e = moons(dropout=0.0)
    e.optimizer = lambda parameters: SGD(parameters, lr=1.0)
    e.trainer = Trainer(max_steps=1, grad_clip=0.01)
    before = {name: array.copy() for name, array in e.model.state_dict().items()}
    training = Training(e)
    training.run()
    moved = np.concatenate([(array - before[name]).ravel() for name, array in training.best.weights.items()])
    assert np.linalg.norm(moved) == pytest.approx(0.01, rel=1e-3)


def trained(batch_size, **settings):
    """The weights after two epochs of plain gradient descent in float64."""
    e = moons(dropout=0.0, batch_size=batch_size, max_epochs=2, **settings)
    e.optimizer = lambda parameters: SGD(parameters, lr=0.1)
    e.model.to(np.float64)
    e.fit()
    return np.concatenate([array.ravel() for array in e.model.state_dict().values()])


@pytest.mark.parametrize(("batch_size", "accumulate"), [(4, 2), (2, 4), (3, 3)])
def test_accumulated_batches_learn_as_one_batch_of_all_their_examples(batch_size, accumulate):
    whole = trained(batch_size * accumulate)
    np.testing.assert_allclose(trained(batch_size, accumulate=accumulate), whole, rtol=1e-9)


def test_the_last_step_of_an_epoch_accumulates_what_is_left(tmp_path):
    _, records, _ = run(moons(max_epochs=2, accumulate=3, log_every=1), tmp_path)
    assert [(r["step"], r["epoch"]) for r in records] == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]


@pytest.mark.parametrize("name", ["max_epochs", "max_steps", "accumulate", "val_every", "log_every", "grad_clip"])
def test_a_number_that_is_not_positive_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} must be (at least 1|above 0), got 0"):
        Trainer(**{name: 0})


def test_blas_has_one_thread_during_a_run_and_what_it_had_before_afterwards():
    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    class Watch(Callback):
        def on_step_end(self, training):
            assert set(threads()) <= {1}

    before = threads()
    assert before
    Training(moons(max_steps=2)).run(progress=Watch())
    assert threads() == before


def test_a_trained_model_is_ready_to_be_used():
    e = moons(max_epochs=1)
    assert e.model.training
    e.fit()
    assert not any(module.training for module in e.model.modules())


class Failing(Callback):
    """Ends the training by an error in its second step."""

    def on_step_end(self, training):
        if training.step == 2:
            raise RuntimeError("as a layer may")


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("progress", [None, Failing()], ids=["done", "failed"])
def test_numpy_reports_errors_afterwards_as_it_did_before(shards, progress):
    seen = []

    class Watch(ReLU):
        def forward(self, x):
            seen.append(np.geterr())
            return super().forward(x)

    e = moons(max_steps=3, shards=shards)
    e.model = Sequential(Linear(2, 8), Watch(), Linear(8, 2))
    training = Training(e)
    seen.clear()
    with np.errstate(over="raise", invalid="call", divide="print"):
        before = np.geterr()
        with pytest.raises(RuntimeError, match="as a layer may") if progress else nullcontext():
            training.run(progress=progress)
        assert np.geterr() == before
    assert seen
    assert all(set(handling.values()) == {"ignore"} for handling in seen)
