import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.data import DataLoader, Moons
from minigrad.engine import random
from minigrad.nn import CrossEntropyLoss, Linear
from minigrad.optim import SGD
from minigrad.runs import RunDirectory
from minigrad.training import Callback, Experiment, Trainer, Training
from minigrad.training.callback import hooks_of

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


def experiment(*callbacks, **settings):
    """40 training examples in 5 steps of an epoch."""
    random.seed(0)
    return Experiment(
        name="watched",
        data=Moons(n_samples=60, val_fraction=1 / 6, test_fraction=1 / 6),
        model=Linear(2, 2),
        loss=CrossEntropyLoss(),
        optimizer=SGD,
        loader=lambda examples: DataLoader(examples, batch_size=8),
        trainer=Trainer(**settings),
        callbacks=list(callbacks),
    )


class Diary(Callback):
    """Writes down what it is told, and when."""

    def __init__(self):
        self.entries = []


def _writes_down(hook):
    def method(self, training, *told):
        self.entries.append((hook, training.step))

    return method


for hook in HOOKS:
    setattr(Diary, hook, _writes_down(hook))


def test_each_moment_is_told_in_order():
    diary = Diary()
    experiment(diary, max_steps=2, val_every=1).fit()
    hooks = ("on_step_end", "on_log", "on_validation_end")
    step = lambda n: [("on_before_optimizer_step", n - 1), *((hook, n) for hook in hooks)]
    assert diary.entries == [("on_train_start", 0), *step(1), *step(2), ("on_train_end", 2)]


def test_epochs_validations_and_steps_are_told_as_often_as_they_happen():
    diary = Diary()
    experiment(diary, max_epochs=2, val_every=4).fit()
    counts = Counter(hook for hook, _ in diary.entries)
    assert counts == {
        "on_train_start": 1, "on_before_optimizer_step": 10, "on_step_end": 10, "on_epoch_end": 2,
        "on_log": 3, "on_validation_end": 3, "on_train_end": 1,
    }  # fmt: skip


def test_gradients_are_there_before_the_optimizer_steps_and_may_be_changed():
    class Freeze(Callback):
        def on_before_optimizer_step(self, training):
            for parameter in training.parameters:
                assert np.isfinite(parameter.grad).all()
                parameter.grad[...] = 0

    e = experiment(Freeze(), max_epochs=1)
    before = e.model.weight.data.copy()
    e.fit()
    np.testing.assert_array_equal(e.model.weight.data, before)


def test_a_validation_tells_its_values():
    told = []

    class Listener(Callback):
        def on_validation_end(self, training, record):
            told.append(record)

        def on_train_end(self, training, results):
            told.append(results)

    experiment(Listener(), max_epochs=1).fit()
    assert told[0].keys() == {"step", "epoch", "lr", "train/loss", "val/loss"}
    assert told[1].keys() >= {"steps", "test/loss"}


def test_a_record_is_written_and_the_best_weights_are_copied_before_a_callback_learns_of_them(tmp_path):
    directory = RunDirectory.create(tmp_path, "watched", "")

    class Spoiler(Callback):
        def on_log(self, training, record):
            last = (directory.path / "metrics.jsonl").read_text().splitlines()[-1]
            assert json.loads(last) == record

        def on_validation_end(self, training, record):
            self.trained = training.model.weight.data.copy()
            training.model.weight.data[...] = 0

    e, spoiler = experiment(max_steps=2, val_every=2), Spoiler()
    e.callbacks.append(spoiler)
    Training(e).run(directory)
    np.testing.assert_array_equal(e.model.weight.data, spoiler.trained)
    np.testing.assert_array_equal(directory.read("last")[0]["weight"], 0)


def test_only_the_methods_that_callbacks_override_are_called():
    class Inherits(StopAfter):
        pass

    stop, inherits = StopAfter(3), Inherits(3)
    hooks = hooks_of([Callback(), stop, inherits])
    assert hooks == {hook: [] for hook in HOOKS} | {"on_step_end": [stop.on_step_end, inherits.on_step_end]}


class StopAfter(Callback):
    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, training):
        if training.step == self.steps:
            training.stop()


def test_a_training_that_a_callback_stops_is_done_and_its_last_step_validated():
    diary = Diary()
    results = experiment(StopAfter(7), diary, max_epochs=4).fit()
    assert (results["status"], results["steps"]) == ("done", 7)
    assert ("on_validation_end", 7) in diary.entries
    assert "test/loss" in results


class Average(Callback):
    """The running mean of the weights."""

    def __init__(self, decay):
        self.decay = decay
        self.weight = None
        self.seen = Counter()

    def on_step_end(self, training):
        weight = training.model.weight.data
        self.weight = weight.copy() if self.weight is None else self.decay * self.weight + (1 - self.decay) * weight
        self.seen[training.step % 2] += 1

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self.seen = Counter(self.seen)


def test_what_a_callback_keeps_is_as_it_was_when_a_run_goes_on(tmp_path):
    whole = Average(0.9)
    experiment(whole, max_steps=9).fit()

    first = Training(experiment(Average(0.9), StopAfter(4), max_steps=9, val_every=4))
    directory = RunDirectory.create(tmp_path, "watched", "")
    first.run(directory)
    weights, state = directory.read("last")
    state["stopped"] = False

    rest = Average(0.9)
    training = Training(experiment(rest, max_steps=9))
    training.load_state(weights, state)
    training.run()
    np.testing.assert_array_equal(rest.weight, whole.weight)
    assert rest.seen == whole.seen


def test_a_callback_that_keeps_what_no_file_can_hold_is_told_at_the_first_checkpoint(tmp_path):
    class Keeper(Callback):
        def on_train_start(self, training):
            self.model = training.model

    e = experiment(Keeper())
    with pytest.raises(TypeError, match="'callbacks/0/1/model', a Linear: keep numbers, texts, arrays"):
        Training(e).run(RunDirectory.create(tmp_path, "watched", ""))


def test_a_callback_of_models_is_named_in_a_config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    Path("models", "brake.py").write_text(
        "from minigrad.training import Callback, Training\n\n\n"
        "class Brake(Callback):\n"
        "    '''Ends a training after some steps.'''\n\n"
        "    def __init__(self, after: int) -> None:\n"
        "        self.after = after\n\n"
        "    def on_step_end(self, training: Training) -> None:\n"
        "        if training.step >= self.after:\n"
        "            training.stop()\n"
    )
    Path("brake.yaml").write_text(
        "name: braked\ndata: Moons\nmodel: {Linear: [2, 2]}\nloss: CrossEntropyLoss\noptimizer: SGD\n"
        "callbacks: [{Brake: 3}]\n"
    )
    assert main(["train", "brake.yaml"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["steps"] == 3
    assert main(["list", "Callback"]) == 0
    assert "Brake" in capsys.readouterr().out
